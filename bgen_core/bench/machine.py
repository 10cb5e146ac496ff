"""What a benchmark ran on: figures without it say nothing."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

from bgen_core.models.devices import Device

LIBRARIES = ("torch", "diffusers", "transformers", "numpy", "pillow")
_DRIVER = Path("/proc/driver/nvidia/version")


def describe_machine(device: Device | None = None) -> dict[str, str]:
    """Device, its driver where it has one, processors, system and libraries, each as it is printed.

    Parameters
    ----------
    device
        None where nothing was computed on one, and torch is not loaded.
    """
    said = {"system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"}
    if device is not None:
        said |= {"device": device.name, "number format": device.dtype_name}
        if device.kind.startswith("cuda"):
            said["driver"] = _cuda_driver()
    said["libraries"] = f"Python {platform.python_version()}, " + ", ".join(
        f"{name} {version(name)}" for name in LIBRARIES
    )
    return said


def _cuda_driver() -> str:
    import torch

    try:
        driver = re.search(r"Kernel Module\D*([\d.]+)", _DRIVER.read_text(encoding="utf-8"))
    except OSError:
        driver = None
    return f"{driver[1] if driver else 'unknown'}, CUDA {torch.version.cuda}"
