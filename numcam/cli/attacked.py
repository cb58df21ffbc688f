"""What is told and written of an attack: before and after, whether it succeeds, the pictures."""

from pathlib import Path

import numpy as np
from PIL import Image

from numcam.cli.common import ranking, tell
from numcam.cli.outputs import LOSSLESS
from numcam.figures import save
from numcam.front.attacking import Attacked
from numcam.front.pictures import write_picture


def full_end(out: str | None, format: str | None) -> str:
    """How the name of the photograph at its own size ends."""
    suffix = Path(out or "").suffix.lower()
    kind = suffix if suffix in LOSSLESS else f".{format or 'png'}"
    return f"-full{kind}"


def tell_of(found: Attacked) -> None:
    """The answer before and after, the change, and whether the attack succeeds."""
    asked, written = found.change, found.written_change
    tell(f"before                        {ranking(found.before)}")
    tell(f"after                         {ranking(found.unrounded)}")
    tell(f"rounded to whole grey levels  {ranking(found.after)}")
    tell(f"change: at most {asked[0]:.2f} of 255, root mean square {asked[1]:.2f}")
    if not np.allclose(asked, written, atol=0.005):
        tell(f"in the file, whole grey levels: at most {written[0]:g}, root mean square {written[1]:.2f}")
    tell(_verdict(found))


def _verdict(found: Attacked) -> str:
    """Whether the written picture is answered as the attack wants; what to try where it is not."""
    names = found.classifier.classes
    start, wanted, now = found.before[0], names[found.label], found.after[0]
    more = "a larger --epsilon, more --steps or another --method may"
    if found.targeted:
        if start[0] == found.label:
            return f"it was “{wanted}” before"
        return (
            f"taken for “{wanted}” now" if found.succeeded else f"not taken for “{wanted}” but for “{now[1]}”; {more}"
        )
    if start[0] != found.label:
        return f"it was “{start[1]}”, not “{wanted}”, before; now “{now[1]}”"
    if found.succeeded:
        return f"“{wanted}” is left for “{now[1]}”"
    return f"it is still “{wanted}”: the attack fails; {more}"


def write_all(found: Attacked, path: Path, full: str | None) -> None:
    """The attacked picture, a figure of it, and with `full` the photograph at its own size, read again."""
    image, figure = found.image, path.with_name(f"{path.stem}-figure.png")
    write_picture(Image.fromarray(image), path, lossless=True)
    save(found.figure(), figure)
    tell(f"wrote {path} ({image.shape[1]}x{image.shape[0]}, as the network takes it)\nwrote {figure}")
    if full:
        large, place = found.full_size(), path.with_name(path.stem + full)
        write_picture(Image.fromarray(large), place, lossless=True)
        answer = found.classifier.predict(large, top=3)
        most = int(np.abs(large.astype(int) - found.photo).max())
        tell(f"wrote {place} ({large.shape[1]}x{large.shape[0]}, the photo's own size)")
        verdict = "the attack holds" if found.succeeds(answer) else "the attack fails"
        if found.succeeded and not found.succeeds(answer):
            verdict = "the attack does not survive being made smaller"
        tell(f"  read again: {ranking(answer)}; {verdict}; change at most {most} of 255")
