"""Class names: the one that is meant is found, and where it is unclear the candidates are listed."""

import json

import numpy as np
import pytest

from numcam.errors import InputError
from numcam.models.imagenet import NAMES, SYNONYMS, SYNSETS
from numcam.models.labels import find, names_in, number, read_names


def test_imagenet_has_a_thousand_different_names_in_the_order_of_their_synsets():
    assert len(NAMES) == len(SYNSETS) == len(SYNONYMS) == len(set(NAMES)) == 1000
    assert list(SYNSETS) == sorted(SYNSETS)
    known = {0: "tench", 1: "goldfish", 207: "golden retriever", 281: "tabby", 404: "airliner", 817: "sports car"}
    assert {i: NAMES[i] for i in known} == known
    assert (SYNSETS[0], SYNSETS[281], SYNSETS[999]) == ("n01440764", "n02123045", "n15075141")


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ("tabby", 281),
        ("  Tabby ", 281),
        ("tabby cat", 281),
        ("Felis catus", None),
        ("n02123045", 281),
        ("N02123045", 281),
        ("airliner", 404),
        ("killer whale", 148),
        ("orca", 148),
        ("tiger", 292),
        ("hen", 8),
        ("retriever golden", 207),
        ("ping-pong", 722),
    ],
)
def test_a_class_is_found_by_name_synset_other_word_or_part(wanted, index):
    if index is None:
        with pytest.raises(InputError, match="no class"):
            find(wanted, NAMES)
    else:
        assert find(wanted, NAMES) == index


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("crane", r"could be crane bird \(134\), crane \(517\); give the whole name, or the number"),
        ("cat", r"could be tabby \(281\), tiger cat \(282\)"),
        ("retriever", r"golden retriever \(207\)"),
        ("dog", "or 4 more"),
        ("zebr", "did you mean zebra"),
        ("", "no class ''"),
        ("n99999999", "no class"),
    ],
)
def test_an_unclear_or_unknown_name_is_answered_with_candidates(wanted, words):
    with pytest.raises(InputError, match=words):
        find(wanted, NAMES)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        (" +3 ", 3),
        ("-1", -1),
        ("²", None),
        ("٣", None),
        ("+-5", None),
        ("", None),
        ("1e3", None),
        ("9" * 5000, None),
    ],
)
def test_a_number_is_a_sign_and_digits_and_nothing_else(text, value):
    assert number(text) == value


def test_names_of_another_list_know_no_synonyms():
    assert find("hat", ("cat", "red hat")) == 1
    with pytest.raises(InputError, match="no class 'tabby'"):
        find("tabby", ("cat", "red hat"))


@pytest.mark.parametrize(
    "text",
    [
        "cat\nred dog\nowl",
        "cat\r\nred dog\r\nowl\r\n\r\n",
        " cat\nred\tdog\nowl\u00a0",
        "\ufeffcat\nred dog\nowl\n",
        json.dumps(["cat", "red dog", "owl"]),
        json.dumps({"0": "cat", "1": "red dog", "2": "owl"}),
        json.dumps({"2": ["n3", "owl"], "0": ["n1", "cat"], "1": ["n2", "red dog"]}),
    ],
)
def test_class_names_are_read_from_lines_and_from_json(tmp_path, text):
    (tmp_path / "names").write_text(text, encoding="utf-8", newline="")
    assert read_names(tmp_path / "names") == ("cat", "red dog", "owl")


@pytest.mark.parametrize(
    "data",
    [
        "cat\nred dog\nowl\n".encode("utf-16"),
        "cat\r\nred dog\r\nowl".encode("utf-16-be").join([b"\xfe\xff", b""]),
        b"\xef\xbb\xbfcat\nred dog\nowl",
        b'{"cat": 0, "owl": 2, "red dog": 1}',
        b'{"2": "owl", "0": "cat", "1": "red dog"}',
        b'{"0": ["n01", "cat"], "1": ["n02", "red dog"], "2": ["n03", "owl"]}',
        b'{"architectures": ["VGG"], "id2label": {"0": "cat", "1": "red dog", "2": "owl"}, "label2id": {}}',
        b'{"label2id": {"cat": "0", "owl": "2", "red dog": "1"}}',
        b"0,cat\n1,red dog\n2,owl\n",
        b"name,index\nowl,2\ncat,0\nred dog,1\n",
    ],
)
def test_class_names_are_read_as_people_have_them(tmp_path, data):
    (tmp_path / "names").write_bytes(data)
    assert read_names(tmp_path / "names") == ("cat", "red dog", "owl")


def test_names_with_accents_are_read_in_windows_western_encoding_too(tmp_path):
    (tmp_path / "names").write_bytes("köter\nélan".encode("cp1252"))
    assert read_names(tmp_path / "names") == ("köter", "élan")


@pytest.mark.parametrize(
    "given",
    [
        {"cat": 0, "owl": 2, "red dog": 1},
        {0: "cat", 2: "owl", 1: "red dog"},
        ["cat", "red dog", "owl"],
        np.array(["cat", "red dog", "owl"]),
        iter(["cat", "red dog", "owl"]),
    ],
    ids=["to indices", "from indices", "list", "array", "iterator"],
)
def test_class_names_are_taken_from_what_python_has_them_in(given):
    assert names_in(given) == ("cat", "red dog", "owl")


@pytest.mark.parametrize("given", ["abc", b"abc", 3, {}, [], [None], {"a": "b"}, {True: "a", False: "b"}])
def test_what_is_no_list_of_names_is_refused_in_words(given):
    with pytest.raises(ValueError, match=r"list of names|no names|text|neither") as caught:
        names_in(given)
    assert "int()" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "no names"),
        (b"\n\n", "no names"),
        (b"cat\n\ndog", "a line is empty"),
        (b"cat\n\x1b[2Jdog", "not all of it is plain text"),
        (b'["cat", "\\ud800"]', "not all of it is plain text"),
        (b"[1.5, 2]", "not all of it is text: there is '1.5'"),
        (b'{"0": "cat", "2": "dog"}', "no name has the index 1, though there are 2"),
        (b'{"cat": 1, "dog": 1}', "two names have the index 1: cat and dog"),
        (b"0,cat\n0,dog\n", "two names have the index 0: cat and dog"),
        (b"index,name\n0,cat\n2,dog\n", "no name has the index 1"),
        (b'{"id2label": {"0": "cat", "3": "dog"}}', "no name has the index 1"),
        (b'{"a": "cat"}', "not a list of names"),
        (b'["cat"', "not a list of names"),
        (b"\xff\xfe\x00", "not a list of names"),
        (b'[["a", 3]]', "not all of it is text"),
    ],
)
def test_a_file_that_is_no_list_of_names_is_refused(tmp_path, text, words):
    (tmp_path / "names").write_bytes(text)
    with pytest.raises(InputError, match=words):
        read_names(tmp_path / "names")
    with pytest.raises(InputError, match="No such file"):
        read_names(tmp_path / "none")
