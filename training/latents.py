"""Encode all pictures once: the UNet never sees a pixel."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor

from training.checkpoints import load_checkpoint, save_checkpoint
from training.config import Config
from training.people import draw_foreground
from training.workers import Team

_PEOPLE_A_FILE = 200


def open_vae(config: Config) -> AutoencoderTiny:
    """The trained autoencoder, ready to encode."""
    vae = AutoencoderTiny.from_pretrained(config.work / "vae")
    return vae.eval().requires_grad_(False).to(memory_format=torch.channels_last)


@torch.no_grad()
def encode(vae: AutoencoderTiny, pictures: NDArray[np.uint8] | NDArray[np.float32]) -> Tensor:
    """Pictures (n, 256, 256, 3), 0 to 255, to unscaled latents (n, 4, 32, 32).

    One at a time: a single picture's activations stay in the processor's cache, eight do not.
    """
    parts = []
    for picture in pictures:
        one = torch.from_numpy(np.array(picture, np.float32)).permute(2, 0, 1)[None]
        parts.append(vae.encode((one / 127.5 - 1).contiguous(memory_format=torch.channels_last)).latents)
    return torch.cat(parts).contiguous()


def _encode_foregrounds(vae: AutoencoderTiny, seed: int, numbers: range) -> dict[str, Tensor]:
    drawn = [draw_foreground(np.random.default_rng([seed, i])) for i in numbers]
    masked = np.stack([np.where(f.mask[..., None] > 0.5, 127.5, f.picture).astype(np.float32) for f in drawn])
    masks = torch.from_numpy(np.stack([f.mask for f in drawn]))[:, None]
    return {
        "subject": encode(vae, masked),
        # The pipeline shrinks masks by taking every eighth pixel.
        "mask": masks[:, :, ::8, ::8].half(),
        "touched": F.max_pool2d(masks, 8).half(),
        "share": F.avg_pool2d(masks, 8).half(),
    }


def cache_latents(team: Team, config: Config, report: Callable[[str], None] = print) -> None:
    """Encode this worker's chunks of scenes and people, leaving out those that exist."""
    vae = open_vae(config)
    folder = config.work / "latents"
    for start in range(team.rank * _PEOPLE_A_FILE, config.render.people, team.size * _PEOPLE_A_FILE):
        path = folder / f"people_{start:05d}.pt"
        if not path.exists():
            numbers = range(start, min(start + _PEOPLE_A_FILE, config.render.people))
            save_checkpoint(path, _encode_foregrounds(vae, config.render.people_seed, numbers))
    chunks = sorted((config.work / "scenes").glob("scenes_*.npy"))[: config.render.encoded // config.render.chunk]
    for chunk in chunks[team.rank :: team.size]:
        path = folder / f"{chunk.stem}.pt"
        if not path.exists():
            save_checkpoint(path, {"scenes": encode(vae, np.load(chunk, mmap_mode="r"))})
            report(f"latents: {chunk.stem} of {len(chunks)}")


def join_latents(config: Config) -> None:
    """Put all chunks together, scaled to unit variance, in ``work/latents.pt``."""

    def read(pattern: str, name: str) -> Tensor:
        return torch.cat([load_checkpoint(path)[name] for path in sorted((config.work / "latents").glob(pattern))])

    scenes = read("scenes_*.pt", "scenes")
    scale = float(1 / scenes.std())
    grey = encode(open_vae(config), np.full((1, 256, 256, 3), 127.5, np.float32))
    joined = {
        "scenes": (scenes * scale).half(),
        "subject": (read("people_*.pt", "subject") * scale).half(),
        "grey": (grey * scale).half(),
        "scale": scale,
    }
    joined |= {name: read("people_*.pt", name) for name in ("mask", "touched", "share")}
    save_checkpoint(config.work / "latents.pt", joined)
