"""Which prompted segmenter a deployment has: the model of its setting, or GrabCut, which needs none."""

from functools import lru_cache
from pathlib import Path

from bgen_core.errors import UserInputError
from bgen_core.home_paths import with_home
from bgen_core.models.hub.kept_model import CONFIG, WEIGHTS, check_weights, config_of, kept_model
from bgen_core.subject.prompted.found_object import PromptedSegmenter
from bgen_core.subject.prompted.grabcut import GrabCutSegmenter
from bgen_core.subject.prompted.interactive import InteractiveSegmenter
from bgen_core.subject.prompted.persons_first import PersonsFirst
from bgen_core.subject.prompted.segment_anything import KINDS, SegmentAnything
from bgen_core.wording import quoted

SETTING = "BGEN_PROMPTED_MODEL"
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
        file = with_home(name)
        if not file.is_file():
            raise UserInputError(f"{SETTING} names {quoted(name, 80)}, which is not on this machine.")
        return InteractiveSegmenter(file)
    said = f"The model {SETTING}"
    folder = kept_model(
        name,
        setting=SETTING,
        said=said,
        files=(CONFIG, WEIGHTS),
        forms="no Hub id, no absolute folder and no model file",
    )
    kind = str(config_of(folder).get("model_type", ""))
    if kind not in KINDS:
        raise UserInputError(f"{said} finds no object at a click by its {CONFIG}: choose one such as {_SUCH_AS}.")
    check_weights(folder, said)
    return SegmentAnything(folder, kind)
