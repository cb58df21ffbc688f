"""What the real libraries no longer write: Keras 1's published layout, and the stream of PyTorch 0.1."""

import io
import pickle
import struct
from collections import OrderedDict

import h5py
import numpy as np

CONVOLUTIONS = (2, 2, 3, 3, 3)
CHANNELS = (4, 5, 6, 7, 8)
UNITS, CLASSES, SIDE = 12, 6, 64


def published_by_keras(path, layers):
    """The layout of the files that Keras publishes: layers a mapping of name to [kernel, bias], or [] for a pool."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([name.encode() for name in layers], "S")
        for name, arrays in layers.items():
            group = file.create_group(name)
            keys = [f"{name}_{kind}_1:0" for kind in ("W", "b")][: len(arrays)]
            group.attrs["weight_names"] = np.array([k.encode() for k in keys], "S") if keys else np.array([])
            for key, array in zip(keys, arrays, strict=True):
                group.create_dataset(key, data=np.asarray(array, "<f4"))


class _Storage:
    def __init__(self, key, array):
        self.key, self.array = key, array


class _Global:
    """Something pickled by its name alone."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def __reduce__(self):
        return f"{self.module}\n{self.name}"


class _Tensor:
    def __init__(self, storage, shape):
        self.storage, self.shape = storage, shape


class _Pickler(pickle._Pickler):  # the one written in Python, whose opcodes can be chosen
    def persistent_id(self, obj):
        if isinstance(obj, _Storage):
            return ("storage", _Global("torch", "FloatStorage"), obj.key, "cpu", obj.array.size, None)
        return None

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, _Global):
            if id(obj.name) not in self.memo:
                self.write(b"c" + f"{obj.module}\n{obj.name}\n".encode())
                self.memoize(obj.name)
            else:
                self.write(self.get(self.memo[id(obj.name)][0]))
            return None
        if isinstance(obj, _Tensor):
            strides = tuple(int(np.prod(obj.shape[i + 1 :], dtype=int)) for i in range(len(obj.shape)))
            self.save(REBUILD)
            self.save((obj.storage, 0, tuple(int(n) for n in obj.shape), strides))
            self.write(b"R")
            self.memo[id(obj)] = len(self.memo), obj
            self.write(self.put(self.memo[id(obj)][0]))
            return None
        return super().save(obj, save_persistent_id)


REBUILD = _Global("torch._utils", "_rebuild_tensor")


def stream_of_torch_01(state, keys=None):
    """A state_dict (name -> array) as PyTorch 0.1 saved it; keys were addresses in memory."""
    keys = keys or [str(94_000_000 + 1_000 * i) for i in range(len(state))]
    storages = [_Storage(key, np.asarray(a, "<f4")) for key, a in zip(keys, state.values(), strict=True)]
    tensors = OrderedDict((n, _Tensor(s, a.shape)) for (n, a), s in zip(state.items(), storages, strict=True))
    out = io.BytesIO()
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    for obj in (0x1950A86A20F9469CFC6C, 1001, system, tensors, sorted(keys)):
        _Pickler(out, 2).dump(obj)
    for storage in sorted(storages, key=lambda s: s.key):
        out.write(struct.pack("<q", storage.array.size) + storage.array.tobytes())
    return out.getvalue()
