"""One thread for BLAS while ours are at work.

BLAS threads wait for more work by spinning, and take the processor from ours: with both, VGG16 takes half as long
again.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path

import threadpoolctl
from threadpoolctl import ThreadpoolController

_count = threading.Lock()
_users = 0
_limits: object = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """The first to come in sets the limit and the last to go lifts it."""
    global _users, _limits
    with one_openmp_thread():  # before BLAS, whose own limit would be taken for what this thread had
        with _count:
            if _users == 0:
                _let_this_thread_set()
                _limits = _loaded().select(user_api="blas").limit(limits=1)
            _users += 1
        try:
            yield
        finally:
            with _count:
                _users -= 1
                if _users == 0:
                    _let_this_thread_set()
                    _limits.restore_original_limits()  # type: ignore[attr-defined]  # threadpoolctl has no types
                    _let_this_thread_set()


@cache
def _loaded() -> ThreadpoolController:
    """The libraries that have threads of their own."""
    return ThreadpoolController()


def kernel() -> str:
    """What NumPy's products run: "SkylakeX" or "Haswell" of OpenBLAS, or the library's name; "" where it is unknown."""
    return str(_numpys().get("architecture") or _numpys().get("internal_api", ""))


def library() -> str:
    """The library's name and version: "openblas 0.3.31"; "" where it is unknown."""
    return " ".join(str(_numpys()[key]) for key in ("internal_api", "version") if _numpys().get(key))


@cache
def _numpys() -> Mapping[str, object]:
    """What threadpoolctl tells of NumPy's BLAS; other packages may have brought one of their own."""
    libraries = [library for library in _loaded().info() if library["user_api"] == "blas"]
    return min(libraries, key=_strange, default={})


def _strange(library: Mapping[str, str]) -> int:
    """0 for a library that lies in NumPy's folder, 1 in none, 2 in another package's."""
    path = Path(library["filepath"]).parent.as_posix()
    return 0 if "/numpy" in path else 2 if "/site-packages/" in path or "/scipy" in path else 1


@cache
def _openmp() -> ThreadpoolController | None:
    """What sets a limit for the thread that asks, where BLAS leaves its threads to OpenMP: Debian's OpenBLAS may."""
    layers = [library.get("threading_layer") for library in _loaded().info()]
    return _loaded().select(user_api="openmp") if "openmp" in layers else None


def one_openmp_thread() -> AbstractContextManager[object]:
    """Every thread that calls BLAS asks for itself."""
    openmp = _openmp()
    return openmp.limit(limits=1) if openmp else nullcontext()


def _let_this_thread_set() -> None:
    """From threadpoolctl 3.8 on, OpenBLAS's limit is the first thread's to set, and others do nothing, silently."""
    clear = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    if clear:
        clear(force=True)


def _after_fork() -> None:
    """A forked process has none of the threads that are inside."""
    global _count, _users
    _count, _users = threading.Lock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
