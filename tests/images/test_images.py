"""Every kind of picture becomes the RGB that a person sees; whatever is no picture gets one sentence."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from numcam import read_image
from numcam.errors import InputError
from numcam.figures import Panel, panels, save
from numcam.images import NoPicture, is_figure

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3)).astype(np.uint8)


def saved(picture, tmp_path, name, **options):
    path = tmp_path / name
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tiff", "a.webp"])
def test_lossless_formats_give_the_very_pixels(tmp_path, name):
    options = {"lossless": True} if name.endswith("webp") else {}
    np.testing.assert_array_equal(read_image(saved(Image.fromarray(RGB), tmp_path, name, **options)), RGB)


def test_jpeg_comes_close(tmp_path):
    smooth = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    assert np.abs(read_image(saved(Image.fromarray(smooth), tmp_path, "a.jpg")).astype(int) - smooth).max() <= 3


def test_the_extension_does_not_matter_and_a_file_object_will_do(tmp_path):
    path = saved(Image.fromarray(RGB), tmp_path, "a.jpg", format="PNG")
    np.testing.assert_array_equal(read_image(path), RGB)
    np.testing.assert_array_equal(read_image(str(path)), RGB)
    np.testing.assert_array_equal(read_image(io.BytesIO(path.read_bytes())), RGB)


def test_grey_one_bit_and_palette_pictures_become_rgb(tmp_path):
    grey = RGB[..., 0]
    np.testing.assert_array_equal(
        read_image(saved(Image.fromarray(grey), tmp_path, "g.png")), np.repeat(grey[..., None], 3, 2)
    )
    bits = Image.fromarray(grey > 127)
    assert set(np.unique(read_image(saved(bits, tmp_path, "b.png")))) == {0, 255}
    palette = Image.fromarray((grey // 64).astype(np.uint8)).convert("P")
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9] + [0] * 756)
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]], np.uint8)
    np.testing.assert_array_equal(read_image(saved(palette, tmp_path, "p.png")), colours[np.asarray(palette)])


def test_transparent_pictures_are_laid_on_white(tmp_path):
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0] = [(200, 0, 0, 255), (200, 0, 0, 0), (0, 0, 0, 51)]
    found = read_image(saved(Image.fromarray(rgba), tmp_path, "t.png"))
    np.testing.assert_allclose(found[0].astype(int), [[200, 0, 0], [255, 255, 255], [204, 204, 204]], atol=1)
    la = Image.merge("LA", [Image.new("L", (2, 1), 10), Image.fromarray(np.array([[0, 255]], np.uint8))])
    np.testing.assert_array_equal(read_image(saved(la, tmp_path, "la.png"))[0, :, 0], [255, 10])


def test_cmyk_becomes_rgb(tmp_path):
    cmyk = Image.new("CMYK", (4, 4), (0, 255, 255, 0))
    found = read_image(saved(cmyk, tmp_path, "c.tiff"))
    assert found.shape == (4, 4, 3)
    assert found[0, 0, 0] > 200 > 100 > found[0, 0, 1]


@pytest.mark.parametrize("name", ["deep.png", "deep.tiff"])
def test_16_bit_grey_keeps_its_range(tmp_path, name):
    deep = np.array([[0, 257, 32768, 65535]], np.uint16)
    found = read_image(saved(Image.fromarray(deep), tmp_path, name))
    np.testing.assert_array_equal(found[0, :, 0], [0, 1, 128, 255])


@pytest.mark.parametrize("name", ["deep.png", "deep.tiff"])
@pytest.mark.parametrize(("bits", "highest"), [(8, 200), (10, 900), (12, 4000), (12, 1024), (14, 16383)])
def test_fewer_bits_in_a_file_of_sixteen_are_refused_with_both_readings(tmp_path, name, bits, highest):
    deep = np.array([[0, highest // 2, highest]], np.uint16)
    path = saved(Image.fromarray(deep), tmp_path, name)
    white = 2**bits - 1
    with pytest.raises(
        InputError, match=f"none above {highest:,}, .* of {bits} bits .*--white {white} .*--white 65535"
    ):
        read_image(path)
    np.testing.assert_array_equal(read_image(path, white=white)[0, :, 0], np.rint(deep[0].astype(float) * 255 / white))
    np.testing.assert_array_equal(read_image(path, white=65535)[0, :, 0], np.rint(deep[0].astype(float) * 255 / 65535))
    with pytest.raises(InputError, match="above the white of 100; give a higher one"):
        read_image(path, white=100)


def test_black_and_nearly_white_greys_of_sixteen_bits_need_no_white(tmp_path):
    for highest, expected in ((0, 0), (16384, 64), (65535, 255)):
        path = saved(Image.fromarray(np.array([[0, highest]], np.uint16)), tmp_path, "deep.png")
        assert read_image(path)[0, 1, 0] == expected


def test_white_is_no_word_for_a_picture_of_eight_bits(tmp_path):
    path = saved(Image.fromarray(np.zeros((2, 2, 3), np.uint8)), tmp_path, "plain.png")
    with pytest.raises(InputError, match="has 8 bits a value, whose white is 255"):
        read_image(path, white=4095)
    with pytest.raises(InputError, match="white is a level from 1 to 65,535; got 0"):
        read_image(path, white=0)


def test_floating_point_grey_is_read_as_shares_or_as_grey_levels(tmp_path):
    for values in ([0, 0.5, 1], [0, 127.5, 255]):
        path = saved(Image.fromarray(np.array([values], np.float32)), tmp_path, "f.tiff")
        np.testing.assert_array_equal(read_image(path)[0, :, 0], [0, 128, 255])


TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", TURNS)
def test_exif_orientation_is_honoured(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(Image.fromarray(RGB), tmp_path, "e.png", exif=exif)
    np.testing.assert_array_equal(read_image(path), TURNS[orientation](RGB))


def test_an_animation_gives_its_first_frame(tmp_path):
    first, second = (Image.new("RGB", (5, 4), colour) for colour in ("red", "blue"))
    path = saved(first, tmp_path, "a.gif", save_all=True, append_images=[second])
    np.testing.assert_array_equal(read_image(path)[0, 0], [255, 0, 0])


@pytest.mark.parametrize("name", ["t.png", "t.jpg", "t.gif", "t.bmp", "t.tiff", "t.webp"])
def test_a_truncated_file_is_read_or_refused_and_nothing_else(tmp_path, name):
    rng = np.random.default_rng(1)
    path = saved(Image.fromarray(rng.integers(0, 256, (40, 50, 3)).astype(np.uint8)), tmp_path, name)
    data = path.read_bytes()
    refused = 0
    for end in np.linspace(1, len(data) - 1, 40).astype(int):
        path.write_bytes(data[:end])
        try:
            read_image(path)
        except InputError as error:
            refused += 1
            assert "\n" not in str(error)  # noqa: PT017 - a file that lacks only its last byte may also be read
    assert refused >= 35


def test_mutated_files_raise_nothing_but_input_errors(tmp_path):
    rng = np.random.default_rng(2)
    for name in ("m.png", "m.jpg", "m.gif", "m.tiff", "m.webp", "m.bmp"):
        path = saved(Image.fromarray(RGB), tmp_path, name)
        data = path.read_bytes()
        for _ in range(150):
            bad = bytearray(data)
            for _ in range(3):
                bad[rng.integers(len(bad))] = rng.integers(256)
            path.write_bytes(bad)
            try:
                read_image(path)
            except InputError as error:
                assert "\n" not in str(error)  # noqa: PT017 - most mutants are still pictures


def bomb(tmp_path, cols=60_000, rows=60_000):
    """A PNG that claims to be huge and holds next to nothing."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", cols, rows, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


@pytest.mark.parametrize("side", [60_000, 12_000])
def test_a_decompression_bomb_is_refused_with_the_limit(tmp_path, side):
    with pytest.raises(InputError, match="100,000,000"):
        read_image(bomb(tmp_path, side, side))


def test_what_is_no_picture_is_named(tmp_path):
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    empty = tmp_path / "empty.png"
    empty.touch()
    for path, words in (
        (text, "not a picture"),
        (empty, "0 bytes"),
        (tmp_path, "folder"),
        (tmp_path / "no.png", "exist"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            read_image(path)
        assert str(path) in str(caught.value)


def test_what_the_file_system_refuses_is_an_input_error_too(tmp_path, monkeypatch):
    path = saved(Image.fromarray(RGB), tmp_path, "secret.png")

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    for call in ("pathlib.Path.is_dir", "numcam.images.Image.open"):  # in a closed folder; a closed file
        with monkeypatch.context() as patch:
            patch.setattr(call, refused)
            with pytest.raises(InputError, match=r"secret\.png cannot be read: permission denied"):
                read_image(path)
    with pytest.raises(InputError, match=r"cannot be read|does not exist"):
        read_image("a" * 5000)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_said_to_be_one(tmp_path):
    path = saved(Image.fromarray(RGB), tmp_path, "secret.png")
    path.chmod(0)
    with pytest.raises(InputError, match="permission denied"):
        read_image(path)


@pytest.mark.parametrize("suffix", ["ppm", "tga", "pcx", "sgi", "qoi", "dds", "ico", "jp2", "avif"])
def test_whatever_pillow_opens_is_a_picture(tmp_path, suffix):
    smooth = np.full((64, 64, 3), (200, 100, 50), np.uint8)
    try:
        path = saved(Image.fromarray(smooth), tmp_path, f"a.{suffix}")
    except (OSError, KeyError, ValueError) as error:
        pytest.skip(f"this Pillow does not write {suffix}: {error}")
    assert np.abs(read_image(path).astype(int) - smooth).max() <= 6


OTHERS = {
    "a.eps": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        "PostScript, which only a program of its own draws",
    ),
    "a.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG drawing"),
    "a.pdf": (b"%PDF-1.7\n", "PDF document"),
    "a.mp4": (b"\0\0\0\x18ftypisom" + bytes(99), "a film"),
    "a.npy": (b"\x93NUMPY\x01\0" + bytes(99), "a NumPy array"),
    "a.jxl": (b"\xff\x0a" + bytes(99), "JPEG XL"),
    "a.h5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file"),
    "a.html": (b"<!DOCTYPE html><html>404</html>", "web page"),
    "a.wmf": (b"\xd7\xcd\xc6\x9a" + bytes(99), "not a picture"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_pillow_does_not_open_by_itself_is_named_with_what_to_do(tmp_path, name):
    data, words = OTHERS[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(NoPicture, match=words):
        read_image(tmp_path / name)
    with pytest.raises(NoPicture, match=words):
        read_image(io.BytesIO(data))


def test_heic_is_named_with_the_plugin_that_opens_it(tmp_path, monkeypatch):
    monkeypatch.setattr("numcam.images.find_spec", lambda name: None)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))
    with pytest.raises(NoPicture, match="HEIC picture; python -m pip install pillow-heif"):
        read_image(tmp_path / "a.heic")


def test_heic_is_opened_where_the_plugin_is_installed(tmp_path):
    pytest.importorskip("pillow_heif", reason="pillow-heif is not installed").register_heif_opener()
    smooth = np.full((64, 48, 3), (200, 100, 50), np.uint8)
    Image.fromarray(smooth).save(tmp_path / "a.heic", quality=95)
    found = read_image(tmp_path / "a.heic")
    assert found.shape == (64, 48, 3)
    assert np.abs(found.astype(int) - smooth).max() <= 6


def test_numcam_s_own_figures_are_known_and_photos_are_none(tmp_path):
    figure = tmp_path / "figure.png"
    save(panels([[Panel(RGB)]], "title"), figure)
    assert is_figure(figure)
    assert not is_figure(saved(Image.fromarray(RGB), tmp_path, "photo.png"))
    assert not is_figure(tmp_path / "nowhere.png")
