"""The model that tells how near everything in a photo is, by its setting and pinned, found without importing torch."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bgen_core.errors import UserInputError
from bgen_core.json_value import JsonValue
from bgen_core.models.content_hash import hash_files
from bgen_core.models.safetensors_header import read_header
from bgen_core.wording import quoted

_CONFIG, _PREPROCESSOR, _WEIGHTS = "config.json", "preprocessor_config.json", "model.safetensors"
_SUCH_AS = "depth-anything/Depth-Anything-V2-Small-hf"


@dataclass(frozen=True, kw_only=True)
class DepthModel:
    """A model of transformers' depth estimation: its folder, and the hash of what can change a pixel."""

    folder: Path
    content: str


def depth_model_for(controls: Iterable[str], name: str) -> DepthModel | None:
    """The model of a setting, where one of these control pictures needs it; see `find_depth_model`."""
    return find_depth_model(name) if "depth" in controls else None


def find_depth_model(name: str) -> DepthModel:
    """The model of a Hub id that has been downloaded, or of a local folder.

    Raises
    ------
    UserInputError
        None is named, or it is missing, damaged or no such model: says what to do.
    """
    if not name:
        raise UserInputError(
            "The control picture 'depth' needs a depth model: set BGEN_DEPTH_MODEL to the folder of one, or to a Hub "
            f"id that has been downloaded, such as {_SUCH_AS}."
        )
    folder = _folder(name)
    said = "The depth model BGEN_DEPTH_MODEL"
    files = (_CONFIG, _PREPROCESSOR, _WEIGHTS)
    missing = [file for file in files if folder is None or not (folder / file).is_file()]
    if folder is None or missing:
        raise UserInputError(
            f"{said} is not on this machine, or lacks {missing[0]}: download it, or name the folder of another one."
        )
    if not _estimates_depth(folder / _CONFIG):
        raise UserInputError(f"{said} does not estimate depth by its {_CONFIG}: choose one such as {_SUCH_AS}.")
    try:
        read_header(folder / _WEIGHTS)
    except ValueError as error:
        raise UserInputError(f"{said} cannot be read: its {_WEIGHTS} {error}: download it again.") from error
    return DepthModel(folder=folder, content=hash_files(folder, files))


def _folder(name: str) -> Path | None:
    local = Path(name).expanduser()
    if local.is_absolute():
        return local
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(name, _CONFIG)
    except HFValidationError as error:
        raise UserInputError(
            f"BGEN_DEPTH_MODEL {quoted(name, 80)} is no Hub id and no absolute folder: give one of them."
        ) from error
    return Path(cached).parent if isinstance(cached, str) else None


def _estimates_depth(config: Path) -> bool:
    try:
        content: JsonValue = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    architectures: JsonValue = content.get("architectures") if isinstance(content, dict) else None
    return isinstance(architectures, list) and any(str(name).endswith("ForDepthEstimation") for name in architectures)
