"""What a PyTorch checkpoint's pickle names: storages, the functions that make tensors of them, and all else as shells.

Each is a description here. Nothing is looked up by its name, and nothing of PyTorch is called.
"""

from dataclasses import dataclass, field
from typing import Any

from numcam.formats.checkpoint import Refused

DTYPES = {
    "FloatStorage": "float32", "HalfStorage": "float16", "DoubleStorage": "float64", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool",
}  # fmt: skip


@dataclass(frozen=True)
class Storage:
    """A block of `count` values of one type, named by `key`."""

    key: str
    dtype: str
    count: int


@dataclass(frozen=True)
class View:
    """A tensor: so many values of a storage, from `offset` on, `strides` apart (all in values, not bytes)."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class Name:
    """A function or class that the pickle names; it is never looked up."""

    module: str
    name: str


@dataclass(eq=False, slots=True)
class Shell:
    """What stands for an object of a class that numcam does not know, or the result of a function: the name, what would
    have been handed over, the attributes (`state`) and, of a mapping, the items."""

    name: "Name | Shell"
    arguments: tuple[Any, ...]
    state: Any = None
    items: dict[Any, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """ "argparse.Namespace", of a call's result the function's."""
        name: Name | Shell = self.name
        while isinstance(name, Shell):
            name = name.name
        return f"{name.module}.{name.name}"


def is_storage(name: object) -> bool:
    """Whether the name is that of a type of storage."""
    return isinstance(name, Name) and name.module in ("torch", "torch.cuda") and name.name in DTYPES


def tensor(arguments: tuple[Any, ...]) -> View | Shell:
    """(storage, offset, shape, strides), and flags of later versions that mean nothing here."""
    match arguments:
        case (Shell() as storage, *_):
            return Shell(Name("torch._utils", f"_rebuild_tensor of a {storage.title}"), ())
        case (Storage() as storage, int(offset), tuple(shape), tuple(strides), *_) if len(shape) == len(strides) <= 8:
            if all(type(v) is int and 0 <= v < 1 << 62 for v in (offset, *shape, *strides)):
                return View(storage, offset, shape, strides)
    raise Refused("its pickle describes a tensor by other things than a storage, sizes and strides")


def parameter(arguments: tuple[Any, ...]) -> View | Shell:
    """(tensor, ...): the tensor."""
    if arguments and isinstance(arguments[0], Shell):
        return arguments[0]
    if not arguments or not isinstance(arguments[0], View):
        raise Refused("its pickle holds a parameter that is no tensor; the file is damaged")
    return arguments[0]
