"""numcam bench: how fast it is here, and PyTorch beside it."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from tqdm import tqdm

from numcam.bench.children import children
from numcam.bench.jobs import JOBS
from numcam.bench.machine import machine, told
from numcam.bench.report import HEAD, LEGEND, Plan, growth, rows
from numcam.bench.timing import QUIET, STAT, sgemm_peak
from numcam.bench.tune import tuned
from numcam.cli.common import command
from numcam.errors import InputError, did_you_mean
from numcam.files import check_writable, replacing
from numcam.models.labels import number

EXAMPLES = """  numcam bench                                      the fast engine, on this machine
  numcam bench --against torch                      and PyTorch at its best, in a few minutes
  numcam bench --against torch onnxruntime          and ONNX Runtime, where a job needs no gradient
  numcam bench --against torch --thorough           everything: the plain engine, PyTorch as people write it, growth
  numcam bench --model pocket --batch 1 --runs 9    less of it, more exactly
  numcam bench --against torch --json bench.json    for a program
  numcam bench --tune                               how products are best laid out here
  numcam bench --model vgg16 --errors 50            float32 against float64, in a few minutes"""
MODELS = ("vgg16", "pocket")
BATCHES = {"vgg16": (1, 8), "pocket": (1, 32)}
OTHERS = {"torch": "torch", "onnxruntime": "onnxruntime onnx"}
"""Who can be measured beside numcam, and the packages that it takes."""

BUDGET, LONG = 12.0, 60.0
"""Seconds for a row, after which only the round that has begun is finished."""


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
    parser.add_argument("--batch", metavar="N,N", help="pictures at a time (1,8 for vgg16 and 1,32 for pocket)")
    parser.add_argument("--job", metavar="JOB", help=f"{', '.join(JOBS)} (all that take seconds)")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="undisturbed runs of each (%(default)s)")
    parser.add_argument("--thorough", action="store_true", help="every job, engine and batch, with time for all runs")
    parser.add_argument("--no-processes", action="store_true", help="leave out memory and cold starts")
    parser.add_argument("--json", metavar="FILE", help="write everything there as well, also if it is stopped")
    parser.add_argument("--tune", action="store_true", help="instead: which way of laying out products is best here")
    parser.add_argument(
        "--errors", type=int, metavar="N", help="instead: how exact float32 is on N pictures, here and in PyTorch"
    )
    parser.set_defaults(run=bench)


def bench(options: argparse.Namespace) -> int:
    """Print memory and cold starts, then the table row by row."""
    models = list(MODELS) if options.model is None else [options.model]
    if models[0] not in MODELS:
        raise InputError(f"bench knows {' and '.join(MODELS)}, not {options.model!r}")
    plan = _plan(options, models)
    for other in options.against:
        if not all(find_spec(package) for package in OTHERS[other].split()):
            raise InputError(f"{other} is not installed; leave it out, or run python -m pip install {OTHERS[other]}")
    if options.json:
        check_writable(Path(options.json))
    if options.errors is not None:
        return _errors(models, options.errors)
    found: dict[str, object] = {"machine": machine(options.against), "complete": False}
    try:
        if options.tune:
            return _printed(tuned(options.runs, plan.budget))
        _measure(options, models, plan, found)
        found["complete"] = True
        return 0
    except KeyboardInterrupt:
        print("\nstopped: what is above was measured, the rest was not")
        return 130
    finally:
        if options.json and not options.tune:
            with replacing(Path(options.json)) as part:
                part.write_text(json.dumps(found, indent=2) + "\n")


def _plan(options: argparse.Namespace, models: list[str]) -> Plan:
    if not 1 <= options.runs <= 1000:
        raise InputError(f"--runs is a count of at least 1 and at most 1000; got {options.runs}")
    job = None if options.job is None else _job(options.job)
    batches: dict[str, tuple[int, ...]] = dict.fromkeys(MODELS, (1, 8, 32)) if options.thorough else dict(BATCHES)
    if options.batch is not None:
        batches = dict.fromkeys(MODELS, _batches(options.batch))
    everything = options.thorough or options.batch is not None
    asked = [(model, batch, name) for model in models for batch in batches[model] for name in JOBS]
    wanted = [row for row in asked if (row[2] == job if job else _worth_it(*row, everything))]
    return Plan(wanted, options.against, options.thorough, options.runs, LONG if options.thorough else BUDGET)


def _worth_it(model: str, batch: int, job: str, everything: bool) -> bool:
    """What takes minutes is left out: VGG16's training step, and its ways back for many pictures."""
    if model == "pocket" or (job != "training step" and (everything or batch == 1)):
        return True
    return job in JOBS[:2] or (everything and batch == 1)  # a step of many: half a minute and 10 GB


def _measure(options: argparse.Namespace, models: list[str], plan: Plan, found: dict[str, object]) -> None:
    print(told(machine(options.against)), flush=True)
    peak, busy = sgemm_peak()
    found |= {"peak GFLOP/s": peak / 1e9, "processors kept busy by others": busy if STAT.exists() else None}
    print(f"NumPy's product of two 2048x2048 float32 matrices: {peak / 1e9:.0f} GFLOP/s\n{_quiet(busy)}", flush=True)
    if "vgg16" in models and not options.no_processes and options.job is None:  # before this process has grown itself
        _printed(_processes("torch" in options.against, 5 if options.thorough else 3, found))
    print(f"{LEGEND}\n\n{HEAD}", flush=True)
    lines: list[dict[str, object]] = []
    found["rows"] = lines
    with tqdm(total=len(plan.rows), unit="row", disable=None, leave=False) as bar:
        for row in rows(plan):
            tqdm.write(row.line(peak), file=sys.stdout)
            sys.stdout.flush()
            lines.append(row.as_json(peak))
            bar.update()
    disturbed = sum(bool(line["busy"]) for line in lines)
    if disturbed:
        print(f"\n{disturbed} of {len(lines)} rows were disturbed by other programs: measure again when they are done.")
    if options.thorough:
        print("\ngrowth of the fast forward pass")
        for model in models:
            _printed(growth(model, (112, 224, 448), (1, 8, 32), options.runs))


def _quiet(busy: float) -> str:
    """Whether figures that are measured now will mean anything."""
    if not STAT.exists():
        return "Whether other programs are busy is not known on this system: see that they are not.\n"
    if busy > QUIET:
        return f"Other programs keep {busy:.1f} processors busy: figures mean little before they are done.\n"
    return ""


def _printed(lines: Iterator[str]) -> int:
    for line in lines:
        print(line, flush=True)
    return 0


def _errors(models: list[str], count: int) -> int:
    if not 1 <= count <= 10_000:
        raise InputError(f"--errors is a count of pictures, from 1 to 10,000; got {count}")
    if not find_spec("torch"):
        raise InputError("--errors compares with PyTorch in float64; run python -m pip install torch")
    from numcam.bench.errors import errors

    for model in models:
        _printed(errors(model, count))
    return 0


def _processes(torch: bool, runs: int, into: dict[str, object]) -> Iterator[str]:
    """Cold starts and peak memory of VGG16."""
    yield "a process with VGG16 and one photo, weights mapped from files that are in the page cache"
    yield f"{'':8} {'Grad-CAM, start to end':>24} {'peak memory':>12} {'input gradient, peak memory':>28}"
    with tempfile.TemporaryDirectory() as folder:
        found = children(Path(folder), torch, runs)
    into["processes"] = {who: {"seconds": child.times, "megabytes": child.memory} for who, child in found.items()}
    for who, child in found.items():
        sizes = [child.memory.get(job, float("nan")) for job in ("Grad-CAM", "gradient")]
        yield f"{who:8} {child.median:22.2f} s {sizes[0]:9.0f} MB {sizes[1]:25.0f} MB"
    if torch:
        ours, theirs = found["numcam"], found["PyTorch"]
        shares = [ours.memory.get(job, float("nan")) / theirs.memory.get(job, 1) for job in ("Grad-CAM", "gradient")]
        yield f"{'ratio':8} {ours.median / theirs.median:24.2f} {shares[0]:12.2f} {shares[1]:28.2f}"
    yield ""


def _job(given: str) -> str:
    found = [job for job in JOBS if job.lower().startswith(given.lower().replace("_", " "))]
    if len(found) != 1:
        raise InputError(f"no job {given!r}; {did_you_mean(given, JOBS)}")
    return found[0]


def _batches(given: str) -> tuple[int, ...]:
    counts = [number(part) for part in given.split(",")]
    if not all(count is not None and 1 <= count <= 256 for count in counts):
        raise InputError(f"--batch takes counts from 1 to 256, as in 1,8,32; got {given[:40]!r}")
    return tuple(count for count in counts if count)
