"""Do the links of a Markdown file lead somewhere? Files, and headings in them; not the net."""

import re
from pathlib import Path

from harness.page import read

LINK = re.compile(r"\[(?:[^\[\]]|!\[[^\]]*\]\([^)]*\))*\]\(([^)\s]+)\)")


def broken(path: Path) -> list[str]:
    """What is wrong with the relative links and anchors of a file, a sentence for each."""
    faults = []
    for line, text in read(path).prose:
        for target in LINK.findall(re.sub(r"`[^`]*`", "", text)):
            if re.match(r"\w+:", target):
                continue
            name, _, anchor = target.partition("#")
            goal = path.parent / name if name else path
            if not goal.exists():
                faults.append(f"{path.name}:{line}: {target} does not exist")
            elif anchor and anchor not in anchors(goal):
                faults.append(f"{path.name}:{line}: {goal.name} has no heading #{anchor}")
    return faults


def anchors(path: Path) -> set[str]:
    """The names that GitHub gives the headings of a file."""
    names: set[str] = set()
    for _, text in read(path).prose:
        if heading := re.match(r"#{1,6}\s+(.*?)\s*#*$", text):
            name = slug = re.sub(r"[^\w\- ]", "", heading[1].lower()).replace(" ", "-")
            count = 0
            while name in names:
                count += 1
                name = f"{slug}-{count}"
            names.add(name)
    return names
