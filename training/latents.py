"""Encode all pictures once: the UNet never sees a pixel."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor

from training.checkpoints import load_checkpoint, save_checkpoint
from training.config import Config
from training.device import choose_device
from training.render import chunk_paths, figure_paths
from training.workers import Team

_AT_ONCE = 128  # pictures on a GPU


def open_vae(config: Config, device: torch.device | None = None) -> AutoencoderTiny:
    """The autoencoder with its finished decoder, or as the first stage leaves it: their latents are the same."""
    finished, first = config.work / "decoder", config.work / "vae"
    vae = AutoencoderTiny.from_pretrained(finished if finished.exists() else first)
    return vae.eval().requires_grad_(False).to(device or "cpu", memory_format=torch.channels_last)


@torch.no_grad()
def encode(vae: AutoencoderTiny, pictures: NDArray[np.uint8] | NDArray[np.float32]) -> Tensor:
    """Pictures (n, side, side, 3), 0 to 255, to unscaled latents (n, 4, side / 4, side / 4), on the CPU.

    One at a time on a processor: a single picture's activations stay in its cache, eight do not.
    """
    device = next(vae.parameters()).device
    at_once = 1 if device.type == "cpu" else _AT_ONCE
    parts = []
    for start in range(0, len(pictures), at_once):
        some = torch.from_numpy(np.array(pictures[start : start + at_once])).to(device).permute(0, 3, 1, 2).float()
        parts.append(vae.encode((some / 127.5 - 1).contiguous(memory_format=torch.channels_last)).latents.cpu())
    return torch.cat(parts).contiguous()


def _encode_figures(vae: AutoencoderTiny, pictures: NDArray[np.uint8], painted: NDArray[np.bool_]) -> dict[str, Tensor]:
    masked = np.where(painted[..., None], np.float32(127.5), pictures.astype(np.float32))
    masks = torch.from_numpy(painted).float()[:, None]
    subject = encode(vae, masked)
    side = masks.shape[-1] // subject.shape[-1]
    return {
        "subject": subject,
        # The pipeline shrinks masks by taking one pixel of each cell, the first.
        "mask": masks[:, :, ::side, ::side].half(),
        "touched": F.max_pool2d(masks, side).half(),
        "share": F.avg_pool2d(masks, side).half(),
    }


def cache_latents(team: Team, config: Config, report: Callable[[str], None] = print) -> None:
    """Encode this worker's chunks of scenes and people, leaving out those that exist."""
    vae = open_vae(config, choose_device(config.device))
    folder = config.pictures / "latents"
    for drawn in figure_paths(config.pictures / "scenes", config.render)[team.rank :: team.size]:
        path = folder / f"{drawn.stem}.pt"
        if not path.exists():
            with np.load(drawn) as figures:
                save_checkpoint(path, _encode_figures(vae, figures["pictures"], figures["painted"]))
    chunks = _encoded_chunks(config)
    for chunk in chunks[team.rank :: team.size]:
        path = folder / f"{chunk.stem}.pt"
        if not path.exists():
            save_checkpoint(path, {"scenes": encode(vae, np.load(chunk, mmap_mode="r"))})
            report(f"latents: {chunk.stem} of {len(chunks)}")


def _encoded_chunks(config: Config) -> list[Path]:
    folder = config.pictures / "scenes"
    return [chunk_paths(folder, index)[0] for index in range(config.render.encoded_chunks)]


def join_latents(config: Config, scale: float | None = None) -> float:
    """Put all chunks of the run's size together in ``latents.pt``, in their place.

    Parameters
    ----------
    config : Config
        The run.
    scale : float, optional
        Factor for latents; by default what an exported UNet knows, or what gives these unit variance. All sizes of a
        run have one, since a pipeline has one.

    Returns
    -------
    float
        The factor.
    """
    folder, pictures = config.pictures / "latents", config.pictures / "scenes"

    def read(files: list[Path], name: str) -> Tensor:
        return torch.cat([load_checkpoint(folder / f"{path.stem}.pt")[name] for path in files])

    scenes, figures = read(_encoded_chunks(config), "scenes"), figure_paths(pictures, config.render)
    vae = open_vae(config)
    known = float(vae.config.scaling_factor)
    if scale is None:
        scale = known if known != 1 else float(1 / scenes.std())
    grey = encode(vae, np.full((1, config.render.side, config.render.side, 3), 127.5, np.float32))
    joined = {
        "scenes": (scenes * scale).half(),
        "subject": (read(figures, "subject") * scale).half(),
        "grey": (grey * scale).half(),
        "scale": scale,
    }
    joined |= {name: read(figures, name) for name in ("mask", "touched", "share")}
    save_checkpoint(config.pictures / "latents.pt", joined)
    shutil.rmtree(folder)
    return scale
