"""A model that a setting names: a local folder, or a Hub id that has been downloaded. Nothing is fetched."""

import json
from collections.abc import Sequence
from pathlib import Path

from bgen_core.errors import UserInputError
from bgen_core.home_paths import with_home
from bgen_core.json_value import JsonValue
from bgen_core.models.safetensors_header import read_header
from bgen_core.wording import quoted

CONFIG, WEIGHTS = "config.json", "model.safetensors"


def kept_model(name: str, *, setting: str, said: str, files: Sequence[str], forms: str) -> Path:
    """The folder of a model all of whose files are on this machine; see `check_weights`.

    Parameters
    ----------
    name
        An absolute folder, or a Hub id.
    setting, said
        The setting that names it, and how a sentence begins that speaks of it.
    files
        All that it needs, inside of it; a Hub id's folder is the one in which the first of them lies.
    forms
        What the setting takes, as the end of "NAME is …".

    Raises
    ------
    UserInputError
        It is missing: says what to do.
    """
    folder = _folder(name, files[0], setting, forms)
    missing = [file for file in files if folder is None or not (folder / file).is_file()]
    if folder is None or missing:
        raise UserInputError(
            f"{said} is not on this machine, or lacks {missing[0]}: download it, or name the folder of another one."
        )
    return folder


def check_weights(folder: Path, said: str) -> None:
    """Refuse a damaged file of weights with a sentence that begins with `said`."""
    try:
        read_header(folder / WEIGHTS)
    except ValueError as error:
        raise UserInputError(f"{said} cannot be read: its {WEIGHTS} {error}: download it again.") from error


def config_of(folder: Path) -> dict[str, JsonValue]:
    """What a model says of itself; nothing where that cannot be read."""
    try:
        content: JsonValue = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _folder(name: str, first: str, setting: str, forms: str) -> Path | None:
    local = with_home(name)
    if local.is_absolute():
        return local
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(name, first)
    except HFValidationError as error:
        raise UserInputError(f"{setting} {quoted(name, 80)} is {forms}: give one of them.") from error
    return Path(cached).parent if isinstance(cached, str) else None
