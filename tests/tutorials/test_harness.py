"""What checks the tutorials is checked: right pages pass, and every kind of stale page fails and says why."""

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from harness.compare import difference
from harness.links import anchors, broken
from harness.pictures import CLOSE, ROUGH, tolerance, unlike
from PIL import Image

from numcam.figures.board import board, grid

TUTORIALS = Path(__file__).parents[2] / "tutorials"

RIGHT = """# A right page

```python
import numpy as np
print(np.array([[1.0, 2.5], [-3.0, 138357544]]).astype(int))
total = 1 / 3
```

```text
[[        1         2]
 [       -3 138357544]]
```

Prose with a [link](01-other.md#a-heading--more), and `code [with](no-link.md)`.

```python tags=["raises-exception"]
print(f"{total:.3f}")
total + "1"
```

```text
0.333
TypeError: unsupported operand type(s) for +: 'float' and 'str'
```

```py
import a_package_that_nobody_has
```

```console
$ python -c "print(40 + 2)"
42
$ numcam explain no-such-picture.png
numcam: no-such-picture.png does not exist; give a picture file (PNG, JPEG, WebP, GIF, BMP or TIFF)
```

```python
from PIL import Image
Image.new("RGB", (64, 64), (200, 30, 30)).save("00-red.png")
```

![A red square](figures/00-red.png)
"""

WRONG = {
    "a stale number": ("line 4", "```python\nprint(0.1235)\n```\n\n```text\n0.1230\n```", "line 1 of the output"),
    "a stale count": ("line 4", "```python\nprint(138357545)\n```\n\n```text\n138357544\n```", "138357545"),
    "a stale word": ("line 4", "```python\nprint('dog')\n```\n\n```text\ncat\n```", "the code prints dog"),
    "output that is not shown": ("line 4", "```python\nprint(1)\n```\n\nText.", "shows 0 lines"),
    "output that never comes": ("line 4", "```python\na = 1\n```\n\n```text\n1\n```", "the code prints 0"),
    "an error nobody expected": ("line 4", "```python\n1 / 0\n```", "ZeroDivisionError"),
    "an error that does not come": ("line 4", '```python tags=["raises-exception"]\n1\n```', "there is none"),
    "another error": (
        "line 4",
        '```python tags=["raises-exception"]\n1 / 0\n```\n```text\nKeyError: 3\n```',
        "division by zero",
    ),
    "a warning": ("line 4", "```python\nimport warnings\nwarnings.warn('old')\n```", "UserWarning: old"),
    "a stale command": ("line 4", "```console\n$ python -c 'print(2)'\n3\n```", "the code prints 2"),
    "a broken link": ("links", "[there](nowhere.md)", "nowhere.md does not exist"),
    "a broken anchor": ("links", "[there](01-other.md#nowhere)", "no heading #nowhere"),
    "a broken anchor of its own": ("links", "[there](#nowhere)", "no heading #nowhere"),
    "a stale figure": (
        "02-red.png",
        "```python\nfrom PIL import Image\nImage.new('RGB', (64, 64), (30, 30, 200)).save('02-red.png')\n```\n\n"
        "![A square](figures/02-red.png)",
        "is stale",
    ),
    "a figure that nothing writes": (
        "02-red.png",
        "```python\na = 1\n```\n![A square](figures/02-red.png)",
        "not written",
    ),
    "a figure without words": ("02-red.png", "![](figures/02-red.png)", "no alt text"),
    "a block that ends the process": ("line 4", "```python\nimport os\nos._exit(3)\n```", "could not be run"),
    "a page that is too long": ("length and time", "word\n" * 200, "one idea a page"),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Runs all of the pages once: (page's name, check's name) -> the failure's text, None where it passed."""
    folder = tmp_path_factory.mktemp("checkout") / "tutorials"
    shutil.copytree(TUTORIALS / "harness", folder / "harness")
    shutil.copy(TUTORIALS / "conftest.py", folder)
    (folder / "figures").mkdir()
    for number in ("00", "02"):
        Image.new("RGB", (64, 64), (200, 30, 30)).save(folder / "figures" / f"{number}-red.png")
    (folder / "00-right.md").write_text(RIGHT)
    (folder / "01-other.md").write_text("# Other\n\n## A heading & more\n\nText.\n")
    for i, (_, text, _) in enumerate(WRONG.values()):
        (folder / f"02-wrong-{i}.md").write_text(f"# A wrong page\n\n{text}\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    command = [sys.executable, "-m", "pytest", "-q", "--junitxml=report.xml", "-c", "pytest.ini", str(folder)]
    (folder.parent / "pytest.ini").write_text("[pytest]\n")
    subprocess.run(command, cwd=folder.parent, env=environment, capture_output=True)
    found = {}
    for case in ET.parse(folder.parent / "report.xml").iter("testcase"):
        failure = case.find("failure")
        found[case.get("classname").split(".")[-2], case.get("name")] = None if failure is None else failure.text
    return found


def test_a_page_that_shows_what_happens_passes(outcomes):
    of_page = {name: text for (page, name), text in outcomes.items() if page == "00-right"}
    assert [*of_page] == [
        "line 4",
        "line 17",
        "line 31",
        "line 33",
        "line 38",
        "00-red.png",
        "length and time",
        "links",
    ]
    assert not any(of_page.values()), of_page


@pytest.mark.parametrize("fault", WRONG)
def test_a_page_fails_for(fault, outcomes):
    check, _, words = WRONG[fault]
    text = outcomes[f"02-wrong-{[*WRONG].index(fault)}", check]
    assert text is not None
    assert words in text


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("0.3333", "0.33335"),  # half a unit in the last place
        ("0.33", "0.334"),
        ("1234.5", "1234.9"),  # a thousandth
        ("1.5e-08", "1.5004e-08"),
        ("[[1. 2.]\n [3. 4.]]", "[[ 1.  2.]\n [ 3.  4.]]"),
        ("mean 2.50, 3 cats", "mean  2.5,  3 cats"),
        ("−2.5 of 14×14 at relu5_3", "-2.5 of 14×14 at relu5_3"),
        ("(1, 64, 14, 14)", "(1, 64, 14, 14)"),
        ("a\n\nb", "a\nb"),
    ],
)
def test_numbers_that_mean_the_same_agree(shown, printed):
    assert difference(shown, printed) is None


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("0.3333", "0.3341"),
        ("3", "4"),
        ("138,357,544", "138,357,545"),
        ("2.5", "-2.5"),
        ("relu5_3", "relu5_2"),
        ("[1. 2.]", "[1. 2. 0.]"),
        ("1", "1\n1"),
        ("0.5", "nan"),
        ("1 cat", "1 dog"),
        ("1e-8", "1e-7"),
    ],
)
def test_other_numbers_and_words_do_not(shown, printed):
    assert difference(shown, printed) is not None


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "weights/README.md"])
def test_the_links_of_the_project_lead_somewhere(name):
    assert broken(TUTORIALS.parent / name) == []


def test_anchors_are_those_of_github(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Your turn\n\n## Your turn\n\n### `a·a`: 3 or 6?\n\n```sh\n# no heading\n```\n")
    assert anchors(page) == {"your-turn", "your-turn-1", "aa-3-or-6"}


def test_a_figure_may_move_by_less_than_the_eye_sees_and_no_more(tmp_path):
    rng = np.random.default_rng(0)
    picture = np.repeat(np.repeat(rng.integers(0, 256, (20, 30, 3)), 8, 0), 8, 1).astype(np.uint8)
    other = {
        "same": picture,
        "noisy": np.clip(picture + rng.integers(-9, 10, picture.shape), 0, 255).astype(np.uint8),
        "one bar taller": np.concatenate([picture[:, :40], 255 - picture[:, 40:56], picture[:, 56:]], axis=1),
        "wider": picture[:, :-16],
    }
    for name, pixels in other.items():
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    found = {name: unlike(tmp_path / "same.png", tmp_path / f"{name}.png", CLOSE) for name in other}
    assert found["same"] is None
    assert found["noisy"] is None
    assert "stale" in found["one bar taller"]
    assert "pixels" in found["wider"]


def test_figures_of_another_matplotlib_are_compared_roughly_and_not_waved_through(tmp_path):
    assert tolerance("3.11.9") is CLOSE
    assert tolerance("3.8.4") is tolerance("4.0.0") is ROUGH
    drawn = np.full((480, 640, 3), 255, np.uint8)
    drawn[200:280, 100:500] = 0
    other = np.roll(drawn, 60, axis=0)
    for name, pixels in (("committed", drawn), ("moved", other)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    assert unlike(tmp_path / "committed.png", tmp_path / "moved.png", ROUGH) is not None


@pytest.mark.parametrize(("digit", "other"), [(0, 6), (0, 8), (1, 3), (6, 8), (5, 9)])
def test_a_changed_digit_in_a_figure_is_seen(digit, other, tmp_path):
    for value in (digit, other):
        figure, axes = board(5, 9, "A figure with numbers in it")
        grid(axes, np.array([[value, 2, 3], [4, 5, 6]]), (1, 1), "x")
        figure.savefig(tmp_path / f"{value}.png")
    assert unlike(tmp_path / f"{digit}.png", tmp_path / f"{other}.png", CLOSE) is not None
