"""numcam exercises: which functions the tutorial asks for, and a file to start from."""

import argparse
from pathlib import Path

from numcam.cli.common import command, place
from numcam.errors import InputError
from numcam.exercises.catalogue import EXERCISES, PAGES, chosen, of_page
from numcam.exercises.stubs import parameters, stub_file
from numcam.files import check_writable, replacing

EXAMPLES = """  numcam exercises list                what every page asks for
  numcam exercises new 06              write answers06.py, to be filled in
  numcam exercises mistakes 06         the wrong versions that numcam check knows by name
  numcam check answers06.py"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "exercises", EXAMPLES)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    actions.add_parser("list", help="the functions of every page").set_defaults(run=show_list)
    new = actions.add_parser("new", help="write the file of a page, its functions still empty")
    new.add_argument("page", metavar="PAGE", help="the number of a page, such as 06")
    new.add_argument("-o", "--output", metavar="FILE", type=place, help="its name (answers06.py)")
    new.set_defaults(run=write)
    mistakes = actions.add_parser("mistakes", help="the wrong versions that are known")
    mistakes.add_argument("names", nargs="*", metavar="NAME|PAGE", help="functions or pages (all)")
    mistakes.set_defaults(run=show_mistakes)


def show_list(_: argparse.Namespace) -> int:
    """Every page with its functions."""
    for page, title in PAGES.items():
        print(f"{page}  {title}")
        for exercise in of_page(page):
            print(f"      {exercise.name}{parameters(exercise)} -> {', '.join(exercise.returns)}")
    return 0


def write(options: argparse.Namespace) -> int:
    """Write the stub; a file that is there already, with somebody's answers, is never overwritten."""
    of_page(options.page)
    path = options.output or Path(f"answers{options.page.zfill(2)}.py")
    if path.suffix != ".py":
        raise InputError(f"answers are a Python file; give a name that ends in .py, not {path}")
    if path.exists():
        raise InputError(f"{path} is there already, perhaps with answers in it; choose another name with -o")
    check_writable(path)
    with replacing(path) as part:
        part.write_text(stub_file(options.page, str(path)), encoding="utf-8")
    names = ", ".join(e.name for e in of_page(options.page))
    print(f"wrote {path}: {names}\nreplace every ... and run: numcam check {path}")
    return 0


def show_mistakes(options: argparse.Namespace) -> int:
    """Every wrong version with its sentence."""
    names = chosen(options.names) or list(EXERCISES)
    for name in names:
        print(f"{name}, page {EXERCISES[name].page}")
        for mistake in EXERCISES[name].mistakes.values():
            published = f" [{mistake.published}]" if mistake.published else ""
            print(f"  {mistake.name}: {mistake.about}{published}")
    total = sum(len(EXERCISES[name].mistakes) for name in names)
    print(f"{total} wrong versions of {len(names)} functions")
    return 0
