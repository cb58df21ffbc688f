"""Files of networks that numcam does not read: what they are, by how they begin, and what to do instead."""

from collections.abc import Sequence
from pathlib import Path

KERAS = "save the model with model.save('it.keras'), and give that"
TORCH = "save the model's state_dict with torch.save, and give that"
BEGINNINGS = {
    b"GGUF": "a GGUF file, of a network without convolutions",
    b"PAR1": "a Parquet table",
    b"\x89PNG": "a PNG picture; pictures stand first in a command, and --model names a network",
    b"\xff\xd8\xff": "a JPEG picture; pictures stand first in a command, and --model names a network",
    b"GIF8": "a GIF picture; pictures stand first in a command, and --model names a network",
    b"%PDF": "a PDF document",
    b"MATLAB 7.3": "a MATLAB file of version 7.3; save it again in MATLAB with -v7",
    b"\x28\xb5\x2f\xfd": "compressed with zstandard; unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"BZh": "compressed with bzip2; unpack it first",
    b"\xfd7zXZ": "compressed with xz; unpack it first",
    b"#!": "a script",
    b"{": "a text of JSON, perhaps a model's description without its weights; give the file of the weights",
    b"MXNET": f"a file of MXNet; {KERAS}",
    b"7767517": "a description of ncnn's, without weights",
}


def other_kind(head: bytes) -> str | None:
    """What a file that begins so is, and what to do instead; None where nothing is known."""
    for begin, what in BEGINNINGS.items():
        if head.startswith(begin):
            return what
    if len(head) < 8:
        return None
    if head[4:8] == b"TFL3":
        return f"a TensorFlow Lite model, whose operations numcam does not read; {KERAS}"
    if head[4:8] == b"ftyp":
        return "a HEIC or AVIF picture, or a film; pictures stand first in a command, and --model names a network"
    if head[:1] == b"\x08" and head[2:4] == b"\x12" + head[3:4] and _has_letters(head[4 : 4 + head[3]]):
        maker = head[4 : 4 + head[3]].decode("ascii")
        return f"an ONNX model, written by {maker}, whose graph numcam does not read; {TORCH}"
    if head[:1] == b"\x08" and 3 <= head[1] <= 20 and head[2:3] in (b"\x12", b"\x1a", b"\x22", b"\x3a", b"\x42"):
        return f"an ONNX model, whose graph numcam does not read; {TORCH}"
    if head[:3] in (b"\x08\x01\x12", b"\x08\x01\x1a"):
        return f"TensorFlow's SavedModel, a graph that numcam does not read; {KERAS}"
    if (head[:1] == b"\x0a" and head[2:3] == b"\x0a") or (head[:1] == b"\x0a" and head[3:4] == b"\x0a"):
        return f"a frozen TensorFlow graph, which numcam does not read; {KERAS}"
    if not any(head[:64]):
        return f"zeros where a file begins: a download that has not come, or a part of a TensorFlow checkpoint; {KERAS}"
    if b"model_checkpoint_path" in head:
        return f"a part of a TensorFlow checkpoint, whose graph lies elsewhere; {KERAS}"
    return None


def _has_letters(text: bytes) -> bool:
    return 2 < len(text) < 60 and text.isascii() and text.decode("ascii").isprintable()


def zip_kind(names: Sequence[str]) -> str | None:
    """What a zip with these members is, where numcam does not read it."""
    inner = {name.partition("/")[2] for name in names} | set(names)
    if "constants.pkl" in inner or any(name.startswith("code/") for name in inner):
        return f"TorchScript, a program that numcam does not run; {TORCH}"
    if {"archive_format", "serialized_exported_program.json"} & inner or any(n.startswith("models/") for n in inner):
        return f"a program of torch.export, which numcam does not run; {TORCH}"
    if any(name.endswith("saved_model.pb") for name in names):
        return f"a zip of TensorFlow's SavedModel; {KERAS}"
    if any(name.endswith(".mlmodel") for name in names):
        return f"a model of Core ML; {TORCH}"
    if any(name.endswith("-symbol.json") for name in names):
        return "a zip of an MXNet model, which numcam does not read"
    return None


def folder_kind(path: Path) -> str:
    """What a folder is, as the rest of a sentence."""
    if (path / "saved_model.pb").is_file():
        return f"a folder of TensorFlow's SavedModel, a graph that numcam does not read; {KERAS}"
    if (path / "data.pkl").is_file():
        return "the unpacked members of a PyTorch file; give the file itself"
    if (path / "variables").is_dir() or path.suffix == ".mlpackage":
        return f"a folder of another tool's model; {KERAS}"
    for name in ("model.safetensors", "pytorch_model.bin", "model.weights.h5"):
        if (path / name).is_file():
            return f"a folder; give the file in it: {path / name}"
    return "a folder; give the file in it"
