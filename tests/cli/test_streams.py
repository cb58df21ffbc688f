"""Whatever becomes of the standard streams (a reader that leaves, a full disk, none at all), the answer is clean."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "numcam"]
WHOLE = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
"""The environment in which Python keeps what is printed until it ends, as it does for everyone."""


@pytest.mark.parametrize("arguments", [["exercises", "list"], ["--version"], ["weights", "--help"]], ids=" ".join)
def test_a_reader_that_leaves_before_the_end_gets_no_complaint(arguments):
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=WHOLE)
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), said) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [["exercises", "list"], ["--version"]], ids=" ".join)
def test_a_full_disk_is_one_sentence_also_where_nothing_was_written_until_the_end(arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, env=WHOLE)
    assert (done.returncode, done.stderr) == (2, "numcam: cannot write the output: No space left on device\n")


@pytest.mark.skipif(os.name == "nt", reason="streams are closed by a POSIX shell")
def test_closed_streams_stop_neither_progress_bars_nor_results(tmp_path):
    line = 'exec "$0" -m numcam evaluate --measures table1 --methods random --scenes 2 >&- 2>&-'
    done = subprocess.run(["sh", "-c", line, sys.executable], cwd=tmp_path, env=WHOLE)
    assert done.returncode == 0
    assert (tmp_path / "evaluation" / "table1.md").is_file()
