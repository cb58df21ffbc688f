"""The file that a reader starts from: signatures, shapes, and a placeholder that the checker knows."""

import inspect
import re

from numcam.exercises.catalogue import PAGES, of_page
from numcam.exercises.exercise import Exercise

HEADER = '''"""Answers to page {page} of numcam's tutorial: {title}.

Replace every ... by your own code, and check with   numcam check {file}
"""

{imports}
'''


def stub_file(page: str, file: str) -> str:
    """The text of the stub file of a page, which will be called `file`."""
    exercises = of_page(page)
    number = page.zfill(2)
    stubs = "".join(f"\n\n{stub(e)}" for e in exercises)
    imports = "import numpy as np  # noqa: F401" + ("\n\nimport numcam  # noqa: F401" if number >= "09" else "")
    return HEADER.format(page=number, title=PAGES[number], file=file, imports=imports) + stubs


def stub(exercise: Exercise) -> str:
    """One function: its signature without annotations, its docstring, and `...` for each thing it returns."""
    names = exercise.returns
    doc = exercise.doc.replace("\n", "\n    ").replace("\n    \n", "\n\n")
    end = "\n    " if "\n" in exercise.doc else ""
    body = "".join(f"    {name} = ...\n" for name in names)
    return f'def {exercise.name}{parameters(exercise)}:\n    """{doc}{end}"""\n{body}    return {", ".join(names)}\n'


def parameters(exercise: Exercise) -> str:
    """The parameters as a reader writes them, "(x, w, b, stride=(1, 1))"."""
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in exercise.signature.parameters.values()]
    return re.sub(r"\s+", " ", str(inspect.Signature(bare)))
