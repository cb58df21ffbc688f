"""Weights files of NumPy, MatConvNet and Caffe with a tiny VGG16 in them, and such files that mean harm."""

import io
import pickle
import struct
import zipfile
import zlib

import numpy as np
import scipy.io
from foreign import CHANNELS, CLASSES, CONVOLUTIONS, SIDE, UNITS

RNG = np.random.default_rng(5)
PLACES = SIDE // 32


def arrays():
    """conv1_1 ... fc8 as pairs of weight and bias, in PyTorch's layout."""
    found, c = {}, 3
    for block, (count, k) in enumerate(zip(CONVOLUTIONS, CHANNELS, strict=True), 1):
        for i in range(1, count + 1):
            found[f"conv{block}_{i}"] = (
                RNG.standard_normal((k, c, 3, 3)).astype(np.float32) * 0.3,
                np.ones(k, np.float32),
            )
            c = k
    for name, units, inputs in (("fc6", UNITS, c * PLACES**2), ("fc7", UNITS, UNITS), ("fc8", CLASSES, UNITS)):
        found[name] = RNG.standard_normal((units, inputs)).astype(np.float32) * 0.3, np.ones(units, np.float32)
    return found


ARRAYS = arrays()


def turned(w):
    return np.ascontiguousarray(w.transpose(2, 3, 1, 0) if w.ndim == 4 else w.T)


def npz(packed=False, **others):
    data = io.BytesIO()
    content = {f"{name}_{end}": a for name, (w, b) in ARRAYS.items() for end, a in (("W", turned(w)), ("b", b))}
    (np.savez_compressed if packed else np.savez)(data, **{**content, **others})
    return data.getvalue()


def npy(content=None):
    data = io.BytesIO()
    whole = np.empty((), object)
    whole[()] = {n: [turned(w), b] for n, (w, b) in ARRAYS.items()} if content is None else content
    np.save(data, whole, allow_pickle=True)
    return data.getvalue()


def npy_header(text, rest=b""):
    text = text if isinstance(text, bytes) else text.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + rest


def npz_member(data, name="conv1_1_W.npy", how=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        archive.writestr(name, data)
    return out.getvalue()


OBJECT = "{'descr': '|O', 'fortran_order': False, 'shape': (), }\n"


def npy_pickle(body):
    return npy_header(OBJECT, body)


def mat(change=lambda layers: None, packed=False, **others):
    layers = []
    for name, (w, b) in ARRAYS.items():
        side = PLACES if name == "fc6" else 1
        kernel = turned(w if w.ndim == 4 else w.reshape(len(w), -1, side, side))
        pair = np.empty((1, 2), object)
        pair[0, 0], pair[0, 1] = kernel, b.reshape(1, -1)
        pad = np.full((1, 4), float(w.ndim == 4))
        layers.append({"type": "conv", "name": name, "stride": np.ones((1, 2)), "pad": pad, "weights": pair})
        if name != "fc8":
            layers.append({"type": "relu", "name": f"relu_{name}"})
        if any(name == f"conv{i}_{n}" for i, n in enumerate(CONVOLUTIONS, 1)):
            two = np.full((1, 2), 2.0)
            layers.append(
                {"type": "pool", "name": f"pool_{name}", "method": "max", "pool": two, "stride": two, "pad": 0.0}
            )
    change(layers)
    cells = np.empty((1, len(layers)), object)
    for i, layer in enumerate(layers):
        cells[0, i] = layer
    data = io.BytesIO()
    scipy.io.savemat(data, {"layers": cells, **others}, do_compression=packed)
    return data.getvalue()


HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def matrix(type, shape, *parts, name=b"x"):
    flags = element(6, struct.pack("<II", type, 0))
    return element(14, flags + element(5, np.array(shape, "<i4").tobytes()) + element(1, name) + b"".join(parts))


def nested(depth):
    inner = matrix(6, (1, 1), element(9, bytes(8)))
    for _ in range(depth):
        inner = matrix(1, (1, 1), inner)
    return inner


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def blob(array):
    shape = b"".join(varint(n) for n in array.shape)
    return field(7, field(1, shape)) + field(5, array.astype("<f4").tobytes())


def layer(kind, name, bottom, top, *rest):
    return field(100, field(1, name) + field(2, kind) + field(3, bottom) + field(4, top) + b"".join(rest))


def caffe(*more):
    out, at = [field(1, b"tiny")], b"data"
    for name, pair in ARRAYS.items():
        kind, settings = (
            (b"Convolution", field(106, field(3, 1) + field(4, 3))) if name[0] == "c" else (b"InnerProduct", b"")
        )
        out.append(layer(kind, name.encode(), at, name.encode(), settings, *(field(7, blob(a)) for a in pair)))
        at = name.encode()
        if name != "fc8":
            out.append(layer(b"ReLU", b"r" + at, at, at))
        if any(name == f"conv{i}_{n}" for i, n in enumerate(CONVOLUTIONS, 1)):
            out.append(layer(b"Pooling", b"p" + at, at, b"p" + at, field(121, field(2, 2) + field(3, 2))))
            at = b"p" + at
    return b"".join(out) + b"".join(more)


FILES = {
    "older.npz": npz(),
    "older-packed.npz": npz(packed=True),
    "older.npy": npy(),
    "older.mat": mat(),
    "older-packed.mat": mat(packed=True),
    "older.caffemodel": caffe(),
}
"""Sound ones."""

SHAPE = "{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}\n"
SMALL = np.ones((3, 3, 3, 4), np.float32)


def one_layer(body):
    return field(1, b"n") + field(100, field(1, b"a") + field(2, b"Convolution") + body)


def state(*values):
    """A pickle of {"conv1_1": [an array with this state]}, protocol 2."""
    head = b"\x80\x02}X\x07\x00\x00\x00conv1_1]cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01bt"
    return head + b"R" + pickle.dumps(tuple(values), 4)[2:-1] + b"bas."


def numbers(shape, data=None, kind=7, type=7):
    values = np.ones(int(np.prod(shape)), "<f4").tobytes() if data is None else data
    return matrix(type, shape, element(kind, values), name=b"")


def struct_of(**fields):
    width = 16
    names = b"".join(key.encode().ljust(width, b"\0") for key in fields)
    return matrix(2, (1, 1), element(5, struct.pack("<i", width)), element(1, names), *fields.values(), name=b"")


def text(value):
    return matrix(4, (1, len(value)), element(16, value.encode()), name=b"")


def cells(*values, name=b""):
    return matrix(1, (1, len(values)), *values, name=name)


def net(*layers):
    return HEADER + cells(*layers, name=b"layers")


def conv(**others):
    fields = {"type": text("conv"), "name": text("a"), "weights": cells(numbers((3, 3, 3, 2)), numbers((1, 2)))}
    return struct_of(**{**fields, **others})


BOMB = zlib.compress(bytes(300 << 20), 9)
HOSTILE = {
    # --- NumPy's zip
    "npz with a pickled array": (npz(x=np.array([{}], object)), "pickled"),
    "npz of texts": (npz(x=np.array(["a"])), "values of type"),
    "npz of complex numbers": (npz(x=np.ones(3, complex)), "values of type"),
    "npz of dates": (npz(x=np.array(["2020-01-01"], "M8[D]")), "values of type"),
    "npz in big-endian order": (npz(x=np.ones(3, ">f4")), "big-endian"),
    "npz with an array without values": (npz(x=np.ones((0, 3), np.float32)), "should have"),
    "npz with NaN": (npz(fc8_b=np.full(CLASSES, np.nan, np.float32)), "NaN"),
    "npz with one array more": (npz(x_W=np.ones((2, 2, 2, 2), np.float32)), ""),
    "npz with a name for two": (npz(**{"conv1_1/W": SMALL}), "rename them"),
    "npz without a convolution": (npz_member(npy_header(SHAPE.format("<f4", False, (2,)), bytes(8))), "no convolution"),
    "npz with a name that leaves the folder": (npz_member(npy_header(SHAPE.format("<f4", False, (3, 3, 3, 4)), SMALL.tobytes()), "../../etc/passwd.npy"), ""),
    "npz that unpacks to a thousand times as much": (npz_member(npy_header(SHAPE.format("<f4", False, (3, 3, 3, 1 << 20)), bytes(108 << 20)), how=zipfile.ZIP_DEFLATED), "unpacks from"),
    "npz whose kernels may be either": (npz_member(npy_header(SHAPE.format("<f4", False, (3, 3, 3, 3)), bytes(324))), "nothing tells which"),
    "npz cut off": (npz()[:-100], ""),
    **{f"npz whose header is {label}": (npz_member(npy_header(header, bytes(432))), "") for label, header in {
        "nothing": b"", "no literal": b"__import__('os').system('x')\n", "deep": b"(" * 30000, "deeper": b"[" * 60000, "a name": b"__class__\n", "a call": b"{'descr': exit(), 'fortran_order': False, 'shape': (1,)}\n",
        "a list": b"[1, 2]\n", "without a shape": b"{'descr': '<f4', 'fortran_order': False}\n", "a sum": b"{'descr': '<f4', 'fortran_order': False, 'shape': (1+2,)}\n",
        "a long number": b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"9" * 5000 + b",)}\n", "of fields": b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}\n",
        **{f"of shape {shape}": SHAPE.format("<f4", False, shape).encode() for shape in ((-3, 3, 3, 4), (3, 3, 3, 10**6), (3, 3, 3, 2**31), (3, 3, 3, 2**62, 2**62), (3.0, 3, 3, 4), (True, 3, 3, 4), (0, 3, 3, 4), "'abc'", "(" * 40 + ")" * 40)},
    }.items()},
    "npz with a header longer than the file": (npz_member(b"\x93NUMPY\x01\x00\xff\xff" + bytes(40)), "too long"),
    "npz of version 9": (npz_member(b"\x93NUMPY\x09\x00\x04\x00" + bytes(40)), "no array"),
    "npz with what is no array": (npz_member(b"hello"), "no array"),
    # --- NumPy's pickle
    "npy of one array": (npy_header(SHAPE.format("<f4", False, (3, 3, 3, 4)), SMALL.tobytes()), "expected a dictionary"),
    "npy of a list": (npy([1, 2]), "expected a dictionary"),
    "npy of nothing": (npy({}), "no convolution"),
    "npy of texts": (npy({"a": "b", "__class__": [1]}), "no convolution"),
    "npy that calls os.system": (npy_pickle(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R."), "expected a dictionary"),
    "npy whose array is a call": (npy_pickle(b"\x80\x02}X\x07\x00\x00\x00conv1_1]cos\nsystem\nX\x04\x00\x00\x00true\x85Ras."), "is a os.system"),
    "npy that builds itself without end": (npy_pickle(b"\x80\x02}q\x00" + b"X\x01\x00\x00\x00a" + b"h\x00s" + b"."), "no convolution"),
    "npy of a hundred thousand lists": (npy_pickle(b"\x80\x02" + b"]" * 100_000 + b"."), "objects"),
    "npy of tuples in tuples": (npy_pickle(b"\x80\x02)" + b"\x85" * 60_000 + b"."), "expected a dictionary"),
    "npy with a text longer than the file": (npy_pickle(b"\x80\x02T\xff\xff\xff\x7f."), "cut off"),
    "npy with a text of negative length": (npy_pickle(b"\x80\x02T\xff\xff\xff\xff."), "negative"),
    "npy with bytes longer than the file": (npy_pickle(b"\x80\x04\x8e" + b"\xff" * 8 + b"."), ""),
    "npy with an opcode that is none": (npy_pickle(b"\x80\x02\x00\x00\x00"), "opcode"),
    "npy that ends in the middle": (npy()[:2000], "cut off"),
    "npy with a shape that lies": (npy_pickle(state(1, (3, 3, 3, 9), "f4", False, SMALL.tobytes())), ""),
    "npy with a negative shape": (npy_pickle(state(1, (-3, 3), "f4", False, b"")), "expected an array"),
    "npy with a text for its values": (npy_pickle(state(1, (2,), "f4", False, "ab")), "expected an array"),
    "npy with a list for its values": (npy_pickle(state(1, (2,), "f4", False, [1, 2])), "expected an array"),
    "npy of objects": (npy({"a": np.array([{}], object)}), ""),
    "npy in big-endian order": (npy({"a": [np.ones((3, 3, 3, 4), ">f4")]}), "of type"),
    "npy of complex numbers": (npy({"a": [np.ones((3, 3, 3, 4), complex)]}), "of type"),
    "npy of records": (npy({"a": [np.ones(3, [("x", "f4")])]}), "of type"),
    "npy with two million zeros": (npy_pickle(bytes(2 << 20)), "opcode"),
    # --- MATLAB
    "mat of something else": (HEADER + matrix(6, (1, 1), element(9, bytes(8))), "expected a network"),
    "mat without anything": (HEADER, "it holds nothing"),
    "mat cut off": (mat()[:3000], ""),
    "mat written on another machine": (mat()[:126] + b"MI" + mat()[128:], "big-endian"),
    "mat of version 7.3": (b"MATLAB 7.3 MAT-file".ljust(600), "-v7"),
    "mat as a graph": (HEADER + matrix(2, (1, 1), element(5, struct.pack("<i", 16)), element(1, b"layers".ljust(16, b"\0")), struct_of(a=text("b")), name=b"net"), "DagNN"),
    "mat with cells in cells": (HEADER + nested(100), "deep"),
    "mat with a hundred thousand cells in cells": (HEADER + nested(3000), "deep"),
    "mat that unpacks to a thousand times as much": (HEADER + struct.pack("<II", 15, len(BOMB)) + BOMB, "unpacks"),
    "mat whose packed part is cut off": (HEADER + struct.pack("<II", 15, 50) + BOMB[:50], "unpacks|cut off"),
    "mat whose packed part is none": (HEADER + struct.pack("<II", 15, 50) + b"x" * 50, ""),
    "mat with an element beyond the end": (HEADER + struct.pack("<II", 14, 1 << 30) + bytes(64), "beyond the end"),
    "mat with an element that is no matrix": (HEADER + element(9, bytes(8)), "no matrix"),
    "mat with a matrix of nothing": (HEADER + element(14, bytes(16)), ""),
    "mat with a shape that lies": (net(conv(weights=cells(numbers((3, 3, 3, 9), bytes(72)), numbers((1, 2))))), "damaged"),
    "mat with a huge shape": (HEADER + matrix(7, (2**31 - 1, 2**31 - 1), element(7, bytes(8))), "shape"),
    "mat with a negative shape": (HEADER + matrix(7, (-1, 3), element(7, bytes(8))), "shape"),
    "mat with a structure without names": (net(matrix(2, (1, 1), element(5, struct.pack("<i", 0)), element(1, b""))), "no names"),
    "mat with names of no width": (net(matrix(2, (1, 1), element(5, struct.pack("<i", 7)), element(1, b"abc"))), "no names"),
    "mat with a layer of numbers": (net(numbers((1, 1))), "no structure with a type"),
    "mat with a layer without a type": (net(struct_of(name=text("a"))), "no structure with a type"),
    "mat with a layer of another type": (net(struct_of(type=text("lrn"), name=text("__class__"))), "nothing that numcam computes"),
    "mat with orders to the terminal": (net(struct_of(type=text("\x1b[2J"), name=text("\x1b[2J\n"))), "nothing that numcam computes"),
    "mat with a convolution without a kernel": (net(conv(weights=cells())), "no kernel"),
    "mat with a layer twice": (net(conv(), conv()), "two of that name"),
    "mat with a stride of a half": (net(conv(stride=numbers((1, 2), np.full(2, 0.5, "<f4").tobytes()))), "whole numbers"),
    "mat with a stride of NaN": (net(conv(stride=numbers((1, 2), np.full(2, np.nan, "<f4").tobytes()))), ""),
    "mat with a border of millions": (net(conv(pad=numbers((1, 4), np.full(4, 1e7, "<f4").tobytes()))), "whole numbers"),
    "mat with an uneven border": (net(conv(pad=numbers((1, 4), np.array([0, 1, 0, 1], "<f4").tobytes()))), "border"),
    "mat that is dilated": (net(conv(dilate=numbers((1, 2), np.full(2, 2, "<f4").tobytes()))), "dilated"),
    "mat that pools otherwise": (net(conv(), struct_of(type=text("pool"), name=text("p"), method=text("median"))), "pools by"),
    "mat with NaN for a mean": (mat(normalization={"averageImage": np.full((1, 1, 3), np.nan)}), "NaN"),
    "mat with NaN in a kernel": (net(conv(weights=cells(numbers((3, 3, 3, 2), np.full(54, np.nan, "<f4").tobytes()), numbers((1, 2))))), ""),
    "mat with a bias that does not fit": (net(conv(weights=cells(numbers((3, 3, 3, 2)), numbers((1, 3))))), "bias"),
    "mat with layers that do not fit": (net(conv(), conv(name=text("b"))), "channels"),
    "mat with a matrix too many times": (HEADER + element(14, b"") * 250_000, "values"),
    # --- Caffe
    "caffemodel of a name alone": (field(1, b"n") + field(3, b"data"), "no layers"),
    "caffemodel cut off": (caffe()[:5000], "beyond the end"),
    "caffemodel with a number without end": (field(1, b"n") + b"\xa2\x06\x02" + b"\xff\xff", "no end"),
    "caffemodel with a field beyond the end": (field(1, b"n") + b"\xa2\x06" + b"\xff\xff\xff\x7f", "beyond the end"),
    "caffemodel with a field of all bytes there are": (field(1, b"n") + b"\xa2\x06" + b"\xff" * 9 + b"\x01", "beyond the end"),
    "caffemodel with a type of field that is none": (field(1, b"n") + b"\x12\x02\x0f\x00", ""),
    "caffemodel of a million fields": (field(1, b"n") + b"\x1a\x00" * 300_000, "fields"),
    "caffemodel with a layer of nothing": (field(1, b"n") + field(100, b""), "nothing that numcam computes"),
    "caffemodel with a layer of an unknown kind": (field(1, b"n") + field(2, field(5, 77)), "kind 77"),
    "caffemodel with orders to the terminal": (field(1, b"n") + field(100, field(1, b"\x1b[2J") + field(2, b"\x1b]0;x\x07")), "nothing that numcam computes"),
    "caffemodel with a number for a name": (field(1, b"n") + field(100, field(1, 7)), "no text"),
    "caffemodel with a name twice": (caffe(layer(b"InnerProduct", b"fc8", b"fc8", b"x", field(7, blob(np.ones((2, CLASSES)))))), "two layers"),
    "caffemodel with a branch": (caffe(layer(b"InnerProduct", b"aux", b"fc6", b"aux", field(7, blob(np.ones((2, UNITS)))))), "and not fc8"),
    "caffemodel with a layer that adds": (caffe(layer(b"Eltwise", b"sum", b"fc8", b"sum")), "nothing that numcam computes"),
    "caffemodel that does not fit": (caffe(layer(b"InnerProduct", b"fc9", b"fc8", b"fc9", field(7, blob(np.ones((2, 9)))))), "values"),
    "caffemodel with NaN": (caffe(layer(b"InnerProduct", b"fc9", b"fc8", b"fc9", field(7, blob(np.full((2, CLASSES), np.nan))))), "NaN"),
    "caffemodel without values": (one_layer(field(7, field(7, field(1, b"\x02\x03\x03\x03")))), "has 0 values"),
    "caffemodel with values twice": (one_layer(field(7, blob(np.ones(2)) + field(5, bytes(8)))), "one piece"),
    "caffemodel with a value at a time": (one_layer(field(7, field(1, 1) + b"\x2d\x00\x00\x80\x3f" * 9)), "one piece"),
    "caffemodel with a shape that lies": (one_layer(field(7, field(7, field(1, b"\x09\x03\x03\x03")) + field(5, bytes(100)))), "damaged"),
    "caffemodel with a huge shape": (one_layer(field(7, field(7, field(1, varint(2**62) * 4)) + field(5, bytes(100)))), "damaged"),
    "caffemodel with a shape of many sides": (one_layer(field(7, field(7, field(1, b"\x01" * 99)) + field(5, bytes(4)))), "sides"),
    "caffemodel with a side of nothing": (one_layer(field(7, field(7, field(1, b"\x00\x03\x03\x03")) + field(5, b""))), "damaged"),
    "caffemodel without a kernel": (one_layer(b""), "no kernel"),
    "caffemodel with a kernel of two sides": (one_layer(field(7, blob(np.ones((2, 3))))), "no kernel"),
    "caffemodel with a stride of millions": (one_layer(field(7, blob(np.ones((2, 3, 3, 3)))) + field(106, field(6, 10**7))), "small whole number"),
    "caffemodel with a stride of 0": (one_layer(field(7, blob(np.ones((2, 3, 3, 3)))) + field(106, field(6, 0))), ""),
    "caffemodel with a message for a stride": (one_layer(field(7, blob(np.ones((2, 3, 3, 3)))) + field(106, field(6, b"\xff" * 3))), ""),
}  # fmt: skip
"""Bytes, and words of the refusal."""
