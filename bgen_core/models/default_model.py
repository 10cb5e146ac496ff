"""The model of a deployment that names none, found without torch: pages ask for it before anything else."""

import os
import shutil
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bgen_core.errors import ModelLoadError
from bgen_core.models.revision import find_local_model
from bgen_core.settings import Settings

AUTO, EVERYWHERE, ON_A_GPU = "auto", "demo", "sd15-inpainting"


def default_model(settings: Settings) -> str:
    """What `BGEN_MODEL` names; where that is "auto", Stable Diffusion 1.5 if it can be used at once, else the demo."""
    if settings.model != AUTO:
        return settings.model
    wants_cuda = settings.device == "auto" or settings.device.startswith("cuda")
    return ON_A_GPU if wants_cuda and _has_cuda() and _is_here(ON_A_GPU) else EVERYWHERE


def _is_here(model: str) -> bool:
    try:
        return find_local_model(model) is not None
    except ModelLoadError:
        return False


@lru_cache(maxsize=1)
def _has_cuda() -> bool:
    """Whether torch is built for CUDA, as far as its version tells, and a driver lists a card."""
    try:
        built = not version("torch").endswith("+cpu")
    except PackageNotFoundError:
        return False
    is_hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1")
    has_card = any(Path("/proc/driver/nvidia/gpus").glob("*")) or (os.name == "nt" and bool(shutil.which("nvidia-smi")))
    return built and not is_hidden and has_card
