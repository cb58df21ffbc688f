"""numcam bench: how fast it is here, and PyTorch beside it."""

import argparse
import platform
import tempfile
from collections.abc import Container, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from numcam.bench.children import children
from numcam.bench.jobs import JOBS
from numcam.bench.report import HEAD, LEGEND, growth, rows
from numcam.bench.timing import sgemm_peak
from numcam.cli.common import command
from numcam.errors import InputError, did_you_mean
from numcam.models.labels import number
from numcam.nn.fast.team import processors

EXAMPLES = """  numcam bench                                      the two engines, on this machine
  numcam bench --against torch                      and PyTorch, as people write it and at its best
  numcam bench --against torch onnxruntime          and ONNX Runtime, where a job needs no gradient
  numcam bench --model pocket --batch 1 --runs 9    less of it, more exactly
  numcam bench --model vgg16 --errors 50            float32 against float64, in a few minutes"""
MODELS = ("vgg16", "pocket")
OTHERS = {"torch": "torch", "onnxruntime": "onnxruntime onnx"}
"""Who can be measured beside numcam, and the packages that it takes."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "bench", EXAMPLES)
    parser.add_argument(
        "--against",
        choices=list(OTHERS),
        nargs="+",
        action="extend",
        default=[],
        help="measure these beside it, in the same run",
    )
    parser.add_argument("--model", help=f"{' or '.join(MODELS)} (both)")
    parser.add_argument("--batch", default="1,8,32", metavar="N,N", help="pictures at a time (%(default)s)")
    parser.add_argument("--job", metavar="JOB", help=f"{', '.join(JOBS)} (all)")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="undisturbed runs of each (%(default)s)")
    parser.add_argument("--no-processes", action="store_true", help="leave out memory and cold starts")
    parser.add_argument(
        "--errors", type=int, metavar="N", help="instead: how exact float32 is on N pictures, here and in PyTorch"
    )
    parser.set_defaults(run=bench)


def bench(options: argparse.Namespace) -> int:
    """Print the table row by row, then growth, memory and cold starts."""
    models = list(MODELS) if options.model is None else [options.model]
    jobs = list(JOBS) if options.job is None else [_job(options.job)]
    batches = _batches(options.batch)
    if models[0] not in MODELS:
        raise InputError(f"bench knows {' and '.join(MODELS)}, not {options.model!r}")
    if not 1 <= options.runs <= 1000:
        raise InputError(f"--runs is a count of at least 1 and at most 1000; got {options.runs}")
    for other in options.against:
        if not all(find_spec(package) for package in OTHERS[other].split()):
            raise InputError(f"{other} is not installed; leave it out, or run python -m pip install {OTHERS[other]}")
    torch = "torch" in options.against
    if options.errors is not None:
        return _errors(models, options.errors)
    peak = sgemm_peak()
    print(
        ", ".join(
            [platform.machine(), f"{processors()} threads", f"NumPy {np.__version__}", *_versions(options.against)]
        )
    )
    print(f"NumPy's product of two 2048x2048 float32 matrices: {peak / 1e9:.0f} GFLOP/s\n\n{LEGEND}\n\n{HEAD}")
    for row in rows(models, batches, jobs, options.against, options.runs):
        print(row.line(peak), flush=True)
    print("\ngrowth of the fast forward pass")
    for model in models:
        for line in growth(model, (112, 224, 448), batches, options.runs):
            print(line, flush=True)
    if "vgg16" in models and not options.no_processes:
        for line in _processes(torch):
            print(line, flush=True)
    return 0


def _errors(models: list[str], count: int) -> int:
    if not 1 <= count <= 10_000:
        raise InputError(f"--errors is a count of pictures, from 1 to 10,000; got {count}")
    if not find_spec("torch"):
        raise InputError("--errors compares with PyTorch in float64; run python -m pip install torch")
    from numcam.bench.errors import errors

    for model in models:
        for line in errors(model, count):
            print(line, flush=True)
    return 0


def _processes(torch: bool) -> Iterator[str]:
    """Cold starts and peak memory of VGG16."""
    yield "\na process with VGG16 and one photo, weights mapped from files that are in the page cache"
    yield f"{'':8} {'Grad-CAM, start to end':>24} {'peak memory':>12} {'input gradient, peak memory':>28}"
    with tempfile.TemporaryDirectory() as folder:
        found = children(Path(folder), torch)
    for who, child in found.items():
        sizes = [child.memory.get(job, float("nan")) for job in ("Grad-CAM", "gradient")]
        yield f"{who:8} {child.median:22.2f} s {sizes[0]:9.0f} MB {sizes[1]:25.0f} MB"
    if torch:
        ours, theirs = found["numcam"], found["PyTorch"]
        shares = [ours.memory.get(job, float("nan")) / theirs.memory.get(job, 1) for job in ("Grad-CAM", "gradient")]
        yield f"{'ratio':8} {ours.median / theirs.median:24.2f} {shares[0]:12.2f} {shares[1]:28.2f}"


def _job(given: str) -> str:
    found = [job for job in JOBS if job.lower().startswith(given.lower().replace("_", " "))]
    if len(found) != 1:
        raise InputError(f"no job {given!r}; {did_you_mean(given, JOBS)}")
    return found[0]


def _batches(given: str) -> list[int]:
    counts = [number(part) for part in given.split(",")]
    if not all(count is not None and 1 <= count <= 256 for count in counts):
        raise InputError(f"--batch takes counts from 1 to 256, as in 1,8,32; got {given[:40]!r}")
    return [count for count in counts if count]


def _versions(against: Container[str]) -> Iterator[str]:
    if "torch" in against:
        import torch

        yield f"PyTorch {torch.__version__} with {torch.get_num_threads()} threads"
    if "onnxruntime" in against:
        import onnxruntime

        yield f"ONNX Runtime {onnxruntime.__version__}"
