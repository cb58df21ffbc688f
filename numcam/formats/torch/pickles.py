"""PyTorch's pickles without pickle: a reader that executes nothing.

A pickle is a program. Python's own reader calls whatever function the file names; this one knows the names that rebuild
tensors and OrderedDict, and gives back a description of each tensor. Of everything else that people keep beside their
tensors it keeps an empty shell: the name, and what would have been handed to it. No name is ever looked up.
"""

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from numcam.formats.checkpoint import Refused
from numcam.formats.torch.objects import DTYPES, Name, Shell, Storage, is_storage, parameter, tensor

MOST_OPCODES = 600_000
MOST_OBJECTS = 80_000
"""Of a training checkpoint a few thousand; each can be fifty times as large as what makes it."""

MOST_NAME = 4096
MARK = object()
SET = Name("builtins", "set")


@dataclass(frozen=True)
class Unpickled:
    """The object, made of dict, list, tuple, str, bytes, int, float, bool, None, Name, Shell and View; where its pickle
    ends; and every storage it refers to, by key."""

    value: Any
    end: int
    storages: Mapping[str, Storage]


def unpickled(data: bytes | memoryview, start: int = 0, long: bool = False) -> Unpickled:
    """What the pickle at `start` describes. Refused where it is damaged, or larger than any checkpoint's. long: texts
    of Python 2, in which NumPy kept an array's values, stay bytes where they lie in data, a memoryview."""
    return _Machine(data, start, long).run()


class _Machine:
    """The pickle machine: a stack and a memo. Its methods are named after what an opcode does."""

    def __init__(self, data: bytes | memoryview, start: int, long: bool = False) -> None:
        self.data, self.at, self.long = data, start, long
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.spent = self.objects = 0
        self.storages: dict[str, Storage] = {}

    def run(self) -> Unpickled:
        for _ in range(MOST_OPCODES):
            code = self.take(1)
            if code == b".":
                return Unpickled(self.pop(), self.at, self.storages)
            operation = OPERATIONS.get(code)
            if operation is None:
                raise Refused(
                    f"its pickle uses the opcode {code!r}, which no checkpoint needs; "
                    "save it with torch.save(model.state_dict(), ...)"
                )
            operation(self)
        raise Refused(f"its pickle has more than {MOST_OPCODES:,} opcodes; expected a few hundred")

    def made(self, value: Any) -> None:
        """Push an object that takes memory of its own."""
        self.count()
        self.stack.append(value)

    def count(self) -> None:
        self.objects += 1
        if self.objects > MOST_OBJECTS:
            raise Refused(
                f"its pickle makes more than {MOST_OBJECTS:,} objects beside its tensors; save the tensors alone, with "
                "torch.save(model.state_dict(), ...)"
            )

    def take(self, count: int) -> bytes:
        return bytes(self.lying(count))

    def lying(self, count: int) -> bytes | memoryview:
        """The next bytes, of a memoryview without a copy."""
        if self.at + count > len(self.data):
            raise Refused("its pickle ends in the middle; the file is cut off")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, layout: str) -> Any:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def long_number(self) -> None:
        count = self.number("<B")
        if count > 16:
            raise Refused(f"its pickle holds a number of {count} bytes; expected sizes and counts")
        self.push(int.from_bytes(self.take(count), "little", signed=True))

    def line(self) -> str:
        end = bytes(self.data[self.at : self.at + MOST_NAME]).find(b"\n")
        if end < 0:
            raise Refused("its pickle holds a name without end; the file is damaged")
        text = self.take(end).decode()
        self.take(1)
        return text

    def text(self, layout: str) -> None:
        count = self.number(layout)
        if count < 0:
            raise Refused("its pickle holds a text of negative length; the file is damaged")
        self.made(self.take(count).decode("utf-8", "replace"))

    def old_text(self, layout: str) -> None:
        """A str of Python 2: letters, or the values of an array."""
        if not self.long:
            self.text(layout)
            return
        count = self.number(layout)
        if count < 0:
            raise Refused("its pickle holds a text of negative length; the file is damaged")
        self.made(self.lying(count) if count > MOST_NAME else self.take(count).decode("latin1"))

    def bytes(self, layout: str) -> None:
        count = self.number(layout)
        self.made(self.lying(count) if self.long and count > MOST_NAME else self.take(count))

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        if not self.stack:
            raise Refused("its pickle takes more than it put down; the file is damaged")
        return self.stack.pop()

    def top(self, kind: type) -> Any:
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise Refused(f"its pickle expects a {kind.__name__} where there is none; the file is damaged")
        return self.stack[-1]

    def to_mark(self) -> list[Any]:
        items: list[Any] = []
        while (item := self.pop()) is not MARK:
            items.append(item)
        return items[::-1]

    def tuple_of(self, count: int) -> None:
        self.made(tuple([self.pop() for _ in range(count)][::-1]))

    def remember(self, index: int) -> None:
        self.count()
        self.memo[index] = self.top(object)

    def recall(self, index: int) -> None:
        if index not in self.memo:
            raise Refused("its pickle recalls what it never kept; the file is damaged")
        self.push(self.memo[index])

    def set_items(self, items: list[Any]) -> None:
        if len(items) % 2:
            raise Refused("its pickle has a key without a value; the file is damaged")
        self.spent += len(items)
        if self.spent > MOST_OPCODES:
            raise Refused("its pickle fills dictionaries again and again, as no checkpoint does")
        top = self.top(object)
        into = top.items if isinstance(top, Shell) else self.top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            # other keys, such as tuples of tuples, cost time without bound to hash
            plain = key if type(key) in (str, int, float) else object()
            if plain in into:
                raise Refused(f"its pickle has {key!r} twice")
            into[plain] = value

    def extend(self, items: list[Any]) -> None:
        if not isinstance(self.top(object), Shell):
            self.top(list).extend(items)

    def add_to_set(self, _: list[Any]) -> None:
        self.top(Shell)

    def global_name(self) -> None:
        self.made(Name(self.line(), self.line()))

    def stack_global(self) -> None:
        name, module = self.pop(), self.pop()
        if not isinstance(name, str) or not isinstance(module, str) or len(module) + len(name) > 2 * MOST_NAME:
            raise Refused("its pickle names what is no name; the file is damaged")
        self.made(Name(module, name))

    def call(self) -> None:
        arguments, name = self.pop(), self.pop()
        if not isinstance(name, Name | Shell) or is_storage(name) or not isinstance(arguments, tuple):
            raise Refused("its pickle calls what is no function; the file is damaged")
        known = CALLED.get(name) if isinstance(name, Name) else None
        self.made(known(self, arguments) if known else Shell(name, arguments))

    def new_object(self, keywords: bool = False) -> None:
        if keywords:
            self.top(dict)
            self.pop()
        arguments, name = self.pop(), self.pop()
        if not isinstance(name, Name | Shell) or not isinstance(arguments, tuple):
            raise Refused("its pickle makes what is no class; the file is damaged")
        self.made(Shell(name, arguments))

    def persistent(self) -> None:
        """('storage', type, key, device, count), in the oldest files with a view, which is None; or a class."""
        match self.pop():
            case (("storage", Name() as kind, str(key), str(), int(count)) | (
                "storage", Name() as kind, str(key), str(), int(count), None,
            )) if is_storage(kind) and count >= 0:  # fmt: skip
                storage = Storage(key, DTYPES[kind.name], count)
                if self.storages.setdefault(key, storage) != storage:
                    raise Refused(f"its storage {key!r} is described in two ways; the file is damaged")
                self.push(storage)
            case ("storage", Name() as kind, *_) if re.fullmatch(r"torch(\.\w+)*", kind.module):
                self.push(Shell(kind, ()))  # of complex or quantised numbers
            case ("module", Name() as kind, *_):  # the older kind adds the text of a module's program
                self.push(kind)
            case _:
                raise Refused("its pickle refers to something outside that is no storage of numbers")

    def set_state(self) -> None:
        """BUILD: attributes for an object. A state_dict's only ones are version notes (_metadata)."""
        state = self.pop()
        top = self.top(object)
        if isinstance(top, Shell):
            top.state = state
        else:
            self.top(dict)


def _ordered_dict(machine: _Machine, arguments: tuple[Any, ...]) -> dict[Any, Any]:
    """OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 wrote it."""
    pairs = arguments[0] if arguments else []
    if not isinstance(pairs, list) or not all(isinstance(p, list | tuple) and len(p) == 2 for p in pairs):
        raise Refused("its pickle fills an OrderedDict with something other than pairs; the file is damaged")
    filled: dict[Any, Any] = {}
    machine.push(filled)
    machine.set_items([item for pair in pairs for item in pair])
    machine.pop()
    return filled


def _of_type(machine: _Machine, arguments: tuple[Any, ...]) -> Any:
    """_rebuild_from_type_v2(function, type, arguments, state): a tensor of a class of its own."""
    match arguments:
        case (Name() as function, _, tuple(inner), *_) if function in CALLED and CALLED[function] is not _of_type:
            return CALLED[function](machine, inner)
    return Shell(Name("torch._tensor", "_rebuild_from_type_v2"), arguments)


def _default_dict(_: _Machine, arguments: tuple[Any, ...]) -> dict[Any, Any]:
    return {}


def _encoded(_: _Machine, arguments: tuple[Any, ...]) -> Any:
    """_codecs.encode(text, "latin1"): how Python 3 writes bytes that Python 2 should read."""
    match arguments:
        case (str(text), "latin1"):
            return text.encode("latin1", "replace")
    return Shell(Name("_codecs", "encode"), arguments)


CALLED: Mapping[Name, Callable[[_Machine, tuple[Any, ...]], Any]] = {
    Name("collections", "OrderedDict"): _ordered_dict,
    Name("torch._utils", "_rebuild_tensor"): lambda _, arguments: tensor(arguments),
    Name("torch._utils", "_rebuild_tensor_v2"): lambda _, arguments: tensor(arguments),
    Name("torch._utils", "_rebuild_parameter"): lambda _, arguments: parameter(arguments),
    Name("torch._utils", "_rebuild_parameter_with_state"): lambda _, arguments: parameter(arguments),
    Name("torch._tensor", "_rebuild_from_type_v2"): _of_type,
    Name("collections", "defaultdict"): _default_dict,
    Name("_codecs", "encode"): _encoded,
}

OPERATIONS: Mapping[bytes, Callable[[_Machine], None]] = {
    b"\x80": lambda m: m.number("B") and None,  # PROTO
    b"\x95": lambda m: m.number("<Q") and None,  # FRAME
    b"}": lambda m: m.made({}),
    b"]": lambda m: m.made([]),
    b")": lambda m: m.push(()),
    b"(": lambda m: m.push(MARK),
    b"0": lambda m: m.pop() and None,
    b"t": lambda m: m.made(tuple(m.to_mark())),
    b"\x85": lambda m: m.tuple_of(1),
    b"\x86": lambda m: m.tuple_of(2),
    b"\x87": lambda m: m.tuple_of(3),
    b"a": lambda m: m.extend([m.pop()]),
    b"e": lambda m: m.extend(m.to_mark()),
    b"s": lambda m: m.set_items([m.pop(), m.pop()][::-1]),
    b"u": lambda m: m.set_items(m.to_mark()),
    b"\x8f": lambda m: m.made(Shell(SET, ())),
    b"\x90": lambda m: m.add_to_set(m.to_mark()),
    b"\x91": lambda m: m.made(Shell(SET, tuple(m.to_mark()))),
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"K": lambda m: m.push(m.number("<B")),
    b"M": lambda m: m.push(m.number("<H")),
    b"J": lambda m: m.push(m.number("<i")),
    b"\x8a": _Machine.long_number,
    b"G": lambda m: m.push(m.number(">d")),
    b"B": lambda m: m.bytes("<I"),
    b"C": lambda m: m.bytes("<B"),
    b"\x96": lambda m: m.bytes("<Q"),
    b"X": lambda m: m.text("<I"),
    b"\x8c": lambda m: m.text("<B"),
    b"U": lambda m: m.old_text("<B"),
    b"T": lambda m: m.old_text("<i"),
    b"q": lambda m: m.remember(m.number("<B")),
    b"r": lambda m: m.remember(m.number("<I")),
    b"h": lambda m: m.recall(m.number("<B")),
    b"j": lambda m: m.recall(m.number("<I")),
    b"\x94": lambda m: m.remember(len(m.memo)),
    b"c": _Machine.global_name,
    b"\x93": _Machine.stack_global,
    b"R": _Machine.call,
    b"\x81": _Machine.new_object,
    b"\x92": lambda m: m.new_object(keywords=True),
    b"Q": _Machine.persistent,
    b"b": _Machine.set_state,
}
