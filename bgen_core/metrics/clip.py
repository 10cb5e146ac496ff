# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""How well a picture follows its prompt, and whether people would choose it: by models of the deployment's choice.

Sources
-------
CLIPScore: Hessel, Holtzman, Forbes, Le Bras, Choi, "CLIPScore: a reference-free evaluation metric for image
captioning", EMNLP 2021, arXiv:2104.08718. Preference: Kirstain, Polyak, Singer, Matiana, Penna, Levy, "Pick-a-Pic: an
open dataset of user preferences for text-to-image generation", NeurIPS 2023, arXiv:2305.01569: a CLIP model that was
trained further on which of two pictures people chose.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bgen_core.metrics.metric import NotMeasuredError
from bgen_core.metrics.scene import Scene
from bgen_core.models.loading import quiet_libraries
from bgen_core.wording import quoted


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
        """Model, tokenizer and image processor, from this machine's files alone; kept for the process.

        Raises
        ------
        NotMeasuredError
            They are not here or cannot be read. It is then ten minutes before they are looked for again, so that
            thousands of runs do not wait for it one by one.
        """
        if not name:
            raise NotMeasuredError(self.no_model)
        failed = _failures.get(name)
        if failed is None or time.monotonic() >= failed[0]:
            try:
                return _loaded(name)
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
def _loaded(name: str) -> tuple[Any, Any, Any]:
    quiet_libraries()
    from transformers import AutoTokenizer, CLIPModel
    from transformers import CLIPImageProcessorPil as CLIPImageProcessor  # CLIPImageProcessor's needs torchvision

    model = CLIPModel.from_pretrained(name, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=True)
    processor = CLIPImageProcessor.from_pretrained(name, local_files_only=True)
    return model, tokenizer, processor
