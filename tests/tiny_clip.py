"""A small random CLIP model in transformers' own classes: the numbers mean nothing, the way to them does."""

from pathlib import Path
from typing import Any

import numpy as np

from bgen_core.models.catalogue import DEMO_FOLDER
from bgen_core.models.loading import quiet_libraries

SIDE = 32
WINDOW = 24


def saved_clip(folder: Path, *, sign: int = 1, dims: int = 16) -> Path:
    """Save one; with the other sign every cosine of a picture and a text has the other sign too.

    Parameters
    ----------
    dims
        Of the space in which pictures and texts lie.
    """
    import torch

    quiet_libraries()
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(DEMO_FOLDER / "tokenizer")
    size: dict[str, Any] = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    text = {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": WINDOW,
        "eos_token_id": tokenizer.eos_token_id,
        **size,
    }
    torch.manual_seed(3)
    config = CLIPConfig(
        text_config=text, vision_config={"image_size": SIDE, "patch_size": 8, **size}, projection_dim=dims
    )
    model = CLIPModel(config)
    model.visual_projection.weight.data *= sign
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=SIDE).save_pretrained(folder)
    return folder


def embeddings(folder: Path, text: str, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the whole model says of a picture and a text: both of length 1."""
    import torch
    from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

    model = CLIPModel.from_pretrained(folder).eval()
    tokens = CLIPTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    pixels = CLIPImageProcessorPil.from_pretrained(folder)(images=picture, return_tensors="pt")
    with torch.no_grad():
        output = model(**tokens, **pixels)
    return output.image_embeds[0].numpy(), output.text_embeds[0].numpy()
