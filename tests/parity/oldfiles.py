"""Files as older tools wrote them, of a network of PyTorch's: Caffe, MatConvNet, and NumPy's for TensorFlow."""

import io
import pickle
import struct

import numpy as np
import scipy.io
from torch import nn

NAMES = [f"conv{b}_{i}" for b, n in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, n + 1)] + ["fc6", "fc7", "fc8"]
SIDE = 7


def layers_of(vgg):
    """The convolutions and linear layers of a VGG of torchvision's make, by their published names."""
    found = [m for m in vgg.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    return {name: (m.weight.detach().numpy(), m.bias.detach().numpy()) for name, m in zip(NAMES, found, strict=True)}


def tensorflow_layout(vgg):
    """Kernels (rows, cols, c, k), matrices (in, out), the first of which takes (rows, cols, c)."""
    found = {}
    for name, (w, b) in layers_of(vgg).items():
        if w.ndim == 4:
            w = w.transpose(2, 3, 1, 0)
        elif name == "fc6":
            w = w.reshape(len(w), -1, SIDE, SIDE).transpose(2, 3, 1, 0).reshape(-1, len(w))
        else:
            w = w.T
        found[name] = (np.ascontiguousarray(w), b)
    return found


def npz(path, vgg, packed=False):
    """As vgg16_weights.npz."""
    layers = tensorflow_layout(vgg).items()
    arrays = {f"{name}_{end}": a for name, pair in layers for end, a in zip("Wb", pair, strict=True)}
    (np.savez_compressed if packed else np.savez)(path, **arrays)


def npy(path, vgg, protocol=4):
    """As vgg16.npy: a dictionary of [weight, bias], pickled within an array of one object."""
    content = {name: list(pair) for name, pair in tensorflow_layout(vgg).items()}
    data = io.BytesIO()
    header = "{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    header += " " * (-(10 + len(header) + 1) % 16) + "\n"
    data.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
    whole = np.empty((), object)
    whole[()] = content
    (OfPython2 if protocol == 2.7 else lambda f: pickle.Pickler(f, protocol))(data).dump(whole)
    path.write_bytes(data.getvalue())


class OfPython2(pickle._Pickler):
    """Names and values as Python 2 wrote them: strings of bytes."""

    dispatch = pickle._Pickler.dispatch.copy()

    def __init__(self, file):
        super().__init__(file, 2)

    def save_bytes(self, value):
        short = len(value) < 256
        self.write(b"U" + bytes([len(value)]) + value if short else b"T" + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    dispatch[bytes] = save_bytes
    dispatch[str] = lambda self, text: self.save_bytes(text.encode("ascii"))


def mat(path, vgg, old=False, packed=False, classes=None, mean=(123.68, 116.779, 103.939)):
    """As imagenet-vgg-verydeep-16.mat, of MatConvNet's beta 16 with `old`: other places for the arrays and the rest."""
    layers = []
    for name, (w, b) in layers_of(vgg).items():
        if w.ndim == 2:
            side = SIDE if name == "fc6" else 1
            w = w.reshape(len(w), -1, side, side)
        pad = float(w.shape[2] == 3)
        kernel, bias = w.transpose(2, 3, 1, 0), b.reshape(1, -1)
        conv = {"type": "conv", "name": name, "stride": np.array([[1.0, 1.0]]), "pad": np.full((1, 4), pad)}
        pair = np.empty((1, 2), object)
        pair[0, 0], pair[0, 1] = kernel, bias
        layers.append({**conv, **({"filters": kernel, "biases": bias} if old else {"weights": pair})})
        if name != "fc8":
            layers.append({"type": "relu", "name": name.replace("conv", "relu").replace("fc", "relu")})
        if name in ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3"):
            pool = {"method": "max", "pool": np.array([[2.0, 2.0]]), "stride": np.array([[2.0, 2.0]])}
            layers.append({"type": "pool", "name": f"pool{name[4]}", "pad": np.zeros((1, 4)), **pool})
    layers.append({"type": "softmax", "name": "prob"})
    cells = np.empty((1, len(layers)), object)
    for i, layer in enumerate(layers):
        cells[0, i] = layer
    meta = {"normalization": {"imageSize": np.array([[224.0, 224, 3]]), "averageImage": np.reshape(mean, (1, 1, 3))}}
    if classes:
        names = np.empty((1, len(classes)), object)
        names[0, :] = classes
        meta["classes"] = {"description": names, "name": names}
    scipy.io.savemat(path, {"layers": cells, **(meta if old else {"meta": meta})}, do_compression=packed)


def caffe_messages():
    """The messages of caffe.proto that a network's weights need, with their numbers."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="caffe_for_tests.proto", package="caffe", syntax="proto2")
    types = {"float": 2, "int64": 3, "int32": 5, "bool": 8, "string": 9, "uint32": 13, "double": 1}

    def message(name, *fields):
        one = file.message_type.add(name=name)
        for field, number, kind, *more in fields:
            label = 3 if "repeated" in more else 1
            plain = kind in types
            added = one.field.add(name=field, number=number, label=label, type=types[kind] if plain else 11)
            if not plain:
                added.type_name = f".caffe.{kind}"
            if "packed" in more:
                added.options.packed = True

    message("BlobShape", ("dim", 1, "int64", "repeated", "packed"))
    message(
        "BlobProto", ("num", 1, "int32"), ("channels", 2, "int32"), ("height", 3, "int32"), ("width", 4, "int32"),
        ("data", 5, "float", "repeated", "packed"), ("diff", 6, "float", "repeated", "packed"),
        ("shape", 7, "BlobShape"),
        ("double_data", 8, "double", "repeated", "packed"),
    )  # fmt: skip
    message(
        "ConvolutionParameter", ("num_output", 1, "uint32"), ("bias_term", 2, "bool"), ("pad", 3, "uint32", "repeated"),
        ("kernel_size", 4, "uint32", "repeated"), ("group", 5, "uint32"), ("stride", 6, "uint32", "repeated"),
        ("pad_h", 9, "uint32"), ("pad_w", 10, "uint32"), ("stride_h", 13, "uint32"), ("stride_w", 14, "uint32"),
        ("dilation", 18, "uint32", "repeated"),
    )  # fmt: skip
    message(
        "PoolingParameter", ("pool", 1, "int32"), ("kernel_size", 2, "uint32"), ("stride", 3, "uint32"),
        ("pad", 4, "uint32"), ("global_pooling", 12, "bool"), ("round_mode", 13, "int32"),
    )  # fmt: skip
    message("InnerProductParameter", ("num_output", 1, "uint32"), ("axis", 5, "int32"), ("transpose", 6, "bool"))
    message("ReLUParameter", ("negative_slope", 1, "float"))
    message("TransformationParameter", ("scale", 1, "float"), ("mean_value", 5, "float", "repeated"))
    message(
        "LayerParameter", ("name", 1, "string"), ("type", 2, "string"), ("bottom", 3, "string", "repeated"),
        ("top", 4, "string", "repeated"), ("blobs", 7, "BlobProto", "repeated"), ("phase", 10, "int32"),
        ("transform_param", 100, "TransformationParameter"), ("convolution_param", 106, "ConvolutionParameter"),
        ("inner_product_param", 117, "InnerProductParameter"), ("pooling_param", 121, "PoolingParameter"),
        ("relu_param", 123, "ReLUParameter"),
    )  # fmt: skip
    message(
        "V1LayerParameter", ("bottom", 2, "string", "repeated"), ("top", 3, "string", "repeated"),
        ("name", 4, "string"), ("type", 5, "int32"), ("blobs", 6, "BlobProto", "repeated"),
        ("convolution_param", 10, "ConvolutionParameter"), ("inner_product_param", 17, "InnerProductParameter"),
        ("pooling_param", 19, "PoolingParameter"),
        ("relu_param", 30, "ReLUParameter"), ("transform_param", 36, "TransformationParameter"),
    )  # fmt: skip
    message(
        "NetParameter", ("name", 1, "string"), ("layers", 2, "V1LayerParameter", "repeated"),
        ("layer", 100, "LayerParameter", "repeated"),
    )  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.NetParameter"))


KINDS = {
    "Data": 5,
    "LRN": 15,
    "Eltwise": 25,
    "Sigmoid": 19,
    "Convolution": 4,
    "ReLU": 18,
    "Pooling": 17,
    "InnerProduct": 14,
    "Dropout": 6,
    "Softmax": 20,
}


def caffe(path, layers, old=False, means=()):
    """layers: (kind, name, arrays, settings) in order; ReLU and dropout work in place, as Caffe's examples do."""
    net = caffe_messages()(name="a network")
    at = "data"
    for kind, name, arrays, settings in [("Data", "data", (), {}), *layers]:
        one = net.layers.add() if old else net.layer.add()
        one.name, one.type = name, KINDS[kind] if old else kind
        if kind != "Data":
            one.bottom.append(at)
        at = at if kind in ("ReLU", "Dropout") else name
        one.top.append(at)
        if kind == "Data" and means:
            one.transform_param.mean_value.extend(means)
        for array in arrays:
            blob = one.blobs.add()
            blob.data.extend(array.ravel().tolist())
            sides = (1,) * (4 - array.ndim) + array.shape
            if old:
                blob.num, blob.channels, blob.height, blob.width = sides
            else:
                blob.shape.dim.extend(array.shape)
        for message, values in settings.items():
            part = getattr(one, message)
            for key, value in values.items():
                if isinstance(value, list):
                    getattr(part, key).extend(value)
                else:
                    setattr(part, key, value)
    path.write_bytes(net.SerializeToString())


def caffe_vgg(vgg):
    """The layers of VGG16 as Oxford's file has them."""
    found = []
    for name, arrays in layers_of(vgg).items():
        if name.startswith("conv"):
            settings = {"num_output": len(arrays[0]), "pad": [1], "kernel_size": [3]}
            found.append(("Convolution", name, arrays, {"convolution_param": settings}))
        else:
            found.append(("InnerProduct", name, arrays, {"inner_product_param": {"num_output": len(arrays[0])}}))
        if name != "fc8":
            found.append(("ReLU", name.replace("conv", "relu").replace("fc", "relu"), (), {}))
        if name in ("fc6", "fc7"):
            found.append(("Dropout", f"drop{name[2]}", (), {}))
        if name in ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3"):
            found.append(
                ("Pooling", f"pool{name[4]}", (), {"pooling_param": {"pool": 0, "kernel_size": 2, "stride": 2}})
            )
    return [*found, ("Softmax", "prob", (), {})]
