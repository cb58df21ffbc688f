"""Is what was printed what the page shows? Words exactly, numbers with a tolerance."""

import re

NUMBER = re.compile(r"(?<![\w.,])[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[eE][-+]?\d+)?(?![\w])")
RELATIVE = 1e-3


def difference(shown: str, printed: str) -> str | None:
    """The first place where the two texts differ, in words; None where they agree.

    Runs of white space count as one. A whole number must be the same. Any other may be off by a thousandth, or by half
    a unit in the last place that the page shows.
    """
    for count, (a, b) in enumerate(zip(lines(shown), lines(printed), strict=False), 1):
        if not agree(a, b):
            return f"line {count} of the output differs\n  the page shows  {a}\n  the code prints {b}"
    lengths = len(lines(shown)), len(lines(printed))
    if lengths[0] != lengths[1]:
        return f"the page shows {lengths[0]} lines, the code prints {lengths[1]}:\n{printed}"
    return None


def lines(text: str) -> list[str]:
    """The lines that are not empty, with single spaces, and none inside brackets' ends."""
    rows = (" ".join(row.split()) for row in text.strip().splitlines())
    return [re.sub(r"\s*([\])])", r"\1", re.sub(r"([\[(])\s*", r"\1", row)) for row in rows if row]


def agree(shown: str, printed: str) -> bool:
    """One line against another."""
    words, numbers = parts(shown)
    other_words, other_numbers = parts(printed)
    return words == other_words and all(close(a, b) for a, b in zip(numbers, other_numbers, strict=True))


def parts(line: str) -> tuple[list[str], list[str]]:
    """The text between the numbers of a line, and the numbers."""
    words, numbers, at = [], [], 0
    for match in NUMBER.finditer(line):
        if any(c.isdigit() for c in match[0]):
            words.append(line[at : match.start()])
            numbers.append(match[0])
            at = match.end()
    return [*words, line[at:]], numbers


def close(shown: str, printed: str) -> bool:
    """One number against another, both as text."""
    a, b = value(shown), value(printed)
    if is_whole(shown) and is_whole(printed):
        return a == b
    return abs(a - b) <= max(RELATIVE * abs(a), unit(shown) / 2) * (1 + 1e-9)


def value(number: str) -> float:
    """What a number in a text is worth."""
    return float(number.replace(",", "").replace("−", "-"))


def is_whole(number: str) -> bool:
    """Written as a whole number: 3, -4, 138,357,544, and also NumPy's 3."""
    return re.fullmatch(r"[-+−]?[\d,]+\.?", number) is not None


def unit(number: str) -> float:
    """One unit in the last place that is written: 0.01 for 3.14, 1000 for 2e3."""
    mantissa, _, exponent = number.lower().partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
