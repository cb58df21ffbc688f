"""pooch's downloader, for lines that are cut: it asks for the rest, and waits where the server is busy."""

import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import urllib3
from tqdm import tqdm

from numcam.errors import InputError
from numcam.places import by_hand
from numcam.published import Published, digest_of

PIECE = 1 << 16
"""Bytes received together; a cut line loses what is not a whole piece."""

AGAIN = {408, 425, 429, 500, 502, 503, 504}
"""Answers that may be better next time."""


NEVER = (
    requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema,
    requests.TooManyRedirects,
)  # fmt: skip
"""What does not get better by waiting."""


UNREADABLE = (ValueError, urllib3.exceptions.HTTPError)
"""What requests lets through, such as a redirect to no address at all."""


@dataclass(frozen=True)
class Patience:
    """How long to wait: seconds for a connection and for the next bytes, attempts without progress, pause between."""

    connect: float = 10
    read: float = 30
    attempts: int = 4
    pause: float = 1
    longest_pause: float = 60


PATIENCE = Patience()


class Resuming:
    """pooch's downloader(url, output_file, pooch), which asks for the rest of what is in `part` already."""

    def __init__(self, one: Published, part: Path, patience: Patience) -> None:
        self.one, self.part, self.patience = one, part, patience

    def __call__(self, url: str, output: Any, _: Any, check_only: bool = False) -> None:
        began = self.have()
        self.complete(url)
        if began and not self.is_good():  # what an earlier run has left may be damaged
            tqdm.write(f"{self.one.file}: what was here does not fit the rest; beginning again", file=sys.stderr)
            self.part.unlink()
            self.complete(url)
        self.check(url)
        self.part.replace(output)

    def complete(self, url: str) -> None:
        """Fetch what is missing, with as many attempts as patience allows. InputError if it does not come."""
        failures = 0
        while True:
            before = self.have()
            try:
                pause = self.attempt(url)
            except requests.RequestException as error:
                if isinstance(error, NEVER):
                    raise
                pause, reason = self.patience.pause, f"the connection failed ({type(error).__name__})"
            except UNREADABLE as error:
                if isinstance(error, InputError):
                    raise
                raise InputError(f"{url}: the server's answer cannot be read ({str(error)[:80]})") from None
            else:
                if pause is None:
                    return
                reason = "the server is busy or stopped early"
            failures = 0 if self.have() > before else failures + 1
            if failures >= self.patience.attempts:
                kept = "what came is kept and the next try goes on from there" if self.have() else "nothing came"
                if not self.have():
                    self.part.unlink(missing_ok=True)
                raise InputError(f"{url}: {reason}, {failures} times; {kept}; or {by_hand(self.one)}")
            tqdm.write(f"{self.one.file}: {reason}; trying again", file=sys.stderr)
            time.sleep(min(pause * 2 ** max(0, failures - 1), self.patience.longest_pause))

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
            length = _number(response.headers.get("Content-Length", ""))
            total = None if length is None else start + length
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

    def is_good(self) -> bool:
        """Whether the part has the published size and digest."""
        return self.one.size in (None, self.have()) and self.one.agrees(digest_of(self.part, self.one.digest))

    def check(self, url: str) -> None:
        """The whole part has the published size and digest, or it goes."""
        if self.is_good():
            return
        size, digest = self.have(), digest_of(self.part, self.one.digest)
        self.part.unlink()
        raise InputError(
            f"{url}: {size:,} bytes came with {digest}; the published file has {self.one.digest}: "
            f"it is another file; {by_hand(self.one)}"
        )


def _starts_at(response: requests.Response) -> int:
    """Where a partial answer begins, from "Content-Range: bytes 100-199/200"."""
    begin = _number(response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0])
    return -1 if begin is None else begin


def _retry_after(response: requests.Response, otherwise: float) -> float:
    given = _number(response.headers.get("Retry-After", ""))
    return otherwise if given is None else given


def _number(text: str) -> int | None:
    """A header's number; None for anything else that a server may send."""
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text.strip()) else None
