"""What the figures were measured on."""

import os
import platform
import subprocess
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np

from numcam.nn.fast.blas import kernel, library
from numcam.nn.fast.team import processors

CPUINFO = Path("/proc/cpuinfo")
PACKAGES = {"torch": "PyTorch", "onnxruntime": "ONNX Runtime"}


def processor() -> str:
    """The name that its maker gave it, or at least its kind."""
    with suppress(OSError, subprocess.SubprocessError):
        if CPUINFO.exists():
            lines = (line.partition(":") for line in CPUINFO.read_text().splitlines())
            names = [value.strip() for key, _, value in lines if key.strip().lower() in ("model name", "hardware")]
            if names:
                return names[0]
        if platform.system() == "Darwin":
            call = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(call, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    return os.environ.get("PROCESSOR_IDENTIFIER") or platform.processor() or platform.machine()


def machine(against: list[str]) -> dict[str, str | int]:
    """Processor, threads, BLAS, its kernels, and versions."""
    found: dict[str, str | int] = {
        "processor": processor(),
        "architecture": platform.machine(),
        "threads": processors(),
        "BLAS": library() or "unknown",
        "kernels": kernel() or "unknown",
        "NumPy": np.__version__,
    }
    return found | {PACKAGES[package]: version(package) for package in against}


def told(found: dict[str, str | int]) -> str:
    """In a line."""
    head = f"{found['processor']} ({found['architecture']}), {found['threads']} threads"
    blas = f"BLAS {found['BLAS']} with its {found['kernels']} kernels"
    versions = (f"{name} {found[name]}" for name in ("NumPy", *PACKAGES.values()) if name in found)
    return "; ".join([head, blas, ", ".join(versions)])
