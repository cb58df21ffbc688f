"""The paper's protocol by hand, and on a folder in ImageNet's layout that is made here."""

import numpy as np
import pytest
from PIL import Image

from numcam import scenes
from numcam.cli.main import main
from numcam.errors import InputError
from numcam.evaluate import imagenet, table1
from numcam.evaluate.boxes import box_iou
from numcam.evaluate.table1 import Protocol, box_from, located
from numcam.formats import Weights, write_weights
from numcam.loading import load
from numcam.models.preprocessing import CENTRED
from numcam.models.vgg import random_network
from numcam.nn import Flatten, Linear, Network

XML = """<annotation>
	<folder>val</folder><filename>{stem}</filename>
	<size><width>{cols}</width><height>{rows}</height><depth>3</depth></size>
	{objects}
</annotation>"""
OBJECT = """<object><name>{0}</name><pose>Unspecified</pose><bndbox>
	<xmin>{1}</xmin><ymin>{2}</ymin><xmax>{3}</xmax><ymax>{4}</ymax></bndbox></object>"""


def test_the_box_goes_round_the_largest_part_above_15_percent():
    map = np.zeros((8, 8))
    map[1:4, 2:6] = 1
    map[3, 5] = 0.16
    map[6, 7] = 10 / 1.5  # one hot cell: its 15 % is 1
    assert box_from(map, (8, 8), (8, 8)) == (2, 1, 6, 4)
    assert box_from(map * 0.99 + 0.5 * (map == map.max()), (8, 8), (8, 8)) == (7, 6, 8, 7)
    assert box_from(np.zeros((8, 8)), (8, 8), (8, 8)) is None


def test_the_spaces_differ_by_rounding_only_and_the_box_is_always_in_the_picture():
    map = np.random.default_rng(0).uniform(size=(14, 14)) ** 6
    a, b = (box_from(map, (300, 400), (224, 224), Protocol(space=space)) for space in ("input", "picture"))
    assert a != b
    assert box_iou(a, b) > 0.95
    for box in (a, b):
        assert 0 <= box[0] < box[2] <= 400
        assert 0 <= box[1] < box[3] <= 300


def test_top_1_and_top_5_by_hand(monkeypatch):
    """Six classes; the map of class k is one block at column k. True: class 2 at column 2."""

    def stripes(trace, method, target):
        maps = np.zeros((len(target), 6, 12))
        for i, k in enumerate(target):
            maps[i, :, 2 * k : 2 * k + 2] = 1
        return maps

    monkeypatch.setattr(table1, "native", stripes)
    network = Network({"flatten": Flatten(), "fc": Linear(np.zeros((6, 3 * 6 * 12)), np.zeros(6))})

    def judged(logits, label, box):
        layers = {**network.layers, "fc": Linear(np.zeros((6, 3 * 6 * 12)), np.array(logits, float))}
        trace = Network(layers).forward(np.zeros((1, 3, 6, 12)))
        return located(trace, "grad_cam", [label], [[box]], [(6, 12)])[0]

    here, half, away = (4, 0, 6, 6), (4, 0, 8, 6), (0, 0, 2, 6)
    assert judged([0, 1, 5, 2, 3, 4], 2, here) == table1.Located(True, True, True, True, True)
    assert judged([0, 1, 4, 2, 3, 5], 2, here) == table1.Located(False, True, False, True, True)
    assert judged([1, 2, 0, 3, 4, 5], 2, here) == table1.Located(False, False, False, False, True)
    assert judged([0, 1, 5, 2, 3, 4], 2, half) == table1.Located(True, True, True, True, True)  # exactly one half
    assert judged([0, 1, 5, 2, 3, 4], 2, away) == table1.Located(True, True, False, False, False)


@pytest.fixture
def folder(tmp_path):
    """Three pictures as the official archives have them, of which one has two boxes and one is not square."""
    pictures = tmp_path / "ILSVRC" / "Data" / "CLS-LOC" / "val"
    boxes = tmp_path / "ILSVRC" / "Annotations" / "CLS-LOC" / "val"
    pictures.mkdir(parents=True)
    boxes.mkdir(parents=True)
    for seed in range(3):
        scene = scenes.draw(seed)
        image, (left, top, right, bottom) = Image.fromarray(scene.image), scene.objects[0].box
        if seed == 1:
            image = image.resize((448, 224))
            left, right = 2 * left, 2 * right
        stem = f"ILSVRC2012_val_{seed + 1:08d}"
        image.save(pictures / f"{stem}.JPEG", quality=95)
        objects = OBJECT.format(scene.objects[0].name, left, top, right - 1, bottom - 1)
        if seed == 2:
            objects = OBJECT.format(scene.objects[0].name, 0, 0, 3, 3) + objects
        (boxes / f"{stem}.xml").write_text(XML.format(stem=stem, cols=image.width, rows=image.height, objects=objects))
    (pictures / "ILSVRC2012_val_00000009.JPEG").write_bytes(b"a picture without boxes is left alone")
    return tmp_path


def test_the_boxes_are_read_as_they_were_drawn(folder):
    found = imagenet.annotated(folder)
    assert [a.path.stem[-1] for a in found] == ["1", "2", "3"]
    for seed, one in enumerate(found):
        scene = scenes.draw(seed)
        left, top, right, bottom = scene.objects[0].box
        expected = (2 * left, top, 2 * right, bottom) if seed == 1 else (left, top, right, bottom)
        assert one.name == scene.objects[0].name
        assert one.boxes[-1] == expected
        assert one.size == ((224, 448) if seed == 1 else (224, 224))
    assert len(found[2].boxes) == 2


def test_the_folder_is_judged_as_the_scenes_themselves_are(folder):
    classifier = load()
    *_, (count, records) = imagenet.measure(classifier, imagenet.annotated(folder), ("grad_cam",), batch=2)
    assert count == 3
    drawn = [scenes.draw(seed) for seed in range(3)]
    trace = classifier.forward(classifier.preprocess(np.stack([d.image for d in drawn])))
    labels = [classifier.index(d.objects[0].name) for d in drawn]
    expected = located(trace, "grad_cam", labels, [[d.objects[0].box] for d in drawn], [(224, 224)] * 3)
    assert records["grad_cam"]["class, top 1, %"] == [float(not e.class_1) for e in expected]
    assert records["grad_cam"]["box, class known, %"] == [float(not e.known) for e in expected]


def test_the_command_prints_errors_with_intervals_and_writes_table_and_figure(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    for options in ((), ("--connectivity", "4", "--space", "picture", "--methods", "grad-cam,random")):
        assert main(["evaluate", "--imagenet", "ILSVRC", *options]) == 0
    out = capsys.readouterr().out
    assert "errors of pocket on 3 pictures" in out
    assert "connectivity 4, boxes in the space of the picture" in out
    assert (folder / "evaluation" / "imagenet.md").is_file()
    assert (folder / "evaluation" / "imagenet.png").is_file()


def test_a_network_without_a_head_names_no_class(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    parameters = {k: v for k, v in random_network("pocket", 10, (64, 64)).parameters.items() if k[:2] != "fc"}
    write_weights("headless.h5", Weights("pocket", parameters, (), CENTRED, (64, 64)))
    assert main(["evaluate", "--imagenet", "ILSVRC", "--model", "headless.h5"]) == 2
    assert "pocket was loaded without its head, so it names no class" in capsys.readouterr().err
    assert not (folder / "evaluation").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<annotation>", "no file of boxes"),
        ("<annotation><size><width>2</width><height>3</height></size></annotation>", "names no object"),
        (XML.format(stem="", cols=9, rows="many", objects=OBJECT.format("cat", 1, 2, 3, 4)), "no file of boxes"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotation/>', "entities"),
    ],
)
def test_a_damaged_file_of_boxes_is_named_in_one_sentence(tmp_path, text, words):
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "one.JPEG")
    (tmp_path / "one.xml").write_text(text)
    with pytest.raises(InputError, match=words):
        imagenet.annotated(tmp_path)


def test_a_folder_without_boxes_or_none_at_all_is_refused(tmp_path):
    with pytest.raises(InputError, match="no XML file"):
        imagenet.annotated(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        imagenet.annotated(tmp_path / "nowhere")
    with pytest.raises(InputError, match="input"):
        Protocol(space="crop")
