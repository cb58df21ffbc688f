"""Which functions of a file call which others, read from their code without running it."""

from collections.abc import Iterator, Mapping
from dis import get_instructions
from types import CodeType, FunctionType
from typing import Any


def uses(name: str, module: Mapping[str, Any]) -> set[str]:
    """The functions of the file that `name` reaches through any number of others, itself left out."""
    reached: set[str] = set()
    ahead = [name]
    while ahead:
        for called in mentioned(module[ahead.pop()]):
            if called not in reached and isinstance(module.get(called), FunctionType):
                reached.add(called)
                ahead.append(called)
    return reached - {name}


def mentioned(function: Any) -> set[str]:
    """The global names in a function's code, and in that of the functions inside it."""
    code = getattr(function, "__code__", None)
    return set(names(code)) if code else set()


def names(code: CodeType) -> Iterator[str]:
    yield from (i.argval for i in get_instructions(code) if i.opname == "LOAD_GLOBAL")  # numcam.fgsm is no fgsm
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from names(inner)
