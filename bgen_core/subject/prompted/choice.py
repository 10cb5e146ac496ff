"""Which prompted segmenter a deployment has: the model of its setting, or GrabCut, which needs none."""

import json
from functools import lru_cache
from pathlib import Path

from bgen_core.errors import UserInputError
from bgen_core.json_value import JsonValue
from bgen_core.models.safetensors_header import read_header
from bgen_core.subject.prompted.found_object import PromptedSegmenter
from bgen_core.subject.prompted.grabcut import GrabCutSegmenter
from bgen_core.subject.prompted.interactive import InteractiveSegmenter
from bgen_core.subject.prompted.persons_first import PersonsFirst
from bgen_core.subject.prompted.segment_anything import KINDS, SegmentAnything
from bgen_core.wording import quoted

SETTING = "BGEN_PROMPTED_MODEL"
_CONFIG, _WEIGHTS = "config.json", "model.safetensors"
_MODEL_FILES = (".tflite", ".task", ".litertlm")
_SUCH_AS = "facebook/sam2.1-hiera-tiny"


def prompted_segmenter(name: str) -> PromptedSegmenter:
    """The segmenter of a setting.

    Parameters
    ----------
    name
        A Hub id that has been downloaded, an absolute folder, a file of MediaPipe's, or nothing for GrabCut.

    Raises
    ------
    UserInputError
        The model is missing, damaged or of another kind: says what to do. `without_model` does without it.
    """
    return _opened(name)


def without_model() -> PromptedSegmenter:
    """What works everywhere: persons by the networks that are there anyway, things by GrabCut."""
    return PersonsFirst(GrabCutSegmenter())


@lru_cache(maxsize=2)
def _opened(name: str) -> PromptedSegmenter:
    if not name:
        return without_model()
    if Path(name).suffix in _MODEL_FILES:
        file = Path(name).expanduser()
        if not file.is_file():
            raise UserInputError(f"{SETTING} names {quoted(name, 80)}, which is not on this machine.")
        return InteractiveSegmenter(file)
    folder = _folder(name)
    missing = [file for file in (_CONFIG, _WEIGHTS) if folder is None or not (folder / file).is_file()]
    if folder is None or missing:
        raise UserInputError(
            f"The model {SETTING} is not on this machine, or lacks {missing[0]}: download it, or name the folder of "
            "another one."
        )
    kind = _kind(folder / _CONFIG)
    if kind not in KINDS:
        raise UserInputError(
            f"The model {SETTING} finds no object at a click by its {_CONFIG}: choose one such as {_SUCH_AS}."
        )
    try:
        read_header(folder / _WEIGHTS)
    except ValueError as error:
        raise UserInputError(
            f"The model {SETTING} cannot be read: its {_WEIGHTS} {error}: download it again."
        ) from error
    return SegmentAnything(folder, kind)


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
            f"{SETTING} {quoted(name, 80)} is no Hub id, no absolute folder and no model file: give one of them."
        ) from error
    return Path(cached).parent if isinstance(cached, str) else None


def _kind(config: Path) -> str:
    try:
        content: JsonValue = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(content.get("model_type", "")) if isinstance(content, dict) else ""
