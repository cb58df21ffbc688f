"""Write golden/: weights files of a tiny VGG16 by the real libraries, and what these libraries compute with them.

    python tests/formats/make_golden.py

Needs torch, keras, safetensors and h5py. Everything is random from a fixed seed; run it again for a new version of
one of the libraries, whose versions are kept in golden/expected.h5.
"""

import os
from collections import OrderedDict
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"

import h5py
import keras
import numpy as np
import safetensors
import safetensors.torch
import torch
from foreign import CHANNELS, CLASSES, CONVOLUTIONS, SIDE, UNITS, published_by_keras, stream_of_torch_01
from keras import layers
from keras.applications.vgg16 import preprocess_input
from keras.src.legacy.saving import legacy_h5_format
from torch import nn

HERE = Path(__file__).parent / "golden"
RNG = np.random.default_rng(7)
PICTURE = RNG.integers(0, 256, (SIDE, SIDE, 3), np.uint8)


class TorchVGG(nn.Module):
    """torchvision's VGG, with its names and numbers, at a tiny width."""

    def __init__(self, norm=False, classes=CLASSES):
        super().__init__()
        stack, c = [], 3
        for count, k in zip(CONVOLUTIONS, CHANNELS, strict=True):
            for _ in range(count):
                stack += [nn.Conv2d(c, k, 3, padding=1), *([nn.BatchNorm2d(k)] if norm else []), nn.ReLU()]
                c = k
            stack.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*stack)
        head = [nn.Linear(c * (SIDE // 32) ** 2, UNITS), nn.ReLU(), nn.Dropout(), nn.Linear(UNITS, UNITS), nn.ReLU()]
        self.classifier = nn.Sequential(*head, nn.Dropout(), nn.Linear(UNITS, classes))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def randomised(model):
    for p in [*model.parameters(), *(b for n, b in model.named_buffers() if "running" in n)]:
        fan = p[0].numel() if p.ndim > 1 else 1
        values = RNG.standard_normal(p.shape) * (2 / fan) ** 0.5 if p.ndim > 1 else RNG.uniform(0.1, 1, p.shape)
        p.data = torch.tensor(values, dtype=torch.float32)
    return model.eval()


def score(out):
    """Logit 1; or the sum of all maps, the first once, the second twice and so on."""
    return out[0, 1] if out.ndim == 2 else (out.sum(dim=(0, 2, 3)) * torch.arange(1, out.shape[1] + 1)).sum()


def by_torch(model, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), last=None):
    """The output, and the gradient of its score with respect to the pixels, in float64."""
    pixels = torch.tensor(PICTURE.transpose(2, 0, 1)[None], dtype=torch.float64, requires_grad=True)
    mean, std = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in (mean, std))
    x = (pixels / 255 - mean) / std
    out = (last or model.double())(x)
    score(out).backward()
    model.float()
    return out.detach().numpy(), pixels.grad.numpy()


def torch_files(expected):
    model = randomised(TorchVGG())
    state = model.state_dict()
    expected["torch"] = by_torch(model)
    expected["torch parameters"] = [v.numpy() for v in state.values()]
    torch.save(state, HERE / "torch-zip.pth")
    torch.save(state, HERE / "torch-stream.pth", _use_new_zipfile_serialization=False)
    (HERE / "torch-01.pth").write_bytes(stream_of_torch_01({k: v.numpy() for k, v in state.items()}))
    loaded = torch.load(HERE / "torch-01.pth", weights_only=True)
    assert all(torch.equal(loaded[k], v) for k, v in state.items())
    optimiser = torch.optim.Adam(model.parameters())
    model(torch.randn(2, 3, SIDE, SIDE)).sum().backward()
    kept = OrderedDict((k, v.clone()) for k, v in state.items())
    optimiser.step()
    wrapped = {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in kept.items()}, "best": 0.5}
    for name, new in (("torch-training.pth", True), ("torch-training-stream.pth", False)):
        torch.save({**wrapped, "optimizer": optimiser.state_dict()}, HERE / name, _use_new_zipfile_serialization=new)
    torch.save({k.replace("features.", "features.module."): v for k, v in kept.items()}, HERE / "torch-parallel.pth")
    torch.save({k: v.to(memory_format=torch.channels_last) if v.ndim == 4 else v.T.contiguous().T if v.ndim == 2 else v
                for k, v in kept.items()}, HERE / "torch-strided.pth")  # fmt: skip
    torch.save({k: nn.Parameter(v) for k, v in kept.items()}, HERE / "torch-parameters.pth")
    safetensors.torch.save_file(kept, HERE / "torchvision.safetensors", {"format": "pt"})
    cells = SIDE // 32
    shapes = {"classifier.0": (UNITS, CHANNELS[-1], cells, cells), "classifier.3": (UNITS, UNITS, 1, 1)}
    names = {"classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2", "classifier.6": "head.fc"}
    timm = {}
    for key, v in kept.items():
        layer, _, kind = key.rpartition(".")
        timm[f"{names.get(layer, layer)}.{kind}"] = (
            v.reshape(shapes[layer]) if kind == "weight" and layer in shapes else v
        )
    safetensors.torch.save_file(timm, HERE / "timm.safetensors")
    model.load_state_dict(kept)
    for dtype, name in ((torch.half, "float16"), (torch.bfloat16, "bfloat16")):
        rounded = {k: v.to(dtype) for k, v in kept.items()}
        safetensors.torch.save_file(rounded, HERE / f"torch-{name}.safetensors")
        torch.save(rounded, HERE / f"torch-{name}.pth")
        model.load_state_dict({k: v.float() for k, v in rounded.items()})
        expected[f"torch {name}"] = by_torch(model)
    model.load_state_dict(kept)
    caffe = {"classifier.0": "classifier.1", "classifier.3": "classifier.4"}
    renamed = {
        f"{caffe.get(k.rpartition('.')[0], k.rpartition('.')[0])}.{k.rpartition('.')[2]}": v for k, v in kept.items()
    }
    torch.save(renamed, HERE / "torch-caffe-names.pth", _use_new_zipfile_serialization=False)
    empty = {k: torch.full_like(v, float("nan")) if k.startswith("classifier") else v for k, v in kept.items()}
    torch.save(empty, HERE / "torch-features.pth")
    of_255 = [1 / 255] * 3
    expected["torch features"] = by_torch(model, (0.48235, 0.45882, 0.40784), of_255, model.double().features)
    norm = randomised(TorchVGG(norm=True, classes=3))
    torch.save(norm.state_dict(), HERE / "torch-bn.pth")
    expected["torch bn"] = by_torch(norm)


def keras_vgg(top=True, classes=CLASSES, activation="softmax"):
    """keras.applications.VGG16, with its names, at a tiny width."""
    x = inputs = layers.Input((SIDE, SIDE, 3))
    for block, (count, k) in enumerate(zip(CONVOLUTIONS, CHANNELS, strict=True), 1):
        for i in range(1, count + 1):
            name = f"block{block}_conv{i}"
            x = layers.Conv2D(k, 3, padding="same", activation="relu", name=name)(x)
        x = layers.MaxPooling2D(name=f"block{block}_pool")(x)
    if top:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(UNITS, activation="relu", name="fc1")(x)
        x = layers.Dense(UNITS, activation="relu", name="fc2")(x)
        x = layers.Dense(classes, activation=activation, name="predictions")(x)
    return keras.Model(inputs, x, name="vgg16")


def transfer(base, pooling, activation="softmax"):
    """VGG16 as a layer of another model, with a head of the user's own."""
    model = keras.Sequential([layers.Input((SIDE, SIDE, 3)), base])
    model.add(layers.Flatten() if pooling == "flatten" else layers.GlobalAveragePooling2D())
    model.add(layers.Dense(9, activation="relu", name="hidden"))
    model.add(layers.Dense(3, activation=activation, name="answer"))
    return model


def set_random(model):
    values = [RNG.standard_normal(w.shape) * (2 / np.prod(w.shape[:-1])) ** 0.5 if len(w.shape) > 1
              else RNG.uniform(-0.2, 0.5, w.shape) for w in model.weights]  # fmt: skip
    model.set_weights([np.float32(v) for v in values])
    return model


def by_keras(model, twin):
    """The same in float64 by a twin without softmax, after Keras's own preprocessing; twin() builds it."""
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    twin = twin()
    twin.set_weights([np.float64(w) for w in model.get_weights()])
    x = torch.tensor(preprocess_input(PICTURE[None].astype(np.float64)).copy(), requires_grad=True)
    out = twin(x)
    score(out if out.ndim == 2 else out.permute(0, 3, 1, 2)).backward()
    gradient = x.grad.numpy()[..., ::-1].transpose(0, 3, 1, 2)  # of RGB pixels, which only a shift tells from x
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    out = out.detach().numpy()
    return out if out.ndim == 2 else out.transpose(0, 3, 1, 2), np.ascontiguousarray(gradient)


def keras_files(expected):
    model = set_random(keras_vgg())
    expected["keras"] = by_keras(model, lambda: keras_vgg(activation=None))
    expected["keras parameters"] = model.get_weights()
    model.save(HERE / "keras-model.h5")
    model.save(HERE / "keras.keras")
    model.save_weights(HERE / "keras.weights.h5")
    with h5py.File(HERE / "keras-legacy.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    for top in (True, False):
        named = {layer.name: [np.asarray(w) for w in layer.get_weights()] for layer in model.layers[1:]}
        if not top:
            named = {name: w for name, w in named.items() if name.startswith("block")}
        published_by_keras(HERE / f"keras-published{'' if top else '-notop'}.h5", named)
    keras_vgg().load_weights(HERE / "keras-published.h5")  # Keras reads them as its own
    base = set_random(keras_vgg(top=False))
    base.save_weights(HERE / "keras-notop.weights.h5")
    expected["keras notop"] = by_keras(base, lambda: keras_vgg(top=False))
    base.set_weights(model.get_weights()[:26])
    expected["keras published notop"] = by_keras(base, lambda: keras_vgg(top=False))
    for pooling in ("flatten", "average"):
        whole = set_random(transfer(keras_vgg(top=False), pooling))
        expected[f"keras {pooling}"] = by_keras(whole, lambda p=pooling: transfer(keras_vgg(top=False), p, None))
        whole.save(HERE / f"keras-{pooling}.h5")
        whole.save(HERE / f"keras-{pooling}.keras")
        whole.save_weights(HERE / f"keras-{pooling}.weights.h5")


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    results: dict[str, list[np.ndarray]] = {}
    torch_files(results)
    keras_files(results)
    with h5py.File(HERE / "expected.h5", "w") as out:
        out.attrs["made by"] = (
            f"torch {torch.__version__}, keras {keras.__version__}, safetensors {safetensors.__version__}"
        )
        out["picture"] = PICTURE
        for key, arrays in results.items():
            for i, array in enumerate(arrays):
                out[f"{key}/{i:02}"] = array[..., ::3, ::3] if array.shape[-1] == SIDE else array  # gradients
