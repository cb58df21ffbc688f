"""The sheets to print hold what the script draws, and the answers to the graphs are right."""

import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from worksheets.make_worksheets import GRAPHS, SHEETS, write

from numcam.nn.gradcheck import numerical_gradient

COMMITTED = Path(__file__).parents[2] / "tutorials" / "worksheets"


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.title.split()[0])
def test_the_red_numbers_of_a_graph_are_its_slopes(graph):
    names, last = list(graph.inputs), list(graph.steps)[-1]
    at = np.array(list(graph.inputs.values()), float)
    slopes = numerical_gradient(lambda v: graph.forward(dict(zip(names, v, strict=True)))[last], at)
    assert [graph.backward()[name] for name in names] == pytest.approx(list(slopes), abs=1e-8)


def test_the_committed_sheets_are_those_of_the_script(tmp_path):
    for path in write(tmp_path):
        committed = (COMMITTED / path.name).read_bytes()
        assert len(re.findall(rb"/Type /Page\b", committed)) == 2
        if f"backend v{matplotlib.__version__}".encode() in committed:  # other releases write other bytes
            assert path.read_bytes() == committed
    assert {path.stem for path in COMMITTED.glob("*.pdf")} == set(SHEETS)
