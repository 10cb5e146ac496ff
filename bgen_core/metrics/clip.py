# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""How well a picture follows its prompt: CLIPScore, by a CLIP model of the deployment's choice.

Source: Hessel, Holtzman, Forbes, Le Bras, Choi, "CLIPScore: a reference-free evaluation metric for image captioning",
EMNLP 2021, arXiv:2104.08718.
"""

import time
from functools import lru_cache
from typing import Any

from bgen_core.metrics.metric import NotMeasuredError
from bgen_core.metrics.scene import Scene
from bgen_core.models.loading import quiet_libraries
from bgen_core.wording import quoted

NO_MODEL = "No CLIP model is set: BGEN_CLIP_MODEL."
CLIP_METRIC = "clip_score"
# How reasons begin that another setting, or a download, may overcome.
NOT_SET = "No CLIP model is set"
NOT_LOADED = "The CLIP model "
_TRY_AGAIN_SECONDS = 600.0
_WEIGHT = 2.5  # the paper's w, which spreads the values over about 0 to 1
_PREFIX = "A photo depicts "  # the paper's prompt


def clip_score(scene: Scene) -> float:
    """2.5 · max(0, cos(image, text)) of the finished picture and "A photo depicts" + the prompt.

    A prompt longer than the model's window is cut there, as CLIP itself does.
    """
    if not scene.clip_model:
        raise NotMeasuredError(NO_MODEL)
    if not scene.inputs.prompt.strip():
        raise NotMeasuredError("The prompt is empty.")
    import torch

    model, tokenizer, processor = _load(scene.clip_model)
    window = min(tokenizer.model_max_length, model.config.text_config.max_position_embeddings)
    tokens = tokenizer(_PREFIX + scene.inputs.prompt, truncation=True, max_length=window, return_tensors="pt")
    # From the reduced picture: CLIP sees 224 to 336 pixels
    pixels = processor(images=scene.small_picture, return_tensors="pt")
    with torch.inference_mode():
        output = model(**tokens, **pixels)
        cosine = torch.nn.functional.cosine_similarity(output.image_embeds, output.text_embeds)
    return _WEIGHT * max(0.0, float(cosine[0]))


def clip_note(scene: Scene) -> str:
    """Scores of different models are not comparable, so each says its own."""
    return f"By {scene.clip_model}."


def why_no_clip(name: str) -> str:
    """Why no score can be given with this CLIP model, in a sentence; empty where it can. Loads it where it can."""
    if not name:
        return NO_MODEL
    try:
        _load(name)
    except NotMeasuredError as error:
        return str(error)
    return ""


def _load(name: str) -> tuple[Any, Any, Any]:
    """Model, tokenizer and image processor, from this machine's files alone; kept for the process.

    Raises
    ------
    NotMeasuredError
        They are not here or cannot be read. It is then ten minutes before they are looked for again, so that thousands
        of runs do not wait for it one by one.
    """
    failed = _failures.get(name)
    if failed is not None and time.monotonic() < failed[0]:
        raise NotMeasuredError(failed[1])
    try:
        return _loaded(name)
    except Exception as error:  # missing or damaged files, another kind of model: all end here
        said = str(error).strip().splitlines()
        reason = (
            f"{NOT_LOADED}{quoted(name)} cannot be loaded from this machine "
            f"({(said[0] if said else type(error).__name__).rstrip('.')}): "
            "give BGEN_CLIP_MODEL the folder of one, or a Hub id that has been downloaded."
        )
        _failures[name] = time.monotonic() + _TRY_AGAIN_SECONDS, reason
        raise NotMeasuredError(reason) from error


# Model -> until when it is not looked for again, and why it could not be loaded.
_failures: dict[str, tuple[float, str]] = {}


@lru_cache(maxsize=1)
def _loaded(name: str) -> tuple[Any, Any, Any]:
    quiet_libraries()
    from transformers import AutoTokenizer, CLIPModel
    from transformers import CLIPImageProcessorPil as CLIPImageProcessor  # CLIPImageProcessor's needs torchvision

    model = CLIPModel.from_pretrained(name, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=True)
    processor = CLIPImageProcessor.from_pretrained(name, local_files_only=True)
    return model, tokenizer, processor
