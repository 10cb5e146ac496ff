# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""Pictures and words as directions in the space of the deployment's CLIP model, where what is alike lies close.

Sources
-------
Radford, Kim, Hallacy et al., "Learning transferable visual models from natural language supervision", ICML 2021,
arXiv:2103.00020. From one text to another, as a direction: Patashnik, Wu, Shechtman, Cohen-Or, Lischinski, "StyleCLIP:
text-driven manipulation of StyleGAN imagery", ICCV 2021, arXiv:2103.17249.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.metrics.clip import CLIP, clip_config, files_key

# Raise it whenever the same picture gets another vector by the same model.
_WAY = 1
_WORDS_KEPT = 64


def model_key(name: str) -> str:
    """Which exact CLIP model reads here now, and how: vectors of different keys cannot be compared.

    Parameters
    ----------
    name
        Folder or Hub id; not empty.

    Raises
    ------
    NotMeasuredError
        See `Judge.kept`.
    """
    return CLIP.kept(name, _key)


def picture_vector(name: str, picture: np.ndarray) -> np.ndarray:
    """Where a picture lies.

    Parameters
    ----------
    name
        Folder or Hub id of the CLIP model.
    picture
        uint8, HWC, RGB. The model sees its middle square.

    Returns
    -------
    ndarray
        float32, of length 1 by the Euclidean norm.

    Raises
    ------
    NotMeasuredError
        See `Judge.kept`.
    """
    model, _, processor = CLIP.load(name)
    import torch

    with torch.inference_mode():
        seen = model.vision_model(**processor(images=picture, return_tensors="pt")).pooler_output
        return _unit(model.visual_projection(seen)[0].float().numpy())


def words_vector(name: str, words: str, less: str = "") -> np.ndarray:
    """Where a text lies, or the direction that leads to it from another one; see `picture_vector`.

    Parameters
    ----------
    words, less
        Towards and away from; cut at the model's window, as CLIP itself does.

    Raises
    ------
    UserInputError
        There is no way from one text to another that is the same to the model.
    """
    key = CLIP.kept(name, files_key)
    towards = _text_vector(name, key, words)
    if not less:
        return towards
    way = towards - _text_vector(name, key, less)
    if float(np.linalg.norm(way)) < 1e-4:  # float32
        raise UserInputError("Both texts are the same to the CLIP model: give two that differ.")
    return _unit(way)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


@lru_cache(maxsize=_WORDS_KEPT)
def _text_vector(name: str, key: str, words: str) -> np.ndarray:
    model, tokenizer = CLIP.kept(name, lambda asked: _half_for_words(asked, key))
    import torch

    window = min(tokenizer.model_max_length, model.config.max_position_embeddings)
    tokens = tokenizer(words, truncation=True, max_length=window, return_tensors="pt")
    with torch.inference_mode():
        return _unit(model(**tokens).text_embeds[0].float().numpy())


@lru_cache(maxsize=1)
def _half_for_words(name: str, key: str) -> tuple[Any, Any]:
    """Half of the model and its tokenizer: who only asks with words needs no more of it in memory."""
    del key  # other files are another model
    import transformers
    from transformers import AutoTokenizer, CLIPTextModelWithProjection

    transformers.utils.logging.set_verbosity_error()  # that the half for pictures is left out is meant
    transformers.utils.logging.disable_progress_bar()
    whole = clip_config(name)
    # transformers 5.23 takes the size of the space from the half's own part, where it is another one in some models.
    whole.text_config.projection_dim = whole.projection_dim
    model = CLIPTextModelWithProjection.from_pretrained(name, config=whole.text_config, local_files_only=True).eval()
    return model, AutoTokenizer.from_pretrained(name, local_files_only=True)


def _key(name: str) -> str:
    return f"{_WAY}-{files_key(name)}"
