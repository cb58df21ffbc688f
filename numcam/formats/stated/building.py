"""From pieces to steps, one after the other, and for which pictures they fit."""

from collections.abc import Callable, Mapping, Sequence

from numcam.formats.checkpoint import Refused
from numcam.formats.network import Asked
from numcam.formats.stated.pieces import Chain, Piece
from numcam.formats.stated.rules import ENDS, RULES, SILENT
from numcam.nn.types import Pair

COMMON = (
    224, 32, 28, 64, 128, 256, 96, 48, 100, 112, 150, 160, 180, 192, 200, 227, 240, 299, 300, 320, 384, 400, 448, 512,
)  # fmt: skip
"""Sides of pictures that people train with, the likeliest first."""

LEAST, MOST = 8, 512
"""The sides between which one is looked for."""


def built(pieces: Sequence[Piece], start: Chain) -> Chain:
    """The steps of all pieces, one after the other."""
    plain = [one for one in pieces if one.kind not in SILENT]
    for i, given in enumerate(plain):
        piece = _over_all(given, plain[i + 1].kind if i + 1 < len(plain) else "")
        rule = RULES.get(piece.kind)
        if i == len(plain) - 1 and piece.kind in ENDS:
            start.end = ENDS[piece.kind]
        elif rule is None:
            raise Refused(
                f"{piece.title} is nothing that numcam computes; it computes chains of convolutions, pooling, linear "
                "layers, activations and batch normalisation"
            )
        else:
            rule(start, piece)
    return start


def _over_all(piece: Piece, following: str) -> Piece:
    """Pooling to one place that a Flatten follows is pooling over all places, which CAM looks for."""
    one = piece.settings.get("output_size") in (1, (1, 1), [1, 1])
    if piece.kind.startswith("Adaptive") and one and following in ("Flatten", "Linear", ""):
        kind = "GlobalAvgPool2d" if piece.kind == "AdaptiveAvgPool2d" else "GlobalMaxPool2d"
        return Piece(kind, piece.name)
    return piece


def sized(
    ways: Mapping[str, Callable[[Pair], Chain]], asked: Asked, common: bool = False
) -> tuple[Chain, Pair, list[str]]:
    """The chain for pictures of the size that is asked for, or else of the likeliest that fits, and what is assumed.

    ways: how it may be put together, each under the sentence that says so, the likelier first. common: whether only
    sizes that people often use are tried.
    """
    sides = COMMON if common else dict.fromkeys((*COMMON, *range(LEAST, MOST + 1)))
    sizes = [asked.input_size] if asked.input_size else [(side, side) for side in sides]
    reason: Refused | None = None
    for size in sizes:
        for sentence, build in ways.items():
            try:
                chain = build(size)
            except Refused as error:
                reason = reason or error
                continue
            open = f"pictures of {size[0]}x{size[1]} (--input-size says otherwise)"
            return chain, size, [*([sentence] if sentence else []), *([] if asked.input_size else [open])]
    rows, cols = sizes[0]
    what = f"pictures of {rows}x{cols} do not fit" if asked.input_size else f"square pictures up to {MOST} do not fit"
    raise Refused(f"{what}: {'' if asked.input_size else f'of {rows}x{cols}, '}{reason}")
