"""numcam tutorials: the pages as notebooks."""

import argparse
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

from numcam.cli.common import command, place
from numcam.errors import InputError
from numcam.files import check_writable, replacing

EXAMPLES = """  numcam tutorials list                     the pages, and where they are
  numcam tutorials notebooks                a notebook of every page, into the folder notebooks
  numcam tutorials notebooks -o lesson 04 06"""

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "tutorials", EXAMPLES)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    actions.add_parser("list", help="the pages, and where they are").set_defaults(run=show_list)
    one = actions.add_parser("notebooks", help="build a Jupyter notebook from every page")
    one.add_argument("pages", nargs="*", metavar="NN", help="numbers of pages (default: all)")
    one.add_argument(
        "-o", "--out", type=place, default=Path("notebooks"), metavar="FOLDER", help="where to (%(default)s)"
    )
    one.set_defaults(run=notebooks)


def show_list(_: argparse.Namespace) -> int:
    """The pages by number and title."""
    for page in pages():
        print(f"{page.read_text(encoding='utf-8').splitlines()[0].lstrip('# ')}\n     {page}")
    return 0


def notebooks(options: argparse.Namespace) -> int:
    """Write a notebook for each page, and beside them the figures that they show."""
    every = {page.name[:2]: page for page in pages()}
    for number in options.pages:
        if not number or number.zfill(2) not in every:
            raise InputError(f"there is no page {number or repr(number)}; numcam tutorials list names them")
    numbers = {number.zfill(2) for number in options.pages} or set(every)
    chosen = [page for number, page in every.items() if number in numbers]
    if options.out.resolve() == chosen[0].parent:
        raise InputError(f"{options.out} holds the pages themselves; choose another folder with -o")
    jupytext = _jupytext()
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {options.out}: {error.strerror}; choose another with -o") from None
    for page in chosen:
        path = options.out / f"{page.stem}.ipynb"
        check_writable(path)
        with replacing(path) as part:
            part.write_text(jupytext.writes(notebook(page, jupytext), fmt="ipynb"), encoding="utf-8")
        print(f"wrote {path}")
    for folder in ("figures", "worksheets"):
        if (source := page.parent / folder).is_dir():
            shutil.copytree(
                source, options.out / folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__*")
            )
    return 0


def notebook(page: Path, jupytext: Any) -> Any:
    """The page as a notebook: its python blocks are the cells that run, all else is text."""
    made = jupytext.read(page)
    made.metadata["kernelspec"] = KERNEL
    return made


def pages() -> list[Path]:
    """The tutorials of this checkout in order; InputError for numcam installed without its source."""
    folder = Path(str(files("numcam"))).parent / "tutorials"
    found = sorted(folder.glob("[0-9][0-9]-*.md"))
    if not found:
        raise InputError(f"the tutorials come with numcam's source, and {folder} does not hold them; use a checkout")
    return found


def _jupytext() -> Any:
    try:
        import jupytext
    except ImportError:
        raise InputError('notebooks need jupytext: python -m pip install -e ".[notebooks]"') from None
    return jupytext
