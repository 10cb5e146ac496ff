"""Write the trained demo model as a diffusers pipeline folder with its model card."""

import json
import shutil
from pathlib import Path

import torch
from diffusers import StableDiffusionInpaintPipeline

from training.checkpoints import load_checkpoint
from training.config import Config
from training.latents import open_vae
from training.text import build_text_encoder, load_tokenizer
from training.train_unet import checkpoint_path
from training.unet import build_scheduler, build_unet

_WRITTEN_BY_HAND = ("README.md", "world.json")
_STALE_VAE_KEYS = ("block_out_channels", "_name_or_path")  # the second is a folder of the machine that trained


def open_trained(config: Config) -> StableDiffusionInpaintPipeline:
    """The averaged weights of the last checkpoint as a pipeline, in float32.

    Raises
    ------
    FileNotFoundError
        If a stage before has not been finished.
    """
    state, cache = load_checkpoint(checkpoint_path(config.work)), load_checkpoint(config.work / "latents.pt")
    if state is None:
        raise FileNotFoundError(checkpoint_path(config.work))
    tokenizer = load_tokenizer(config)
    unet, text = build_unet(config.unet, config.text), build_text_encoder(tokenizer, config.text)
    unet.load_state_dict(state["average_unet"])
    text.load_state_dict(state["average_text"])
    vae = open_vae(config)
    if cache is not None:  # none was needed if the UNet came from an export, as its autoencoder's scale did
        vae.register_to_config(scaling_factor=float(cache["scale"]))
    return StableDiffusionInpaintPipeline(
        vae=vae,
        text_encoder=text.eval(),
        tokenizer=tokenizer,
        unet=unet.eval(),
        scheduler=build_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def export(config: Config, folder: Path | None = None) -> Path:
    """Save the pipeline in place of what the folder held; the kept tokenizer, the card and `world.json` go with it.

    Parameters
    ----------
    config : Config
        The run.
    folder : Path, optional
        `config.export` by default.
    """
    folder = folder or config.export
    temporary = folder.with_name(folder.name + ".new")
    shutil.rmtree(temporary, ignore_errors=True)
    pipeline = open_trained(config)
    pipeline.to(dtype=torch.float32).save_pretrained(temporary, safe_serialization=True)
    settings = temporary / "vae" / "config.json"
    written = {key: value for key, value in json.loads(settings.read_text()).items() if key not in _STALE_VAE_KEYS}
    settings.write_text(json.dumps(written, indent=2) + "\n")
    # transformers writes how a tokenizer was loaded into its configuration, and a model's revision hashes that too.
    shutil.copytree(config.tokenizer, temporary / "tokenizer", dirs_exist_ok=True)
    for name in _WRITTEN_BY_HAND:
        shutil.copyfile(config.export / name, temporary / name)
    shutil.rmtree(folder, ignore_errors=True)
    temporary.replace(folder)
    return folder
