# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""How well a picture follows its prompt, and whether people would choose it: by models of the deployment's choice.

Sources
-------
CLIPScore: Hessel, Holtzman, Forbes, Le Bras, Choi, "CLIPScore: a reference-free evaluation metric for image
captioning", EMNLP 2021, arXiv:2104.08718. Preference: Kirstain, Polyak, Singer, Matiana, Penna, Levy, "Pick-a-Pic: an
open dataset of user preferences for text-to-image generation", NeurIPS 2023, arXiv:2305.01569: a CLIP model that was
trained further on which of two pictures people chose.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

from bgen_core.home_paths import with_home
from bgen_core.metrics.metric import NotMeasuredError
from bgen_core.metrics.scene import Scene
from bgen_core.models.content_hash import hash_folder
from bgen_core.models.loading import quiet_libraries
from bgen_core.wording import quoted

_Read = TypeVar("_Read")
_READING = threading.RLock()  # threads that answer visitors would each load a model of their own


@dataclass(frozen=True, kw_only=True)
class Judge:
    """A metric whose value a model gives that the deployment names.

    Attributes
    ----------
    metric
        Its row's name.
    called
        What the model is called in a sentence.
    field
        The field of `Settings` that names it, and of `Scene`.
    """

    metric: str
    called: str
    field: str

    @property
    def variable(self) -> str:
        return f"BGEN_{self.field.upper()}"

    # How reasons begin that another setting, or a download, may overcome.
    @property
    def not_set(self) -> str:
        return f"No {self.called} is set"

    @property
    def not_loaded(self) -> str:
        return f"The {self.called} "

    @property
    def no_model(self) -> str:
        return f"{self.not_set}: {self.variable}."

    def why_not(self, name: str) -> str:
        """Why nothing can be judged with the model of this name; empty where it can. Loads it where it can."""
        try:
            self.load(name)
        except NotMeasuredError as error:
            return str(error)
        return ""

    def load(self, name: str) -> tuple[Any, Any, Any]:
        """Model, tokenizer and image processor, from this machine's files alone; kept as long as these are the same.

        Raises
        ------
        NotMeasuredError
            See `kept`.
        """
        return self.kept(name, lambda asked: _loaded(asked, files_key(asked)))

    def kept(self, name: str, read: Callable[[str], _Read]) -> _Read:
        """What somebody reads of the model of this name.

        Raises
        ------
        NotMeasuredError
            Its files are not here or cannot be read. It is then ten minutes before they are looked for again, so that
            thousands of runs do not wait for it one by one.
        """
        if not name:
            raise NotMeasuredError(self.no_model)
        failed = _failures.get(name)
        if failed is None or time.monotonic() >= failed[0]:
            try:
                with _READING:
                    return read(name)
            except Exception as error:  # missing or damaged files, another kind of model: all end here
                said = str(error).strip().splitlines()
                failed = time.monotonic() + _TRY_AGAIN_SECONDS, (said[0] if said else type(error).__name__).rstrip(".")
                _failures[name] = failed
        raise NotMeasuredError(
            f"{self.not_loaded}{quoted(name)} cannot be loaded from this machine ({failed[1]}): "
            f"give {self.variable} the folder of one, or a Hub id that has been downloaded."
        )


CLIP = Judge(metric="clip_score", called="CLIP model", field="clip_model")
PREFERENCE = Judge(metric="preference", called="preference model", field="preference_model")
JUDGES = {judge.metric: judge for judge in (CLIP, PREFERENCE)}
NO_MODEL = CLIP.no_model
_TRY_AGAIN_SECONDS = 600.0
_WEIGHT = 2.5  # the paper's w, which spreads the values over about 0 to 1
_PREFIX = "A photo depicts "  # the paper's prompt


def clip_score(scene: Scene) -> float:
    """2.5 · max(0, cos(image, text)) of the finished picture and "A photo depicts" + the prompt.

    A prompt longer than the model's window is cut there, as CLIP itself does.
    """
    output = _output(CLIP, scene, _PREFIX)
    import torch

    cosine = torch.nn.functional.cosine_similarity(output.image_embeds, output.text_embeds)
    return _WEIGHT * max(0.0, float(cosine[0]))


def preference(scene: Scene) -> float:
    """The model's logit of the finished picture and the prompt: the cosine times a scale that it learnt.

    Of two pictures of one prompt, people choose the one whose value is higher by d with a chance of 1 / (1 + exp(-d)),
    as far as the model knows them.
    """
    return float(_output(PREFERENCE, scene, "").logits_per_image[0, 0])


def nothing_asked(scene: Scene) -> float:
    """A run alone is alike to nothing: see `bgen_core/runs/likeness.py`."""
    raise NotMeasuredError("It is told of what somebody looks for.")


def _output(judge: Judge, scene: Scene, prefix: str) -> Any:
    """What the judge's model says of the picture and the prompt."""
    name: str = getattr(scene, judge.field)
    if not name:
        raise NotMeasuredError(judge.no_model)
    if not scene.inputs.prompt.strip():
        raise NotMeasuredError("The prompt is empty.")
    import torch

    model, tokenizer, processor = judge.load(name)
    window = min(tokenizer.model_max_length, model.config.text_config.max_position_embeddings)
    tokens = tokenizer(prefix + scene.inputs.prompt, truncation=True, max_length=window, return_tensors="pt")
    # From the reduced picture: CLIP sees 224 to 336 pixels
    pixels = processor(images=scene.small_picture, return_tensors="pt")
    with torch.inference_mode():
        return model(**tokens, **pixels)


def clip_note(scene: Scene) -> str:
    """Scores of different models are not comparable, so each says its own."""
    return f"By {scene.clip_model}."


def preference_note(scene: Scene) -> str:
    """As `clip_note`."""
    return f"By {scene.preference_model}."


# Model -> until when it is not looked for again, and why it could not be loaded.
_failures: dict[str, tuple[float, str]] = {}


@lru_cache(maxsize=len(JUDGES))
def _loaded(name: str, key: str) -> tuple[Any, Any, Any]:
    del key  # other files are another model
    quiet_libraries()
    clip_config(name)
    from transformers import AutoTokenizer, CLIPModel
    from transformers import CLIPImageProcessorPil as CLIPImageProcessor  # CLIPImageProcessor's needs torchvision

    model = CLIPModel.from_pretrained(name, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=True)
    processor = CLIPImageProcessor.from_pretrained(name, local_files_only=True)
    return model, tokenizer, processor


def files_key(name: str) -> str:
    """Which exact files a model's name stands for now: their hash, or the commit of the Hub that is here."""
    folder = with_home(name)
    if folder.is_dir():
        return hash_folder(folder)
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, "config.json")
    if not isinstance(found, str):
        raise FileNotFoundError("it has not been downloaded")
    return Path(found).parent.name


def clip_config(name: str) -> Any:
    """What a CLIP model says of itself. Of another kind weights are left out without a word, and chance takes over."""
    from transformers import AutoConfig

    config = cast("Any", AutoConfig.from_pretrained(name, local_files_only=True))
    if config.model_type != "clip":
        raise ValueError(f"it is of the kind {quoted(config.model_type, 40)} and not 'clip'")
    return config
