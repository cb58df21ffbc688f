"""The weights that others have published for the VGG family: names, places, sizes and digests.

torchvision's are BSD-3-Clause; Oxford's, which Keras ships, are CC BY 4.0.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from numcam.errors import InputError, did_you_mean

TORCH = "https://download.pytorch.org/models/"
KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/"


@dataclass(frozen=True)
class Published:
    """One published file. digest: "sha256:...", "md5:...", or the first digits of a sha256 where no more is known."""

    name: str
    architecture: str
    url: str
    digest: str
    size: int | None = None
    megabytes: int = 0
    about: str = ""

    @property
    def file(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def family(self) -> str:
        return "keras" if self.url.startswith(KERAS) else "torch"

    def has_size(self, size: int) -> bool:
        """Whether a file of so many bytes can be it: to the byte, or where that is not known, to the megabyte."""
        return size == self.size if self.size else round(size / 2**20) == self.megabytes

    def agrees(self, digest: str) -> bool:
        """Whether a file's digest, as `digest_of` gives it, is the published one."""
        return digest == self.digest if ":" in self.digest else digest.removeprefix("sha256:").startswith(self.digest)


def digest_of(path: Path, like: str) -> str:
    """A file's digest, of the kind that `like` is."""
    name = "md5" if like.startswith("md5:") else "sha256"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.new(name, usedforsecurity=False))
    return f"{name}:{found.hexdigest()}"


def _torch(name: str, file: str, megabytes: int, about: str, digest: str = "", size: int | None = None) -> Published:
    short = file.rpartition("-")[2].removesuffix(".pth")
    return Published(name, name.partition("-")[0], TORCH + file, digest or short, size, megabytes, about)


def _keras(name: str, file: str, md5: str, size: int | None, megabytes: int, about: str) -> Published:
    architecture = name.partition("-")[0]
    url = f"{KERAS}{architecture}/{architecture}_weights_tf_dim_ordering_tf_kernels{file}.h5"
    return Published(name, architecture, url, f"md5:{md5}", size, megabytes, about)


_ALL = (
    _torch(
        "vgg16", "vgg16-397923af.pth", 528, "torchvision, ImageNet top-1 71.6 %",
        "sha256:397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0", 553433881,
    ),
    _keras(
        "vgg16-caffe", "", "64373286793e3c8b2b4e3219cbf3544b", 553467096, 528,
        "Oxford's own values, used in the Grad-CAM paper; top-1 71.3 %",
    ),
    _keras(
        "vgg16-caffe-notop", "_notop", "6d6bbae143d832006294945121d1f1fc", 58889256, 56, "the same without fc6 to fc8",
    ),
    _torch("vgg16-bn", "vgg16_bn-6c64b313.pth", 528, "torchvision, with batch normalisation; top-1 73.4 %"),
    _torch("vgg16-features", "vgg16_features-amdegroot-88682ab5.pth", 528, "Oxford's features in torchvision's layout"),
    _torch("vgg11", "vgg11-8a719046.pth", 507, "torchvision, top-1 69.0 %"),
    _torch("vgg11-bn", "vgg11_bn-6002323d.pth", 507, "torchvision, with batch normalisation; top-1 70.4 %"),
    _torch("vgg13", "vgg13-19584684.pth", 508, "torchvision, top-1 69.9 %"),
    _torch("vgg13-bn", "vgg13_bn-abd245e5.pth", 508, "torchvision, with batch normalisation; top-1 71.6 %"),
    _torch("vgg19", "vgg19-dcbb9e9d.pth", 548, "torchvision, top-1 72.4 %"),
    _torch("vgg19-bn", "vgg19_bn-c79401a0.pth", 548, "torchvision, with batch normalisation; top-1 74.2 %"),
    _keras("vgg19-caffe", "", "cbe5617147190e668d6c5d5026f83318", None, 548, "Oxford's own values; top-1 71.3 %"),
    _keras("vgg19-caffe-notop", "_notop", "253f8cb515780f3b799900260a226db6", None, 76, "the same without fc6 to fc8"),
)  # fmt: skip
PUBLISHED = {one.name: one for one in _ALL}


def published(name: str) -> Published:
    """The published file of that name; InputError with the nearest names."""
    if name not in PUBLISHED:
        raise InputError(f"no published weights {name!r}; {did_you_mean(name, PUBLISHED, most=20)}")
    return PUBLISHED[name]
