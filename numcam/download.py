"""Downloads that can be cut and go on: a file is fetched into a .part, checked, and only then given its name."""

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pooch

from numcam.errors import InputError
from numcam.places import address, by_hand, cache, offer
from numcam.published import Published, digest_of
from numcam.resuming import PATIENCE, Patience, Resuming

pooch.get_logger().setLevel("WARNING")  # numcam says by itself what it fetches


def fetch(one: Published, say: Callable[[str], None], patience: Patience = PATIENCE) -> Path:
    """The file in numcam's cache, downloaded if it is not there yet, with a progress bar.

    It is announced with say(line), and checked for size and digest before it gets its name. A cut download goes on
    where it stopped, also in another run; of two processes one waits for the other.
    InputError if it cannot be had; NUMCAM_OFFLINE=1 forbids to try.
    """
    folder = cache()
    try:
        if _is_here(one, folder / one.file):
            return folder / one.file
        if os.environ.get("NUMCAM_OFFLINE", "0") not in ("", "0"):
            raise InputError(f"{one.name} is not here and NUMCAM_OFFLINE forbids to download it; {by_hand(one)}")
        say(f"downloading {offer(one)}")
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f".{one.file}.lock", lambda: say(f"another process fetches {one.file}; waiting for it")):
            if _is_here(one, folder / one.file):  # another process has fetched it while this one waited
                return folder / one.file
            (folder / one.file).unlink(missing_ok=True)
            return _retrieve(one, folder, patience)
    except OSError as error:  # also what requests raises
        raise InputError(f"{one.name} could not be downloaded: {_reason(error)}; {by_hand(one)}") from error


def _retrieve(one: Published, folder: Path, patience: Patience) -> Path:
    path = pooch.retrieve(
        address(one),
        known_hash=one.digest if ":" in one.digest else None,
        fname=one.file,
        path=folder,
        downloader=Resuming(one, folder / f".{one.file}.part", patience),
    )
    return Path(path)


def _is_here(one: Published, path: Path) -> bool:
    return path.is_file() and one.size in (None, path.stat().st_size) and one.agrees(digest_of(path, one.digest))


def _reason(error: OSError) -> str:
    return (error.strerror if type(error).__module__ == "builtins" else "") or str(error)[:200]


@contextmanager
def _alone(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Held by one process at a time; the others wait, after saying so."""
    with path.open("a+b") as file:
        if not _lock(file):
            waiting()
            while not _lock(file):
                time.sleep(0.1)
        yield  # closing the file, also by the end of the process, lets go


def _lock(file: Any) -> bool:
    """Whether this process has it now; where the file system knows no locks, nobody waits."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
    return True
