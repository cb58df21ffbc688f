"""A page taken apart: its code blocks, what each is said to print, and its pictures.

```python                           runs; all of a page's run in order, in one namespace
```python tags=["raises-exception"] runs, and must end in the error that the text block after it shows last
```text                             right after a python block: what that prints, compared with a tolerance
```console                          lines that begin with "$ " are run, the others are what they print
```py, and anything indented        shown, not run
![alt](figures/NN-name.png)         written, as NN-name.png, by the block above
"""

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^(`{3,})(\w*)[ ]*(.*)$")
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """One block that runs: the line of its first line of code, what it must print, whether it must raise."""

    line: int
    code: str
    expected: str
    kind: str = "python"
    raises: bool = False


@dataclass(frozen=True)
class Picture:
    """An image of a page: its line, alt text and path, and the number of blocks above it."""

    line: int
    alt: str
    path: str
    after: int


@dataclass(frozen=True)
class Page:
    """The blocks and pictures of a page, and the lines that are neither."""

    path: Path
    blocks: tuple[Block, ...]
    pictures: tuple[Picture, ...]
    prose: tuple[tuple[int, str], ...]
    length: int


def read(path: Path) -> Page:
    """Take a page apart; ValueError for a fence that is not closed."""
    lines = path.read_text(encoding="utf-8").splitlines()
    blocks: list[Block] = []
    pictures: list[Picture] = []
    prose: list[tuple[int, str]] = []
    waiting = False  # for the text block that shows what the python block above prints
    i = 0
    while i < len(lines):
        fence = FENCE.match(lines[i])
        if not fence:
            waiting &= not lines[i].strip()
            prose.append((i + 1, lines[i]))
            pictures += [Picture(i + 1, alt, target, len(blocks)) for alt, target in IMAGE.findall(lines[i])]
            i += 1
            continue
        end = next((j for j in range(i + 1, len(lines)) if lines[j] == fence[1]), None)
        if end is None:
            raise ValueError(f"{path.name}:{i + 1}: this block is not closed")
        text, language = "\n".join(lines[i + 1 : end]), fence[2]
        if language == "text" and waiting:
            last = blocks.pop()
            blocks.append(Block(last.line, last.code, text, raises=last.raises))
        elif language == "python":
            blocks.append(Block(i + 2, text, "", raises="raises-exception" in fence[3]))
        elif language == "console":
            blocks += console(text, i + 2)
        waiting = language == "python"
        i = end + 1
    return Page(path, tuple(blocks), tuple(pictures), tuple(prose), len(lines))


def console(text: str, line: int) -> list[Block]:
    """A console block's commands, each with the lines it prints."""
    blocks: list[Block] = []
    for i, row in enumerate(text.splitlines()):
        if row.startswith("$ "):
            blocks.append(Block(line + i, row[2:], "", "console"))
        elif blocks:
            last = blocks.pop()
            blocks.append(Block(last.line, last.code, f"{last.expected}\n{row}".strip("\n"), "console"))
        else:
            raise ValueError(f'line {line}: a console block begins with "$ " and a command')
    return blocks
