"""Downloads that can be cut and go on: a file is fetched into a .part, checked, and only then given its name."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch
import requests
from tqdm import tqdm

from numcam.errors import InputError
from numcam.places import cache
from numcam.published import Published, digest_of

pooch.get_logger().setLevel("WARNING")  # numcam says by itself what it fetches

PIECE = 1 << 16
"""Bytes received together; a cut line loses what is not a whole piece."""

AGAIN = {408, 425, 429, 500, 502, 503, 504}
"""Answers that may be better next time."""


@dataclass(frozen=True)
class Patience:
    """How long to wait: seconds for a connection and for the next bytes, attempts without progress, pause between."""

    connect: float = 10
    read: float = 30
    attempts: int = 4
    pause: float = 1
    longest_pause: float = 60


def address(one: Published) -> str:
    """Where the file is fetched from: NUMCAM_MIRROR, a folder on another server, or where it was published."""
    mirror = os.environ.get("NUMCAM_MIRROR")
    return f"{mirror.rstrip('/')}/{one.file}" if mirror else one.url


def offer(one: Published) -> str:
    """What would be fetched, from where, and where it would go."""
    size = f"{one.size:,} bytes" if one.size else f"about {one.megabytes} MB"
    return f"{one.name}: {address(one)} ({size}) to {cache() / one.file}"


def by_hand(one: Published) -> str:
    """How to get the file without numcam."""
    return (
        f"fetch {address(one)} ({one.digest}) by other means and put it at {cache() / one.file}, or give --weights PATH"
    )


def fetch(one: Published, say: Callable[[str], None], patience: Patience = Patience()) -> Path:
    """The file in numcam's cache, downloaded if it is not there yet, with a progress bar.

    It is announced with say(line), and checked for size and digest before it gets its
    name. A cut download goes on where it stopped, also in another run; of two processes one waits for the other.
    InputError if it cannot be had; NUMCAM_OFFLINE=1 forbids to try.
    """
    folder = cache()
    if _is_here(one, folder / one.file):
        return folder / one.file
    if os.environ.get("NUMCAM_OFFLINE", "0") not in ("", "0"):
        raise InputError(f"{one.name} is not here and NUMCAM_OFFLINE forbids to download it; {by_hand(one)}")
    say(f"downloading {offer(one)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f".{one.file}.lock"):
            if _is_here(one, folder / one.file):  # another process has fetched it while this one waited
                return folder / one.file
            (folder / one.file).unlink(missing_ok=True)
            return Path(
                pooch.retrieve(
                    address(one),
                    known_hash=one.digest if ":" in one.digest else None,
                    fname=one.file,
                    path=folder,
                    downloader=_Resuming(one, folder / f".{one.file}.part", patience),
                )
            )
    except OSError as error:  # also what requests raises
        raise InputError(f"{one.name} could not be downloaded: {_reason(error)}; {by_hand(one)}") from error


def _is_here(one: Published, path: Path) -> bool:
    return path.is_file() and one.size in (None, path.stat().st_size) and one.agrees(digest_of(path, one.digest))


def _reason(error: OSError) -> str:
    return (error.strerror if type(error).__module__ == "builtins" else "") or str(error)[:200]


class _Resuming:
    """pooch's downloader(url, output_file, pooch), which asks for the rest of what is in `part` already."""

    def __init__(self, one: Published, part: Path, patience: Patience) -> None:
        self.one, self.part, self.patience = one, part, patience

    def __call__(self, url: str, output: Any, _: Any, check_only: bool = False) -> None:
        failures = 0
        while True:
            before = self.have()
            try:
                pause = self.attempt(url)
            except requests.RequestException as error:
                if isinstance(
                    error,
                    requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema | requests.TooManyRedirects,
                ):
                    raise
                pause, reason = self.patience.pause, f"the connection failed ({type(error).__name__})"
            else:
                if pause is None:
                    break
                reason = "the server is busy or stopped early"
            failures = 0 if self.have() > before else failures + 1
            if failures >= self.patience.attempts:
                if not self.have():
                    self.part.unlink(missing_ok=True)
                raise InputError(
                    f"{url}: {reason}, {failures} times; what came is kept and the next try goes on from there"
                )
            tqdm.write(f"{self.one.file}: {reason}; trying again", file=sys.stderr)
            time.sleep(min(pause * 2 ** max(0, failures - 1), self.patience.longest_pause))
        self.check(url)
        self.part.replace(output)

    def have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def attempt(self, url: str) -> float | None:
        """Fetch what is missing; None when all is there, else how long to wait before the next try."""
        have = self.have()
        if have and have == self.one.size:
            return None
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        wait = (self.patience.connect, self.patience.read)
        with requests.get(url, headers=headers, stream=True, timeout=wait) as response:
            if response.status_code in AGAIN:
                return _retry_after(response, self.patience.pause)
            if response.status_code == 416:  # there is nothing after what we have, which then is no use
                self.part.unlink(missing_ok=True)
                return self.patience.pause
            if response.status_code not in (200, 206):
                raise InputError(
                    f"{url}: the server answers {response.status_code} {response.reason}; {by_hand(self.one)}"
                )
            goes_on = response.status_code == 206 and _starts_at(response) == have
            if response.status_code == 206 and not goes_on:
                self.part.unlink(missing_ok=True)
                return self.patience.pause
            start = have if goes_on else 0
            length = response.headers.get("Content-Length", "")
            total = start + int(length) if length.isdigit() else None
            if self.one.size and total and total != self.one.size:
                self.part.unlink(missing_ok=True)
                raise InputError(
                    f"{url}: the server offers {total:,} bytes; the published file has {self.one.size:,}: "
                    f"it is another file; {by_hand(self.one)}"
                )
            self.save(response, start, self.one.size or total)
        return None if self.have() == (self.one.size or total or self.have()) else self.patience.pause

    def save(self, response: requests.Response, start: int, total: int | None) -> None:
        """Append to the part, or begin it again, and never more than was announced."""
        with (
            self.part.open("ab" if start else "wb") as file,
            tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=self.one.file, file=sys.stderr) as bar,
        ):
            at = start
            for piece in response.iter_content(PIECE):
                at += len(piece)
                if total is not None and at > total:
                    file.close()
                    self.part.unlink(missing_ok=True)
                    raise InputError(f"{response.url}: the server sends more than the {total:,} bytes it should have")
                file.write(piece)
                file.flush()  # so that a killed run keeps what came
                bar.update(len(piece))

    def check(self, url: str) -> None:
        """The whole part has the published size and digest, or it goes."""
        size, digest = self.have(), digest_of(self.part, self.one.digest)
        if self.one.size in (None, size) and self.one.agrees(digest):
            return
        self.part.unlink()
        raise InputError(
            f"{url}: {size:,} bytes came with {digest}; the published file has {self.one.digest}: "
            f"it is another file; {by_hand(self.one)}"
        )


def _starts_at(response: requests.Response) -> int:
    """Where a partial answer begins, from "Content-Range: bytes 100-199/200"."""
    begin = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(begin) if begin.isdigit() else -1


def _retry_after(response: requests.Response, otherwise: float) -> float:
    given = response.headers.get("Retry-After", "")
    return float(given) if given.isdigit() else otherwise


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Held by one process at a time; the others wait."""
    with path.open("a+b") as file:
        while not _lock(file):
            time.sleep(0.1)
        yield  # closing the file, also by the end of the process, lets go


def _lock(file: Any) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
