"""numcam's own format at VGG16's full size: loading it touches the pages that are used, and no others."""

import ctypes
import hashlib
import mmap
import os
import sys

import h5py
import numpy as np
import pytest

from numcam.formats.own import Weights, write_views
from numcam.loading import load
from numcam.models.imagenet import NAMES
from numcam.models.preprocessing import TORCHVISION
from numcam.models.vgg import parameter_shapes

MEGABYTE = 1 << 20


@pytest.fixture
def large(tmp_path):
    """A file of 553 MB in which no value has been written: the file system keeps a hole."""
    path = tmp_path / "vgg16.h5"
    write_views(path, Weights("vgg16", {}, NAMES, TORCHVISION), {}, lambda _: None)
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    with h5py.File(path, "r+") as file:
        for name, shape in parameter_shapes("vgg16").items():
            space = h5py.h5s.create_simple(shape)
            h5py.h5d.create(file.id, name.encode(), h5py.h5t.IEEE_F32LE, space, layout)
            file[name].attrs["sha256"] = np.bytes_(hashlib.sha256(b"").hexdigest())
    return path


def resident(path):
    """Bytes of the file that are in memory, as the kernel's mincore tells."""
    libc = ctypes.CDLL(None, use_errno=True)
    size = path.stat().st_size
    with path.open("r+b") as file, mmap.mmap(file.fileno(), size) as mapped:
        pages = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
        view = ctypes.c_char.from_buffer(mapped)
        assert libc.mincore(ctypes.c_void_p(ctypes.addressof(view)), ctypes.c_size_t(size), pages) == 0
        del view
    return mmap.PAGESIZE * sum(page & 1 for page in bytes(pages))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which pages of a file are in memory")
def test_a_cold_load_touches_only_the_pages_it_uses(large):
    fd = os.open(large, os.O_RDWR)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)
    assert large.stat().st_size > 553_000_000
    network = load(str(large)).network
    loaded = resident(large)
    assert loaded < 4 * MEGABYTE
    assert not network.layers["fc8"].weight.any()
    assert 15 * MEGABYTE < resident(large) - loaded < 40 * MEGABYTE  # fc8's 16 MB, and what the kernel reads ahead
