"""Weights files that mean harm, or are broken in one particular way. Each case gives the bytes of one file."""

import io
import json
import pickle
import struct
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import h5py
import numpy as np
from foreign import CLASSES, SIDE, stream_of_torch_01
from older import HOSTILE

from numcam.formats import Weights, write_weights
from numcam.models.preprocessing import CENTRED
from numcam.models.vgg import random_network

GOLDEN = Path(__file__).parent / "golden"
CASES = {}


def case(name, wanted=""):
    """Register a function that gives the bytes of a file, and words that its refusal must contain."""

    def register(function):
        assert name not in CASES, name
        CASES[name] = function, wanted
        return function

    return register


# --- safetensors -----------------------------------------------------------------------------------------------------


def _safe():
    data = (GOLDEN / "torchvision.safetensors").read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def _packed(header, data, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


NAME = "features.28.weight"


def _with(**changes):
    header, data = _safe()
    header[NAME] = {**header[NAME], **changes}
    return _packed({k: v for k, v in header.items() if v is not None}, data)


for label, length in {"none": 0, "one": 1, "beyond the file": 10**6, "the largest": 2**64 - 1, "signed": 2**63}.items():
    case(f"safetensors header of length {label}", "header")(lambda length=length: _packed(*_safe(), length))
for label, shape in {
    "negative": [-1, 8, 3, 3], "zero": [0, 8, 3, 3], "float": [8.0, 8, 3, 3], "bool": [True, 8, 3, 3], "text": "8833",
    "huge": [2**40, 2**40], "astronomic": [10**300] * 3, "none": None, "nested": [[8], 8, 3, 3], "many": [1] * 2000,
    "smaller": [8, 8, 3, 2], "object": {}, "null inside": [None, 8, 3, 3],
}.items():  # fmt: skip
    case(f"safetensors shape {label}", NAME)(lambda shape=shape: _with(shape=shape))
for label, offsets in {
    "negative": [-8, 2296], "reversed": [2304, 0], "beyond": [10**12, 10**12 + 2304], "overlapping": [0, 2304],
    "floats": [0.0, 2304.0], "one": [0], "three": [0, 1, 2], "text": ["0", "9"], "none": None, "astronomic": [0, 10**400],
}.items():  # fmt: skip
    case(f"safetensors offsets {label}")(lambda offsets=offsets: _with(data_offsets=offsets))
for kind in ("F8_E4M3", "F4", "C64", "", "f32", 7, None, ["F32"], "F32" * 1000):
    case(f"safetensors dtype {str(kind)[:12]!r}", NAME)(lambda kind=kind: _with(dtype=kind))
for label, text in {
    "no JSON": b"{not json", "a list": b"[1, 2]", "a number": b"{1", "not text": b"{\xff\xfe\x00", "deep": b"{" * 20000,
    "deep lists": b'{"a":' + b"[" * 50000, "nothing": b"{}", "metadata alone": b'{"__metadata__":{}}',
    "long number": b'{"a":' + b"9" * 9000 + b"}", "null bytes": b"{" + bytes(400), "an entry of text": b'{"a": "b"}',
}.items():  # fmt: skip
    case(f"safetensors header is {label}")(lambda text=text: _packed(text, _safe()[1]))


@case("safetensors with a name twice", "twice")
def _():
    header, data = _safe()
    text = json.dumps(header)
    return _packed((text[:-1] + "," + json.dumps({NAME: header[NAME]})[1:]).encode(), data)


@case("safetensors with ten thousand tensors", "list of tensors")
def _():
    return _packed({f"t{i}": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for i in range(10_000)}, bytes(4))


@case("safetensors with bytes after the last tensor", "describes")
def _():
    return _packed(*_safe()) + b"more"


@case("safetensors with a hole", "begins at")
def _():
    header, data = _safe()
    header.pop("features.2.weight")
    return _packed(header, data)


@case("safetensors cut off", "cut off")
def _():
    return _packed(*_safe())[:-1]


def _poisoned(value, name=NAME):
    header, data = _safe()
    start = header[name]["data_offsets"][0]
    return _packed(header, data[:start] + struct.pack("<f", value) + data[start + 4 :])


case("safetensors with NaN", "NaN")(lambda: _poisoned(float("nan")))
case("safetensors with infinity", "infinity")(lambda: _poisoned(float("inf")))
case("safetensors with NaN in the last bias", "NaN")(lambda: _poisoned(float("nan"), "classifier.6.bias"))


def _renamed(change):
    header, data = _safe()
    return _packed({change(k): v for k, v in header.items()}, data)


case("safetensors of another network", "channels")(lambda: _renamed(lambda k: k.replace("features.0.", "stem.")))
case("safetensors with a layer twice", "twice")(
    lambda: _renamed(lambda k: k.replace("features.28.", "features.26.module."))
)
case("safetensors with a stray tensor", "holds 'attention'")(
    lambda: _renamed(lambda k: k.replace("classifier.6.weight", "attention"))
)

for label, thing in {"lists": b"[]", "objects": b"{}"}.items():
    case(f"safetensors header of a million {label}", "list of tensors")(
        lambda thing=thing: _packed(b'{"a":[' + b",".join([thing] * 1_300_000) + b"]}", b"")
    )
for label, value in {"one NaN": float("nan"), "one infinity": float("inf")}.items():
    case(f"safetensors with {label} in a head of numbers", "fc6.weight contains NaN or infinity")(
        lambda value=value: _poisoned(value, "classifier.0.weight")
    )
for label, name in {
    "a line break": "a\nb", "orders to the terminal": "\x1b[2J\x1b]0;me\x07", "a lone surrogate": "\ud800", "ten thousand letters": "a" * 10_000,
    "right-to-left marks": "\u202efeatures", "a null": "\0",
}.items():  # fmt: skip
    case(f"safetensors with {label} in a name")(
        lambda name=name: _packed({name: {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, bytes(4))
    )

# --- PyTorch's pickles -----------------------------------------------------------------------------------------------

MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
SYSTEM = pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {}}, 2)


def _stream(body, keys=(), rest=b"", system=SYSTEM):
    """A stream whose third pickle has this body, without the protocol and the final stop."""
    return MAGIC + system + b"\x80\x02" + body + b"." + pickle.dumps(list(keys), 2) + rest


def _text(text):
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def _storage(key="0", count=4, kind=b"ctorch\nFloatStorage\n"):
    return b"(" + _text("storage") + kind + _text(key) + _text("cpu") + b"J" + struct.pack("<i", count) + b"NtQ"


def _tensor(storage=None, offset=b"K\x00", shape=b"K\x04\x85", strides=b"K\x01\x85", function=b"_rebuild_tensor"):
    return b"ctorch._utils\n" + function + b"\n(" + (storage or _storage()) + offset + shape + strides + b"tR"


def _dict(*items):
    return b"}(" + b"".join(_text(k) + v for k, v in items) + b"u"


FOUR = struct.pack("<q", 4) + bytes(16)
for module, function in (
    ("os", "system"), ("posix", "system"), ("nt", "system"), ("builtins", "eval"), ("builtins", "exec"),
    ("builtins", "getattr"), ("__builtin__", "eval"), ("subprocess", "Popen"), ("torch.storage", "_load_from_bytes"),
    ("_codecs", "encode"), ("torch._utils", "_rebuild_wrapper_subclass"), ("torch", "load"), ("numpy", "load"),
    ("collections", "defaultdict"), ("torch.serialization", "load"), ("importlib", "import_module"), ("torch", "Size"),
    ("torch.jit", "load"), ("runpy", "run_path"), ("collections", "OrderedDict.fromkeys"), ("torch", "FloatStorage.from_file"),
    ("", ""), ("torch._utils ", "_rebuild_tensor"), ("TORCH", "FloatStorage"), ("torch.cuda", "_lazy_init"),
):  # fmt: skip
    body = f"c{module}\n{function}\n".encode() + _text("touch /tmp/harm") + b"\x85R"
    words = "does not run" if function != "defaultdict" else "no state_dict"  # which is taken for an empty dictionary
    case(f"pickle that calls {module}.{function}", words)(lambda body=body: _stream(body))
for label, body in {
    "INST": b"(ios\nsystem\n", "OBJ": b"(o", "NEWOBJ": b")\x81", "STACK_GLOBAL": _text("os") + _text("system") + b"\x93",
    "REDUCE of a dict": b"})R", "REDUCE of a storage": b"ctorch\nFloatStorage\n)R", "EXT1": b"\x82\x01",
    "BYTES": b"B\xff\xff\xff\xff", "LONG4": b"\x8b\xff\xff\xff\x7f", "PERSID": b"Pname\n", "DUP": b"2", "POP": b"0",
    "FRAME": b"\x95" + bytes(8), "MEMOIZE": b"\x94", "FROZENSET": b"(\x91", "BYTEARRAY": b"\x96" + b"\xff" * 8,
    "INT": b"I1\n", "UNICODE": b"Vtext\n", "FLOAT": b"F1\n", "STRING": b"S'text'\n", "an unknown one": b"\xfe",
}.items():  # fmt: skip
    case(f"pickle with the opcode {label}")(lambda body=body: _stream(body))
for label, body in {
    "an empty stack": b"s", "a mark missing": b"u", "a lone key": b"}(" + _text("a") + b"u", "no dict": b"K\x01(u",
    "no list": b"K\x01K\x02a", "a memo never kept": b"h\x07", "a long memo never kept": b"j\xff\xff\xff\xff",
    "a text without end": b"X\xff\xff\xff\x7fa", "a text of negative length": b"T\xff\xff\xff\xff", "half a number": b"J\x01",
    "a name without end": b"c" + b"a" * 9000, "a name that is not text": b"c\xff\xfe\n\xff\n", "BUILD on a tensor": _tensor() + b"}b",
    "a tuple for a key": b"}(K\x01\x85K\x02u", "a tensor for a key": b"}(" + _tensor() + b"K\x02u", "a bool for a key": b"}\x88K\x01s",
    "a key twice": _dict(("a", b"N"), ("a", b"N")), "no tensor": b"}", "a list": b"]", "a number": b"K\x01", "None": b"N",
    "a deep dict": b"}" + b"".join(_text("state_dict") + b"}" for _ in range(2000)) + b"s" * 2000,
    "nested tuples": b"K\x01" + b"\x85q\x00h\x00\x86" * 2000, "a list in itself": b"]q\x00h\x00a",
    "a dict in itself": b"}q\x00" + _text("state_dict") + b"h\x00s", "OrderedDict of text": b"ccollections\nOrderedDict\n" + _text("ab") + b"\x85R",
    "OrderedDict of triples": b"ccollections\nOrderedDict\n](K\x01K\x02K\x03tab\x85R", "a parameter of nothing": b"ctorch._utils\n_rebuild_parameter\n)R",
    "a million opcodes": b"N0"[:1] * 1_000_000, "a storage for a tensor": _dict(("a", _storage())),
    "a mark as argument": b"ctorch._utils\n_rebuild_tensor\n((tR", "the function for a tensor": _dict(("a", b"ctorch._utils\n_rebuild_tensor\n")),
}.items():  # fmt: skip
    case(f"pickle with {label}")(lambda body=body: _stream(body))


@case("pickle that fills dictionaries without end", "again and again")
def _():
    pairs = b"](" + b"".join(_text(str(i)) + b"N\x86" for i in range(5_000)) + b"eq\x00"
    return _stream(pairs + b"ccollections\nOrderedDict\nq\x01" + b"h\x01h\x00\x85R" * 60_000)


for label, body in {
    "many lists": b"]" * 390_000, "many dictionaries": b"}" * 390_000, "a tuple in a tuple and so on": b"N" + b"\x85" * 390_000,
    "many numbers": b"".join(b"G" + struct.pack(">d", i / 3) for i in range(100_000)),
    "a long memo": b"".join(b"}r" + struct.pack("<I", i) for i in range(130_000)),
}.items():  # fmt: skip
    case(f"pickle with {label}")(lambda body=body: _stream(body))
case("pickle that calls what orders the terminal about", "asks for ?[2J.?]0;me?")(
    lambda: _stream(b"c\x1b[2J\n\x1b]0;me\x07\n")
)
case("pickle that calls a name of eight thousand letters", "does not run")(
    lambda: _stream(b"c" + b"a" * 4000 + b"\n" + b"b" * 4000 + b"\n")
)
for label, name in {"a line break": "a\nb", "a name of 4,000 letters": "a" * 4000}.items():
    case(f"tensor with {label} for a name", "does not fit")(
        lambda name=name: _stream(_dict((name, _tensor(shape=b"K\x09\x85"))), ["0"], FOUR)
    )
case("stream with a storage of 4,000 letters", "should have")(
    lambda: _stream(_dict(("a", _tensor(storage=_storage(key="k" * 4000)))), ["k" * 4000], struct.pack("<q", 9))
)
case("stream with a storage of an enormous count", "a number of 255 bytes")(
    lambda: _stream(
        _dict(("a", _tensor(storage=_storage().replace(b"J\x04\0\0\0", b"\x8a\xff" + b"\x7f" * 255)))), ["0"], FOUR
    )
)
for label, tensor in {
    "stride 0": _tensor(shape=b"J\xff\xff\xff\x7f\x85", strides=b"K\x00\x85"), "a negative stride": _tensor(strides=b"J\xff\xff\xff\xff\x85"),
    "an offset beyond": _tensor(offset=b"K\x04"), "a negative offset": _tensor(offset=b"J\xff\xff\xff\xff"),
    "a stride beyond": _tensor(strides=b"K\x02\x85"), "no sizes": _tensor(shape=b"N"), "text for sizes": _tensor(shape=_text("44")),
    "size 0": _tensor(shape=b"K\x00\x85"), "a bool for a size": _tensor(shape=b"\x88\x85"), "a float for a size": _tensor(shape=b"G" + bytes(8) + b"\x85"),
    "more sizes than strides": _tensor(shape=b"K\x02K\x02\x86"), "an enormous size": _tensor(shape=b"\x8a\xff" + b"\x7f" * 255 + b"\x85"),
    "nine axes": _tensor(shape=b"(" + b"K\x01" * 9 + b"t", strides=b"(" + b"K\x01" * 9 + b"t"), "sizes that overflow": _tensor(shape=b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", strides=b"K\x00K\x00\x86"),
    "another function": _tensor(function=b"_rebuild_sparse_tensor"), "a storage of text": _tensor(storage=_text("0")),
    "a storage of objects": _tensor(storage=_storage(kind=b"ctorch\nPyObjectStorage\n")), "a storage of complex numbers": _tensor(storage=_storage(kind=b"ctorch\nComplexFloatStorage\n")),
    "a negative count": _tensor(storage=_storage(count=-4)), "two lives of a storage": _tensor() + b"0"[:0] + _tensor(storage=_storage(count=3)) + b"\x86",
}.items():  # fmt: skip
    case(f"tensor with {label}")(lambda tensor=tensor: _stream(_dict(("features.0.weight", tensor)), ["0"], FOUR))
ONE = _dict(("features.0.weight", _tensor()))
for label, keys, rest in (
    ("missing", [], b""), ("twice", ["0", "0"], FOUR * 2), ("too many", ["0", "1"], FOUR * 2), ("others", ["7"], FOUR),
    ("no texts", [0], FOUR), ("cut off", ["0"], FOUR[:-1]), ("with more after them", ["0"], FOUR + b"x"), ("not there", ["0"], b""),
    ("of another length", ["0"], struct.pack("<q", 3) + bytes(12)), ("of negative length", ["0"], struct.pack("<q", -1) + bytes(16)),
    ("of enormous length", ["0"], struct.pack("<q", 2**62) + bytes(16)), ("half a length", ["0"], b"\x04\x00"),
):  # fmt: skip
    case(f"stream whose storages are {label}")(lambda keys=keys, rest=rest: _stream(ONE, keys, rest))
for label, system in {
    "big-endian": {"protocol_version": 1001, "little_endian": False}, "empty": {}, "a list": [], "a text": "little",
}.items():  # fmt: skip
    case(f"stream whose system is {label}", "big-endian")(
        lambda s=system: _stream(ONE, ["0"], FOUR, pickle.dumps(s, 2))
    )
case("stream that ends after its number")(lambda: MAGIC[:14])
case("stream of a future version", "unknown version")(
    lambda: pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1002, 2) + SYSTEM
)
case("stream of a list of tensors", "state_dict")(lambda: _stream(b"](" + _tensor() + b"e", ["0"], FOUR))
case("stream with half a network")(
    lambda: stream_of_torch_01(OrderedDict((f"features.{i}.weight", np.ones((2, 3, 3, 3))) for i in (0, 2)))
)
case("plain pickle of os.system", "could run any program")(
    lambda: b"\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x05posix\x8c\x06system\x93."
)

# --- zips ------------------------------------------------------------------------------------------------------------


def _members(name="torch-zip.pth"):
    with zipfile.ZipFile(GOLDEN / name) as archive:
        return {m.filename: archive.read(m) for m in archive.infolist()}


def _zipped(members, compression=zipfile.ZIP_STORED, twice=None):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        if twice:
            import warnings

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                archive.writestr(twice, members[twice])
    return out.getvalue()


def _changed(**changes):
    """The checkpoint with members changed by the end of their names; None removes one."""
    members = _members()
    for end, data in changes.items():
        name = next(n for n in members if n.endswith("/" + end.replace("__", "/").replace("_", ".")))
        members[name] = data
    return _zipped({n: d for n, d in members.items() if d is not None})


case("zip of nothing")(lambda: _zipped({}))
case("zip of a text", "without a data.pkl")(lambda: _zipped({"readme.txt": b"hello"}))
case("zip without its pickle", "without a data.pkl")(lambda: _changed(data_pkl=None))
case("zip without a storage", "missing")(lambda: _changed(data__3=None))
case("zip with a storage cut", "expected")(lambda: _changed(data__3=b"1234"))
case("zip with a longer storage", "expected")(lambda: _changed(data__1=bytes(64)))
case("zip from a big-endian machine", "big-endian")(lambda: _changed(byteorder=b"big"))
case("zip that is compressed", "compressed")(lambda: _zipped(_members(), zipfile.ZIP_DEFLATED))
case("zip compressed with bzip2", "compressed")(lambda: _zipped(_members(), zipfile.ZIP_BZIP2))
case("zip compressed with lzma", "compressed")(lambda: _zipped(_members(), zipfile.ZIP_LZMA))
case("zip with a member twice", "twice")(lambda: _zipped(_members(), twice=next(iter(_members()))))
case("zip with five thousand members", "members")(lambda: _zipped(_members() | {f"x{i}": b"" for i in range(5000)}))
case("zip with an empty pickle")(lambda: _changed(data_pkl=b""))
case("zip whose pickle calls os.system", "does not run")(
    lambda: _changed(data_pkl=b"\x80\x02cos\nsystem\n" + _text("id") + b"\x85R.")
)
case("zip whose pickle is a bomb", "compressed or too large")(
    lambda: _zipped(
        {n: bytes(200 << 20) if n.endswith("data.pkl") else d for n, d in _members().items()}, zipfile.ZIP_DEFLATED
    )
)
case("zip whose pickle is long", "too large")(lambda: _changed(data_pkl=bytes(5 << 20)))


@case("zip whose tensor repeats one number", "does not fit")
def _():
    members = _members()
    name = next(n for n in members if n.endswith("/data.pkl"))
    strides = members[name].index(b"K\x01\x85")  # of the first bias, (1,)
    return _zipped(members | {name: members[name][:strides] + b"K\0\x85" + members[name][strides + 3 :]})


def _directory(count):
    """A zip that is nothing but a directory of so many members without a name."""
    entries = (b"PK\x01\x02" + bytes(42)) * count
    return LOCAL + bytes(26) + entries + struct.pack("<4s4H2LH", END, 0, 0, 9, 9, len(entries), 30, 0)


case("zip with a directory of 200,000 members", "directory of 9,200,000 bytes")(lambda: _directory(200_000))
case("zip with a directory of 8,000 members", "members")(lambda: _directory(8_000))
case("zip with bytes after its end", "after the end")(lambda: (GOLDEN / "torch-zip.pth").read_bytes() + b"more")
case("keras zip with bytes after its end", "after the end")(lambda: (GOLDEN / "keras.keras").read_bytes() + b"more")


def _patched(signature, offset, layout, value):
    """A zip with one field changed: of the local or central record of the largest storage, or of the end."""
    members = _members()
    name = max((n for n in members if "/data/" in n), key=lambda n: len(members[n])).encode()
    data = bytearray(_zipped(members))
    named = {LOCAL: data.find(name) - 30, CENTRAL: data.rfind(name) - 46, END: data.rfind(END)}
    assert data[named[signature] :].startswith(signature)
    struct.pack_into(layout, data, named[signature] + offset, value)
    return bytes(data)


CENTRAL, LOCAL, END = b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"
for label, field in {
    "method": (CENTRAL, 10, "<H", 8), "unknown method": (CENTRAL, 10, "<H", 77), "compressed size": (CENTRAL, 20, "<I", 7),
    "size": (CENTRAL, 24, "<I", 2**31), "place": (CENTRAL, 42, "<I", 10**6), "place of another": (CENTRAL, 42, "<I", 0),
    "name length": (CENTRAL, 28, "<H", 60000), "checksum": (CENTRAL, 16, "<I", 1), "central signature": (CENTRAL, 0, "<I", 0),
    "version": (CENTRAL, 6, "<H", 99), "local name length": (LOCAL, 26, "<H", 65535), "local name": (LOCAL, 26, "<H", 3),
    "local extra length": (LOCAL, 28, "<H", 65535), "local extra": (LOCAL, 28, "<H", 8), "local signature": (LOCAL, 0, "<I", 0),
    "directory size": (END, 12, "<I", 7), "directory far": (END, 16, "<I", 2**31),
    "directory before the file": (END, 12, "<I", 2**31),
}.items():  # fmt: skip
    case(f"zip with a wrong {label}")(lambda field=field: _patched(*field))


@case("zip with a bit flipped in a tensor", "checksum")
def _():
    members = _members()
    data = _zipped(members)
    tensor = members[next(n for n in members if n.endswith("/data/0"))]
    at = data.find(tensor)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


for keep in (10, 100, 5_000, 20_000, -1, -22, -2_000):
    case(f"zip cut at {keep}")(lambda keep=keep: (GOLDEN / "torch-zip.pth").read_bytes()[:keep])
    case(f"keras zip cut at {keep}")(lambda keep=keep: (GOLDEN / "keras.keras").read_bytes()[:keep])
case("keras zip compressed", "compressed")(lambda: _zipped(_members("keras.keras"), zipfile.ZIP_DEFLATED))


@case("keras zip with a bit flipped in a tensor", "checksum")
def _():
    with h5py.File(io.BytesIO(_members("keras.keras")["model.weights.h5"])) as file:
        tensor = file["layers/conv2d_3/vars/0"][()].tobytes()
    data = (GOLDEN / "keras.keras").read_bytes()
    at = data.index(tensor)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


case("keras zip with nothing in it")(lambda: _zipped({"model.weights.h5": b""}))
case("keras zip with a text in it")(lambda: _zipped({"model.weights.h5": b"hello" * 100}))
case("keras zip with half an HDF5 file")(
    lambda: _zipped({"model.weights.h5": _members("keras.keras")["model.weights.h5"][:5000]})
)
case("keras zip with a zip in it")(lambda: _zipped({"model.weights.h5": _zipped({"a": b"b"})}))

# --- HDF5 ------------------------------------------------------------------------------------------------------------


def hdf5(change, name="keras-published.h5"):
    data = io.BytesIO((GOLDEN / name).read_bytes())
    with h5py.File(data, "r+") as file:
        change(file)
    return data.getvalue()


LAYER, KERNEL = "block3_conv2", "block3_conv2_W_1:0"


def replaced(**options):
    """The file with one kernel replaced by another dataset."""

    def change(file):
        del file[LAYER][KERNEL]
        file[LAYER].create_dataset(KERNEL, **options)

    return lambda: hdf5(change)


def linked(link):
    def change(file):
        del file[LAYER][KERNEL]
        file[LAYER][KERNEL] = link

    return lambda: hdf5(change)


for label, link in {
    "a link to another file": h5py.ExternalLink("/etc/passwd", "/x"), "a soft link": h5py.SoftLink("/block1_conv1"),
    "a soft link to itself": h5py.SoftLink(f"/{LAYER}/{KERNEL}"), "a link to nowhere": h5py.SoftLink("/nowhere"),
}.items():  # fmt: skip
    case(f"HDF5 with {label}", "link")(linked(link))
for label, options in {
    "bytes of another file": dict(shape=(3, 3, 6, 6), dtype="f4", external=[("/etc/passwd", 0, 1296)]),
    "terabytes": dict(shape=(2**20, 2**20), dtype="f4"), "terabytes in chunks": dict(shape=(2**20, 2**20), dtype="f4", chunks=(64, 64)),
    "a compression bomb": dict(data=np.zeros((3, 3, 512, 512), "f4"), chunks=(3, 3, 512, 512), compression="gzip"),
    "an uncommon filter": dict(data=np.ones((3, 3, 6, 6), "f4"), compression="lzf"), "integers": dict(data=np.ones((3, 3, 6, 6), int)),
    "text": dict(data=b"hello"), "texts of any length": dict(data=["a", "b"], dtype=h5py.string_dtype()),
    "records": dict(data=np.zeros(4, [("a", "f4"), ("b", "i4")])), "references": dict(shape=(4,), dtype=h5py.ref_dtype),
    "lists of any length": dict(shape=(4,), dtype=h5py.vlen_dtype(np.float32)), "an enumeration": dict(shape=(4,), dtype=h5py.enum_dtype({"A": 1})),
    "complex numbers": dict(data=np.ones((3, 3, 6, 6), complex)), "raw bytes": dict(data=np.void(b"1234")), "truth values": dict(data=np.ones((3, 3, 6, 6), bool)),
    "nothing": dict(data=h5py.Empty("f4")), "a size of 0": dict(shape=(3, 3, 0, 6), dtype="f4"), "a single number": dict(data=np.float32(1)),
    "three axes": dict(data=np.ones((3, 3, 6), "f4")), "five axes": dict(data=np.ones((3, 3, 6, 6, 1), "f4")), "another shape": dict(data=np.ones((3, 3, 6, 7), "f4")),
    "a kernel of five": dict(data=np.ones((5, 5, 6, 6), "f4")), "NaN": dict(data=np.full((3, 3, 6, 6), np.nan, "f4")), "infinity": dict(data=np.full((3, 3, 6, 6), np.inf, "f4")),
    "doubles beyond float32": dict(data=np.full((3, 3, 6, 6), 1e300)), "arrays as numbers": dict(shape=(4,), dtype=np.dtype(("f4", (3, 3)))),
    "nothing written": dict(shape=(3, 3, 6, 6), dtype="f4"), "80-bit numbers": dict(data=np.ones((3, 3, 6, 6), np.longdouble)),
}.items():  # fmt: skip
    case(f"HDF5 with {label} for a kernel")(replaced(**options))


def change(label, words="", name="keras-published.h5"):
    return lambda function: case(f"HDF5 with {label}", words)(lambda: hdf5(function, name)) and function


@change("a dataset made of other files", "other files")
def _(file):
    layout = h5py.VirtualLayout((3, 3, 6, 6), "f4")
    layout[...] = h5py.VirtualSource("/etc/passwd", "x", (3, 3, 6, 6))
    del file[LAYER][KERNEL]
    file[LAYER].create_virtual_dataset(KERNEL, layout)


@change("a group in a circle", "circle")
def _(file):
    file[LAYER]["again"] = file["/"]


@change("groups a hundred deep", "deep")
def _(file):
    group = file
    for _ in range(100):
        group = group.create_group("deeper")


@change("six thousand groups", "groups and datasets")
def _(file):
    for i in range(6000):
        file.create_group(f"g{i}")


@change("a named type", "neither a group nor a dataset")
def _(file):
    file["type"] = np.dtype("f4")


@change("a layer missing", "convolutions have")
def _(file):
    del file["block4_conv2"]


@change("a kernel missing", "bias and no kernel")
def _(file):
    del file[LAYER][KERNEL]


@change("a layer too many", "convolutions have")
def _(file):
    file["block6_conv1/a"] = np.ones((3, 3, 8, 8), "f4")
    file["block6_conv1/b"] = np.ones(8, "f4")


@change("two kernels in a layer", "not the kernel or bias")
def _(file):
    file[LAYER]["another"] = np.ones((3, 3, 6, 6), "f4")


@change("batch normalisation", "several vectors")
def _(file):
    for name in ("gamma", "beta", "moving_mean", "moving_variance"):
        file[f"batch_normalization/{name}"] = np.ones(8, "f4")


@change("a dataset in no layer", "belongs to no layer")
def _(file):
    file["lonely"] = np.ones(8, "f4")


@change("dense layers that do not fit", "do not fit on each other")
def _(file):
    del file["fc2"]
    file["fc2/a"] = np.ones((13, 17), "f4")


@change("twenty dense layers", "dense layers")
def _(file):
    for i in range(20):
        file[f"extra{i}/a"] = np.ones((6, 6), "f4")


@change("a head for no square map", "times a square")
def _(file):
    del file["fc1"]["fc1_W_1:0"]
    file["fc1"]["fc1_W_1:0"] = np.ones((8 * 3, 12), "f4")


@change("kernels in Theano's order", "Theano")
def _(file):
    for i, name in enumerate(n for n in file if "conv" in n):
        key = f"{name}_W_1:0"
        kernel = file[name][key][()].transpose(3, 2, 0, 1)
        del file[name][key]
        file[name][key] = kernel


@change("nothing in it", "0 tensors")
def _(file):
    for name in list(file):
        del file[name]


@change("a bias of another length")
def _(file):
    del file[LAYER]["block3_conv2_b_1:0"]
    file[LAYER]["block3_conv2_b_1:0"] = np.ones(5, "f4")


@change("one kernel for two layers", "over each other")
def _(file):
    del file["block5_conv2"]["block5_conv2_W_1:0"]
    file["block5_conv2"]["block5_conv2_W_1:0"] = file["block5_conv3"]["block5_conv3_W_1:0"]


@case("HDF5 with two kernels over each other", "over each other")
def _():
    data = (GOLDEN / "keras-published.h5").read_bytes()
    with h5py.File(io.BytesIO(data)) as file:
        one, other = (file[f"block5_conv{i}/block5_conv{i}_W_1:0"].id.get_offset() for i in (2, 3))
    assert data.count(struct.pack("<Q", one)) == 1
    return data.replace(struct.pack("<Q", one), struct.pack("<Q", other + 4))


@change("numbers of a kind of its own", "a kind of its own")
def _(file):
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_ebias(100)
    del file[LAYER][KERNEL]
    space = h5py.h5s.create_simple((3, 3, 6, 6))
    h5py.h5d.create(file[LAYER].id, KERNEL.encode(), kind, space).write(
        h5py.h5s.ALL, h5py.h5s.ALL, np.ones((3, 3, 6, 6), "f4")
    )


@change("NaN in a head of numbers", "fc6.weight contains NaN")
def _(file):
    file["fc1/fc1_W_1:0"][3, 4] = np.nan


@change("kernels that shrink sevenfold", "not believable")
def _(file):
    values = np.zeros((96, 100_000), "f4")
    values[:, ::8] = np.random.default_rng(0).standard_normal((96, 12_500))
    file.create_dataset("fc0/a", data=values, chunks=(8, 50_000), compression="gzip")


@change("two layers whose order nothing tells", "which comes first")
def _(file):
    for name in ("beta", "alpha"):
        file[f"{name}/a"] = np.ones((6, 6), "f4")


for keep in (8, 9, 100, 500, 2_000, 10_000, -1, -4_000):
    case(f"HDF5 cut at {keep}")(lambda keep=keep: (GOLDEN / "keras-published.h5").read_bytes()[:keep])
case("HDF5 signature and zeros")(lambda: b"\x89HDF\r\n\x1a\n" + bytes(5000))

# --- numcam's own ----------------------------------------------------------------------------------------------------


def own_file(more=b"", **attributes):
    """A whole file of numcam's, with other attributes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.h5"
        network = random_network("tiny", CLASSES, (SIDE, SIDE))
        write_weights(path, Weights("tiny", network.parameters, tuple("abcdef"), CENTRED, (SIDE, SIDE)))
        with h5py.File(path, "r+") as file:
            for key, value in attributes.items():
                file.attrs[key] = value
        return path.read_bytes() + more


def _json(value):
    return np.bytes_(json.dumps(value))


case("own file with bytes after its end", "should end after")(lambda: own_file(b"more"))
for label, attributes in {
    "orders to the terminal for a class": dict(classes=_json(["\x1b[2J", *"bcdef"])), "two lines for a class": dict(classes=_json(["a\nb", *"bcdef"])),
    "a list for its training": dict(training=_json([1, 2])), "a text for its version": dict(version="1"), "versions": dict(version=np.ones(5000, int)),
    "NaN for a size": dict(input_size=np.array([np.nan, 64])), "texts for a size": dict(input_size=["64", "64"]), "three sizes": dict(input_size=np.array([64, 64, 64])),
    "NaN for a mean": dict(preprocessing=np.bytes_(b'{"mean": [0, 0, NaN], "scale": [1, 1, 1], "order": "RGB"}')),
    "an infinite scale": dict(preprocessing=np.bytes_(b'{"mean": [0, 0, 0], "scale": [1, 1, Infinity], "order": "RGB"}')),
    "a scale of next to nothing": dict(preprocessing=_json({"mean": [0, 0, 0], "scale": [1, 1, 1e-300], "order": "RGB"})),
    "a mean of four": dict(preprocessing=_json({"mean": [0, 0, 0, 0], "scale": [1, 1, 1, 1], "order": "RGB"})),
    "lists in its classes": dict(classes=np.bytes_(b"[" + b",".join([b"[]"] * 20_000) + b"]")),
}.items():  # fmt: skip
    case(f"own file with {label}")(lambda attributes=attributes: own_file(**attributes))

# --- no weights at all -----------------------------------------------------------------------------------------------

for label, data in {
    "nothing": b"", "a byte": b"a", "zeros": bytes(3000), "a web page": b"<!DOCTYPE html><html>404</html>", "XML": b"\n  <?xml?><Error/>",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(99), "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    "a text": b"hello world " * 9, "gzip": b"\x1f\x8b\x08" + bytes(99), "a tar archive": bytes(257) + b"ustar" + bytes(300),
    "an ONNX model": b"\x08\x07\x12\x07pytorch" + bytes(99), "a NumPy array": b"\x93NUMPY\x01\x00" + bytes(99), "JSON": b'{"a": 1}' + bytes(99),
}.items():  # fmt: skip
    case(f"{label} for weights")(lambda data=data: data)

# --- NumPy, MATLAB, Caffe --------------------------------------------------------------------------------------------

for label, (data, words) in HOSTILE.items():
    case(label, words.split("|")[0] if "|" not in words else "")(lambda data=data: data)
