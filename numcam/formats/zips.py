"""Zips from strangers: a directory of modest size, nothing after the end, and checksums of what lies in them."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from numcam.formats.checkpoint import Refused

ZIP = b"PK\x03\x04"
END = b"PK\x05\x06"
MOST_DIRECTORY = 384 << 10
"""Bytes of a directory, which grow twentyfold in memory."""


class _Modest(io.FileIO):
    """A file that refuses to read too much at once: zipfile believes whatever length a directory claims."""

    most: int | None = MOST_DIRECTORY

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and self.most is not None and size > self.most:
            raise Refused(f"as a zip it has a directory of {size:,} bytes; expected a few thousand")
        return super().read(-1 if size is None else size) or b""


@contextmanager
def archive_at(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip, opened. Refused for one with too large a directory, or with bytes after its end."""
    with _Modest(path) as file, zipfile.ZipFile(file) as archive:
        file.most = None
        file.seek(-22 - len(archive.comment), io.SEEK_END)
        if file.read(4) != END:
            raise Refused("it has more bytes after the end of the zip; the file is damaged")
        yield archive


def begin_of(path: Path, member: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin, after a header of its own."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        header = file.read(30)
    if len(header) < 30 or header[:4] != ZIP:
        raise Refused(f"its member {member.filename[:80]!r} is not where the zip says; the file is damaged")
    return member.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:], "little")


def check_of(path: Path, at: int, member: zipfile.ZipInfo) -> Callable[[], None]:
    """A function that compares the member, which begins at `at`, with the zip's CRC-32, once."""

    @cache
    def check() -> None:
        found, left = 0, member.file_size
        with path.open("rb") as file:
            file.seek(at)
            while left:
                piece = file.read(min(left, 1 << 20))
                if not piece:
                    raise Refused("the file has become shorter while it was read")
                found, left = zlib.crc32(piece, found), left - len(piece)
        if found != member.CRC:
            raise Refused("a tensor does not agree with its checksum; the file is damaged, fetch it again")

    return check
