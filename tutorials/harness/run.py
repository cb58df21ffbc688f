"""Runs one page in a process and a folder of its own: python -m harness.run PAGE RESULTS, and RESULTS is JSON."""

import contextlib
import io
import json
import linecache
import shlex
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from harness.page import Block, read


def run(path: Path) -> list[dict[str, Any]]:
    """Every block in order, in the current folder: what it printed, the pictures it wrote, its error, its seconds."""
    results: list[dict[str, Any]] = []
    space: dict[str, Any] = {"__name__": "__main__"}
    for block in read(path).blocks:
        before, start = stamps(), time.perf_counter()
        printed, error, where = command(block.code) if block.kind == "console" else python(block, space, path)
        written = sorted(name for name, stamp in stamps().items() if before.get(name) != stamp)
        seconds = time.perf_counter() - start
        results.append({"printed": printed, "error": error, "where": where, "written": written, "seconds": seconds})
        if error and not block.raises:
            break
    return results


def stamps() -> dict[str, int]:
    """The pictures in the current folder, and when they were written."""
    return {path.as_posix(): path.stat().st_mtime_ns for path in Path().rglob("*.png")}


def python(block: Block, space: dict[str, Any], path: Path) -> tuple[str, str, str]:
    """Run code in `space`: what it printed, the last lines of its error, and the whole traceback."""
    name = f"<{path.name}:{block.line}>"
    linecache.cache[name] = len(block.code), None, block.code.splitlines(True), name
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(block.code, name, "exec"), space)
    except Exception as error:
        return out.getvalue(), "".join(traceback.format_exception_only(error)).strip(), traceback.format_exc()
    return out.getvalue(), "", ""


def command(line: str) -> tuple[str, str, str]:
    """Run a command of Python or numcam, whatever the shell: what it printed, on both streams, and its error."""
    words = shlex.split(line)
    programs = {"python": [sys.executable], "numcam": [sys.executable, "-m", "numcam"]}
    if words[0] not in programs:
        return "", f"a console block runs python and numcam, not {words[0]}", ""
    done = subprocess.run([*programs[words[0]], *words[1:]], capture_output=True, text=True, encoding="utf-8")
    if done.returncode not in (0, 1, 2) or "Traceback" in done.stderr:
        return done.stdout, f"exit code {done.returncode}", done.stderr
    return done.stdout + done.stderr, "", ""


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(run(Path(sys.argv[1]))), encoding="utf-8")
