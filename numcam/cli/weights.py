"""numcam weights: what is published, what is here, what a file holds, fetching, converting and checking."""

import argparse
import sys
from functools import cache
from math import prod
from pathlib import Path

from tqdm import tqdm

from numcam.cli.common import add_classes, add_stated, classes_of, command, stated
from numcam.errors import InputError
from numcam.files import check_writable
from numcam.formats.checkpoint import shown
from numcam.formats.inspection import Contents, contents, verify
from numcam.formats.reading import convert
from numcam.loading import asked_of, bundled_weights, say
from numcam.models.chain import Described
from numcam.places import cache as cache_folder
from numcam.places import found, places
from numcam.published import PUBLISHED, digest_of, published

EXAMPLES = """  numcam weights list                        what can be had by name, and what is here already
  numcam weights info vgg16.pth              what a file holds
  numcam weights download vgg16-caffe        fetch, or go on fetching
  numcam weights convert model.keras my.h5 --classes names.txt
  numcam weights verify my.h5                every number and digest
  numcam weights where                       where numcam looks, in which order"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "weights", EXAMPLES)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    actions.add_parser("list", help="published weights, and where they are on this machine").set_defaults(run=show_list)
    actions.add_parser("where", help="the places where numcam looks for weights").set_defaults(run=show_places)
    one = actions.add_parser("download", help="fetch published weights into numcam's cache")
    one.add_argument("name", metavar="NAME", help="as numcam weights list gives it")
    one.set_defaults(run=download)
    for name, action, text in (
        ("info", show_info, "what a weights file holds"),
        ("verify", show_verified, "check every number, checksum and digest of a file"),
    ):
        one = actions.add_parser(name, help=text)
        one.add_argument("path", metavar="PATH", type=Path, help="a weights file of any format")
        add_stated(one)
        one.set_defaults(run=action)
    one = actions.add_parser("convert", help="write a weights file as numcam's own, which loads at once")
    one.add_argument("source", metavar="IN", type=Path, help="a weights file of any format")
    one.add_argument("target", metavar="OUT", type=Path, help="a name that ends in .h5")
    add_classes(one)
    add_stated(one)
    one.set_defaults(run=run_convert)


def show_list(_: argparse.Namespace) -> int:
    """The table of published weights."""
    print(f"{'name':18} {'size':>7}  {'here':20} {'what':0}")
    print(f"{'pocket':18} {bundled_weights().stat().st_size / 1e6:4.0f} MB  {'comes with numcam':20} ten drawn classes")
    for one in PUBLISHED.values():
        place = found(one)
        print(f"{one.name:18} {one.megabytes:4} MB  {place[0] if place else '-':20} {one.about}")
    return 0


def show_places(_: argparse.Namespace) -> int:
    """The places in order, for vgg16 as an example."""
    print("1. --weights PATH, or weights= in Python\n2. the file that NUMCAM_WEIGHTS names")
    print(f"3. numcam's cache (NUMCAM_CACHE): {cache_folder()}")
    print("4. what others have left, for example:")
    for name in ("vgg16", "vgg16-caffe"):
        for whose, path in list(places(published(name)))[2:]:
            print(f"   {whose}: {path}")
    print("5. a download into numcam's cache (NUMCAM_MIRROR: from another server; NUMCAM_OFFLINE=1: never)")
    return 0


def download(options: argparse.Namespace) -> int:
    """Fetch into the cache, if it is not there."""
    from numcam.download import fetch  # brings requests, which nothing else here needs

    print(fetch(published(options.name), say))
    return 0


def show_info(options: argparse.Namespace) -> int:
    """What is in a file, and what numcam takes it for."""
    held = contents(options.path, asked_of(**stated(options)))
    for name, tensor in held.tensors.items():
        print(f"  {shown(name, 120):44} {'x'.join(map(str, tensor[0])):>18}  {tensor[1]}")
    total = sum(prod(shape) for shape, _ in held.tensors.values())
    size = options.path.stat().st_size
    print(f"format         {held.format}, {size:,} bytes, {len(held.tensors)} tensors, {total:,} numbers")
    for line in _network_lines(held):
        print(line)
    print(f"known          {_known(options.path, size)}")
    return 0


def _network_lines(held: Contents) -> list[str]:
    if held.network is None:
        return [f"network        none that numcam can use: {held.problem}"]
    classes = (
        f"{len(held.network.classes):,} classes"
        if held.network.classes
        else "without a head: explains, cannot classify"
    )
    rows, cols = held.network.input_size
    lines = [
        f"network        {held.network.architecture}, {classes}, pictures of {rows}x{cols}",
        *(f"  {one.name:12} {_settings(one):44} {shown(one.source, 60)}".rstrip() for one in held.network.layers),
        f"family         {held.family}",
        f"preprocessing  {held.network.preprocessing}",
    ]
    if held.network.classes:
        lines.append(f"probabilities  {held.network.output}")
    return lines + [f"assumed        {one}" for one in held.network.assumed]


def _settings(layer: Described) -> str:
    """Its type, and the settings in brackets."""
    settings = ", ".join(f"{key}={value}" for key, value in layer.settings.items())
    return f"{layer.type}({settings})"


def _known(path: Path, size: int) -> str:
    digest = cache(lambda kind: digest_of(path, kind))  # of half a gigabyte
    for one in PUBLISHED.values():
        kind = "md5:" if one.digest.startswith("md5:") else "sha256:"
        if one.has_size(size) and one.agrees(digest(kind)):
            return f"yes, it is the published {one.name}, byte for byte"
    return f"no, it is none of the published files; {digest('sha256:')}"


def show_verified(options: argparse.Namespace) -> int:
    """Read all of a file and compare it with whatever it says of itself."""
    asked = asked_of(**stated(options))
    print(f"{options.path}: {verify(options.path, asked)}")
    for line in _network_lines(contents(options.path, asked)):
        print(f"  {line}")
    return 0


def run_convert(options: argparse.Namespace) -> int:
    """Convert, with a progress bar."""
    if options.target.suffix != ".h5":
        raise InputError(f"numcam's own weights files end in .h5; got {options.target}")
    check_writable(options.target)
    if options.target.exists() and options.target.samefile(options.source):
        raise InputError(f"{options.target} is the file to convert; choose another name")
    asked = asked_of(**stated(options))
    total = contents(options.source, asked).nbytes
    with tqdm(total=total, unit="B", unit_scale=True, desc="converting", file=sys.stderr) as bar:
        weights = convert(options.source, options.target, classes_of(options), bar.update, asked)
    size = options.target.stat().st_size
    print(f"wrote {options.target}: {weights.architecture}, {len(weights.classes):,} classes, {size:,} bytes")
    return 0
