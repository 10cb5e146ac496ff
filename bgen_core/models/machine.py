"""What is told of the machine that computed: beside the device's name, what can change last bits there."""

import platform
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

from bgen_core.models.devices import Device

_DRIVER = Path("/sys/module/nvidia/version")
_PROCESSORS = Path("/proc/cpuinfo")
_PATIENCE_SECONDS = 5.0
_LONGEST = 120


@cache
def machine_of(device: Device) -> dict[str, str]:
    """What a run records of where it was painted; see `MadeRun.made_on`.

    Returns
    -------
    dict
        "gpu" and "driver", or without a GPU "processor" and "instructions", which are those that torch uses; and
        "host". What the machine does not say is left out.
    """
    if device.kind.startswith("cuda"):
        told = {"gpu": device.name, "driver": _driver()}
    elif device.kind == "mps":
        told = {"gpu": device.name, "driver": f"macOS {platform.mac_ver()[0]}"}
    else:
        told = {"processor": _processor(), "instructions": _instructions()}
    told["host"] = platform.node()
    return {name: " ".join(text.split())[:_LONGEST] for name, text in told.items() if text.strip()}


def _driver() -> str:
    with suppress(OSError):
        return _DRIVER.read_text(encoding="utf-8")
    with suppress(OSError, subprocess.SubprocessError):
        asked = ("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
        said = subprocess.run(asked, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=True).stdout
        return next(iter(said.splitlines()), "")
    return ""


def _processor() -> str:
    with suppress(OSError):
        for line in _PROCESSORS.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value
    return platform.processor()


def _instructions() -> str:
    import torch

    return torch.backends.cpu.get_cpu_capability()
