"""Boards show the numbers they are given, at the places they are given."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch, Rectangle

from numcam.figures.board import BACKWARD, FORWARD, MARKED, board, circle, edge, grid, say


def texts(axes):
    return {text.get_text(): text.get_position() for text in axes.texts}


def test_a_grid_shows_each_number_in_its_cell_and_leaves_nan_empty():
    _, axes = board(6, 8)
    grid(axes, np.array([[1.0, -2.5, np.nan], [40, 5, 6]]), (2, 3), "x")
    at = texts(axes)
    assert set(at) == {"1", "-2.5", "40", "5", "6", "x"}
    assert at["1"] == (3.5, 2.5)  # x runs over columns, y over rows
    assert at["40"] == (3.5, 3.5)
    assert at["6"] == (5.5, 3.5)


def test_marked_cells_are_told_by_colour_and_by_bold_numbers():
    _, axes = board(6, 8)
    grid(axes, np.array([[1, 2], [3, 4]]), (1, 1), marked=[(1, 0)])
    filled = [p.get_xy() for p in axes.patches if isinstance(p, Rectangle) and to_hex(p.get_facecolor()) == MARKED]
    assert filled == [(1, 2)]
    assert [t.get_text() for t in axes.texts if t.get_fontweight() == "bold"] == ["3"]


def test_an_edge_leads_there_in_black_and_back_in_red_with_its_slope_beside_it():
    _, axes = board(6, 8)
    circle(axes, "a", (1, 1))
    circle(axes, "b", (1, 7))
    edge(axes, (1, 1), (1, 7), "· 3")
    arrows = [p for p in axes.patches if isinstance(p, FancyArrowPatch)]
    assert [to_hex(a.get_edgecolor()) for a in arrows] == [to_hex(FORWARD), to_hex(BACKWARD)]
    ends = [a._posA_posB for a in arrows]  # (x, y) each
    assert ends[0][0][0] < ends[0][1][0]
    assert ends[1][0][0] > ends[1][1][0]
    assert ends[1][0][1] > ends[0][0][1]  # the way back runs below
    assert texts(axes)["· 3"][0] == pytest.approx(4)


def test_a_board_is_as_large_as_its_cells_and_counts_rows_from_the_top():
    figure, axes = board(6, 8, dpi=100)
    assert figure.get_size_inches().tolist() == [4, 3]
    assert axes.get_ylim() == (6, 0)
    say(axes, "low", (5, 1))
    assert texts(axes)["low"] == (1, 5)
