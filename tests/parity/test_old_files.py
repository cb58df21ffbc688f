"""Weights as older tools kept them: what they hold is computed as PyTorch computes it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[parity]'")
pytest.importorskip("google.protobuf", reason="protobuf is not installed: pip install -e '.[parity]'")
import oldfiles  # noqa: E402
from chains import SmallVGG, trained  # noqa: E402
from torch import nn  # noqa: E402

from numcam.errors import InputError  # noqa: E402
from numcam.formats import convert  # noqa: E402
from numcam.loading import load  # noqa: E402

pytestmark = pytest.mark.torch
MEANS = (123.68, 116.779, 103.939)


@pytest.fixture(scope="module")
def vgg():
    return trained(SmallVGG())


def agree(classifier, model, size=None):
    x = np.random.default_rng(1).standard_normal((2, 3, *(size or classifier.input_size))).astype(np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(classifier.forward(x).output, expected, atol=1e-5 * np.abs(expected).max())


WRITERS = {
    "npz": (".npz", oldfiles.npz, "RGB"),
    "npz, packed": (".npz", lambda p, m: oldfiles.npz(p, m, packed=True), "RGB"),
    "npy": (".npy", oldfiles.npy, "BGR"),
    "npy of protocol 2": (".npy", lambda p, m: oldfiles.npy(p, m, 2), "BGR"),
    "npy of Python 2": (".npy", lambda p, m: oldfiles.npy(p, m, 2.7), "BGR"),
    "mat": (".mat", oldfiles.mat, "RGB"),
    "mat, packed": (".mat", lambda p, m: oldfiles.mat(p, m, packed=True), "RGB"),
    "mat of beta 16": (".mat", lambda p, m: oldfiles.mat(p, m, old=True), "RGB"),
    "caffemodel": (".caffemodel", lambda p, m: oldfiles.caffe(p, oldfiles.caffe_vgg(m)), "BGR"),
    "caffemodel of 2014": (".caffemodel", lambda p, m: oldfiles.caffe(p, oldfiles.caffe_vgg(m), old=True), "BGR"),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_the_logits_are_pytorchs_and_the_means_oxfords(kind, vgg, tmp_path):
    suffix, write, order = WRITERS[kind]
    said = []
    write(tmp_path / f"it{suffix}", vgg)
    classifier = load(str(tmp_path / f"it{suffix}"), say=said.append)
    assert classifier.name == "pocket"  # its row of the table
    agree(classifier, vgg)
    assert classifier.preprocessing.order == order
    np.testing.assert_allclose(classifier.preprocessing.mean, MEANS, rtol=1e-5)
    assert classifier.preprocessing.scale == (1, 1, 1)
    assert ("Oxford" in " ".join(said)) == ("mat" not in kind)  # which brings its own mean
    convert(tmp_path / f"it{suffix}", tmp_path / "own.h5")
    agree(load(str(tmp_path / "own.h5"), say=said.append), vgg)


def test_numpy_arrays_in_pytorchs_layout_are_a_state_dict(vgg, tmp_path):
    np.savez(tmp_path / "it.npz", **{name: t.numpy() for name, t in vgg.state_dict().items()})
    classifier = load(str(tmp_path / "it.npz"), say=lambda _: None)
    agree(classifier, vgg)
    assert classifier.preprocessing.order == "RGB"


def test_matconvnet_names_its_classes_and_has_a_mean_of_its_own(vgg, tmp_path):
    names = ["tench, Tinca tinca", "goldfish", "shark", "ray", "cock"]
    oldfiles.mat(tmp_path / "it.mat", vgg, classes=names, mean=(100.0, 90.0, 80.0))
    classifier = load(str(tmp_path / "it.mat"), say=lambda _: None)
    assert classifier.classes == tuple(names)
    assert classifier.preprocessing.mean == (100, 90, 80)


def test_a_data_layer_of_caffe_states_the_means(vgg, tmp_path):
    said = []
    oldfiles.caffe(tmp_path / "it.caffemodel", oldfiles.caffe_vgg(vgg), means=(80.0, 90.0, 100.0))
    classifier = load(str(tmp_path / "it.caffemodel"), say=said.append)
    assert (classifier.preprocessing.mean, classifier.preprocessing.order) == ((100, 90, 80), "BGR")
    assert "Oxford" not in " ".join(said)


def test_caffe_states_strides_paddings_slopes_and_windows_that_hang_over(tmp_path):
    C = nn.Conv2d
    model = trained(nn.Sequential(
        C(3, 6, 5, stride=2, padding=1), nn.LeakyReLU(0.1), nn.MaxPool2d(3, 2, ceil_mode=True),
        C(6, 4, 3, padding=(0, 1)), nn.Sigmoid(), nn.AvgPool2d(2, 2), nn.Flatten(),
        nn.Linear(4 * 42, 7), nn.ReLU(), nn.Linear(7, 3),
    ))  # fmt: skip
    arrays = {i: [p.detach().numpy() for p in m.parameters()] for i, m in enumerate(model)}
    layers = [
        ("Convolution", "a", arrays[0], {"convolution_param": {"stride": [2], "pad": [1]}}),
        ("ReLU", "b", (), {"relu_param": {"negative_slope": 0.1}}),
        ("Pooling", "c", (), {"pooling_param": {"kernel_size": 3, "stride": 2}}),
        ("Convolution", "d", arrays[3], {"convolution_param": {"pad_h": 0, "pad_w": 1}}),
        ("Sigmoid", "e", (), {}),
        ("Pooling", "f", (), {"pooling_param": {"pool": 1, "kernel_size": 2, "stride": 2}}),
        ("InnerProduct", "g", arrays[7], {}),
        ("ReLU", "h", (), {}),
        ("InnerProduct", "i", arrays[9], {}),
    ]
    oldfiles.caffe(tmp_path / "it.caffemodel", layers)
    side = 57  # 28 windows of the convolution, then 14, the last of which hangs over, then 12x14, then 6x7
    agree(load(str(tmp_path / "it.caffemodel"), input_size=side, say=lambda _: None), model)


def one(*layers):
    return [("Convolution", "a", (np.ones((4, 3, 3, 3), np.float32), np.zeros(4, np.float32)), {}), *layers]


REFUSED = {
    "groups": (
        [("Convolution", "a", (np.ones((4, 1, 3, 3), np.float32),), {"convolution_param": {"group": 3}})],
        "has groups 3",
    ),
    "an unknown layer": (one(("LRN", "norm1", (), {})), r"'norm1' \(LRN\) is nothing"),
    "a branch": (one(("Eltwise", "sum", (), {})), r"'sum' \(Eltwise\) is nothing"),
    "pooling at random": (one(("Pooling", "p", (), {"pooling_param": {"pool": 2}})), "pools at random"),
    "a transposed matrix": (
        one(("InnerProduct", "f", (np.ones((2, 4), np.float32),), {"inner_product_param": {"transpose": True}})),
        "is transposed",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_caffemodel_states_and_numcam_cannot_do_is_refused_by_its_name(case, tmp_path):
    layers, words = REFUSED[case]
    oldfiles.caffe(tmp_path / "it.caffemodel", layers)
    with pytest.raises(InputError, match=words):
        load(str(tmp_path / "it.caffemodel"), say=lambda _: None)


def test_a_network_that_reads_what_is_not_the_layer_before_is_no_chain(tmp_path):
    net = oldfiles.caffe_messages()(name="a network")
    for name, bottom in (("a", "data"), ("b", "a"), ("c", "a")):
        layer = net.layer.add(name=name, type="ReLU")
        layer.bottom.append(bottom)
        layer.top.append(name)
    (tmp_path / "it.caffemodel").write_bytes(net.SerializeToString())
    with pytest.raises(InputError, match=r"'c' .* reads a, and not b"):
        load(str(tmp_path / "it.caffemodel"), say=lambda _: None)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.conv(x).relu()


def script(path):
    torch.jit.save(torch.jit.trace(Net(), torch.zeros(1, 3, 8, 8)), path)


def exported(path):
    torch.export.save(torch.export.export(Net(), (torch.zeros(1, 3, 8, 8),)), path)


def onnx_file(path):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    x, y = (onnx.helper.make_tensor_value_info(n, 1, [1, 3, 8, 8]) for n in "xy")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    path.write_bytes(onnx.helper.make_model(graph, producer_name="a producer").SerializeToString())


def without_a_producer(path):
    onnx_file(path)
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    model = onnx.load(path)
    model.producer_name = ""
    path.write_bytes(model.SerializeToString())


def frozen(path):
    """A GraphDef begins with its first node, whose first field is a name."""
    path.write_bytes(b"\x0a\x10\x0a\x01x\x12\x0bPlaceholder" + bytes(99))


OTHERS = {
    "TorchScript": (script, "TorchScript, a program that numcam does not run; save the model's state_dict"),
    "torch.export": (exported, "torch.export, which numcam does not run; save the model's state_dict"),
    "ONNX": (onnx_file, "ONNX model, written by a producer"),
    "ONNX without a producer": (without_a_producer, "ONNX model"),
    "a frozen graph": (frozen, "frozen TensorFlow graph"),
    "TensorFlow Lite": (lambda p: p.write_bytes(b"\x1c\0\0\0TFL3" + bytes(99)), r"TensorFlow Lite model.*model\.save"),
    "SavedModel's protocol": (lambda p: p.write_bytes(b"\x08\x01\x12\xf0\x01" + bytes(300)), "SavedModel"),
    "GGUF": (lambda p: p.write_bytes(b"GGUF\x03\0\0\0" + bytes(99)), "GGUF"),
    "HEIC": (lambda p: p.write_bytes(b"\0\0\0\x18ftypheic" + bytes(99)), "HEIC or AVIF picture"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", OTHERS)
def test_what_numcam_does_not_read_is_named_with_what_to_do(kind, tmp_path):
    write, words = OTHERS[kind]
    write(tmp_path / "model")
    with pytest.raises(InputError, match=words):
        load(str(tmp_path / "model"), say=lambda _: None)


def test_a_folder_of_a_saved_model_is_named(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"\x08\x01")
    with pytest.raises(InputError, match=r"SavedModel.*model\.save"):
        load(str(tmp_path / "model"), say=lambda _: None)
