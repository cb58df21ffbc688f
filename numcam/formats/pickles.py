"""PyTorch's pickles without pickle: a reader of the few opcodes that a state_dict needs, which executes nothing.

A pickle is a program. Python's own reader calls whatever function the file names; this one knows three names that
rebuild tensors and OrderedDict, gives back a description of each tensor, and refuses everything else.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from numcam.formats.checkpoint import Refused
from numcam.formats.torch_objects import DTYPES, Name, Storage, is_storage, parameter, tensor

MOST_OPCODES = 30_000
"""Of a training checkpoint a few thousand; each can make an object fifty times its own size."""

MOST_TEXT = 4096
MARK = object()


@dataclass(frozen=True)
class Unpickled:
    """The object, made of dict, list, tuple, str, int, float, bool, None, Name and View; where its pickle ends; and
    every storage it refers to, by key."""

    value: Any
    end: int
    storages: Mapping[str, Storage]


def unpickled(data: bytes, start: int = 0) -> Unpickled:
    """What the pickle at `start` describes. Refused for anything that a state_dict does not need."""
    return _Machine(data, start).run()


class _Machine:
    """The pickle machine: a stack and a memo. Its methods are named after what an opcode does."""

    def __init__(self, data: bytes, start: int) -> None:
        self.data, self.at = data, start
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.spent = 0
        self.storages: dict[str, Storage] = {}

    def run(self) -> Unpickled:
        for _ in range(MOST_OPCODES):
            code = self.take(1)
            if code == b".":
                return Unpickled(self.pop(), self.at, self.storages)
            operation = OPERATIONS.get(code)
            if operation is None:
                raise Refused(
                    f"its pickle uses the opcode {code!r}, which no plain state_dict needs; "
                    "save it with torch.save(model.state_dict(), ...)"
                )
            operation(self)
        raise Refused(f"its pickle has more than {MOST_OPCODES:,} opcodes; expected a few hundred")

    def take(self, count: int) -> bytes:
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
        end = self.data.find(b"\n", self.at, self.at + MOST_TEXT)
        if end < 0:
            raise Refused("its pickle holds a name without end; the file is damaged")
        text = self.take(end - self.at).decode()
        self.take(1)
        return text

    def text(self, layout: str) -> None:
        count = self.number(layout)
        if not 0 <= count <= MOST_TEXT:
            raise Refused(f"its pickle holds a text of {count:,} bytes; expected names of a few characters")
        self.stack.append(self.take(count).decode())

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
        self.push(tuple([self.pop() for _ in range(count)][::-1]))

    def remember(self, index: int) -> None:
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
        into = self.top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            # other keys cost time without bound to hash
            if type(key) not in (str, int):
                raise Refused(f"its pickle has a key of type {type(key).__name__}; expected names")
            if key in into:
                raise Refused(f"its pickle has {key!r} twice")
            into[key] = value

    def extend(self, items: list[Any]) -> None:
        self.top(list).extend(items)

    def global_name(self) -> None:
        name = Name(self.line(), self.line())
        if name not in CALLED and not is_storage(name):
            raise Refused(
                f"its pickle asks for {name.module}.{name.name}, which numcam does not run; "
                "save the tensors alone: torch.save(model.state_dict(), ...)"
            )
        self.push(name)

    def call(self) -> None:
        arguments, name = self.pop(), self.pop()
        if not isinstance(name, Name) or name not in CALLED or not isinstance(arguments, tuple):
            raise Refused("its pickle calls what is no function; the file is damaged")
        self.push(CALLED[name](self, arguments))

    def persistent(self) -> None:
        """('storage', type, key, device, count), and in the oldest files a view, which is None."""
        match self.pop():
            case (("storage", Name() as kind, str(key), str(), int(count)) | (
                "storage", Name() as kind, str(key), str(), int(count), None,
            )) if is_storage(kind) and count >= 0:  # fmt: skip
                storage = Storage(key, DTYPES[kind.name], count)
                if self.storages.setdefault(key, storage) != storage:
                    raise Refused(f"its storage {key!r} is described in two ways; the file is damaged")
                self.push(storage)
            case _:
                raise Refused("its pickle refers to something outside that is no storage of numbers")

    def drop_state(self) -> None:
        """BUILD: attributes for an object. A state_dict's only ones are version notes (_metadata)."""
        self.pop()
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


CALLED: Mapping[Name, Callable[[_Machine, tuple[Any, ...]], Any]] = {
    Name("collections", "OrderedDict"): _ordered_dict,
    Name("torch._utils", "_rebuild_tensor"): lambda _, arguments: tensor(arguments),
    Name("torch._utils", "_rebuild_tensor_v2"): lambda _, arguments: tensor(arguments),
    Name("torch._utils", "_rebuild_parameter"): lambda _, arguments: parameter(arguments),
}

OPERATIONS: Mapping[bytes, Callable[[_Machine], None]] = {
    b"\x80": lambda m: m.number("B") and None,  # PROTO
    b"}": lambda m: m.push({}),
    b"]": lambda m: m.push([]),
    b")": lambda m: m.push(()),
    b"(": lambda m: m.push(MARK),
    b"t": lambda m: m.push(tuple(m.to_mark())),
    b"\x85": lambda m: m.tuple_of(1),
    b"\x86": lambda m: m.tuple_of(2),
    b"\x87": lambda m: m.tuple_of(3),
    b"a": lambda m: m.extend([m.pop()]),
    b"e": lambda m: m.extend(m.to_mark()),
    b"s": lambda m: m.set_items([m.pop(), m.pop()][::-1]),
    b"u": lambda m: m.set_items(m.to_mark()),
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"K": lambda m: m.push(m.number("<B")),
    b"M": lambda m: m.push(m.number("<H")),
    b"J": lambda m: m.push(m.number("<i")),
    b"\x8a": _Machine.long_number,
    b"G": lambda m: m.push(m.number(">d")),
    b"X": lambda m: m.text("<I"),
    b"\x8c": lambda m: m.text("<B"),
    b"U": lambda m: m.text("<B"),
    b"T": lambda m: m.text("<i"),
    b"q": lambda m: m.remember(m.number("<B")),
    b"r": lambda m: m.remember(m.number("<I")),
    b"h": lambda m: m.recall(m.number("<B")),
    b"j": lambda m: m.recall(m.number("<I")),
    b"c": _Machine.global_name,
    b"R": _Machine.call,
    b"Q": _Machine.persistent,
    b"b": _Machine.drop_state,
}
