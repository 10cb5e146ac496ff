"""A small random Stable Diffusion 1.5 in a folder, and what makes an IC-Light of each kind of it."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from tests.tiny_models import tiny_pipeline

KINDS = (8, 12)  # input channels


def save_ic_light(folder: Path) -> Path:
    """The folder of the model, with the offsets as 8.safetensors and 12.safetensors."""
    pipeline = tiny_pipeline("sd-4")
    for name in ("unet", "vae", "text_encoder", "tokenizer"):
        getattr(pipeline, name).save_pretrained(folder / name)
    (folder / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    generator = torch.Generator().manual_seed(5)
    weights = load_file(folder / "unet" / "diffusion_pytorch_model.safetensors")
    for channels in KINDS:
        added = {name: 0.02 * torch.randn(each.shape, generator=generator) for name, each in weights.items()}
        first = weights["conv_in.weight"].shape
        added["conv_in.weight"] = 0.1 * torch.randn(first[0], channels, *first[2:], generator=generator)
        save_file({name: each.half() for name, each in added.items()}, folder / f"{channels}.safetensors")
    return folder
