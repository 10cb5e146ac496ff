"""Training samples for the UNet, put together from cached latents and fresh captions."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import CLIPTokenizer

from training.captions import caption
from training.checkpoints import load_checkpoint
from training.config import Config, UnetConfig
from training.scenes.scene import Traits
from training.text import all_traits, encode_texts, load_tokenizer


@dataclass(frozen=True)
class Batch:
    """What one training step needs.

    Parameters
    ----------
    target : Tensor, (n, 4, side, side)
        Latents of the finished picture.
    mask : Tensor, (n, 1, side, side)
        1 where the background is painted.
    subject : Tensor, (n, 4, side, side)
        Latents of the picture with the background greyed out.
    painted : Tensor, (n, 1, side, side)
        1 where `target` shows the scene: every cell that touches background, so that no grey fringe is learned
        at the subject's edge.
    ids : Tensor, (n, positions)
        Token ids of the captions.
    """

    target: Tensor
    mask: Tensor
    subject: Tensor
    painted: Tensor
    ids: Tensor

    def pooled(self) -> "Batch":
        """The same at half the side."""
        return Batch(
            F.avg_pool2d(self.target, 2),
            self.mask[:, :, ::2, ::2],
            F.avg_pool2d(self.subject, 2),
            F.max_pool2d(self.painted, 2),
            self.ids,
        )

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""
        return Batch(*(part.to(device) for part in (self.target, self.mask, self.subject, self.painted, self.ids)))


class Samples:
    """Cached latents and their traits."""

    def __init__(self, config: Config) -> None:
        cache = load_checkpoint(config.work / "latents.pt")
        if cache is None:
            raise FileNotFoundError(config.work / "latents.pt")
        self._cache = cache
        self._settings: UnetConfig = config.unet
        self._traits: list[Traits] = all_traits(config.work / "scenes")[: len(cache["scenes"])]
        self._tokenizer: CLIPTokenizer = load_tokenizer(config)
        self._nothing = encode_texts(self._tokenizer, [""])[0]
        self.scale = float(cache["scale"])

    def batch(self, seed: tuple[int, ...], count: int) -> Batch:
        """Draw a batch that is a function of its seed alone."""
        rng = np.random.default_rng(seed)
        generator = np.random.default_rng((*seed, 1))
        settings, cache = self._settings, self._cache
        scene = rng.integers(len(self._traits), size=count)
        target = cache["scenes"][scene].float()
        person = rng.integers(len(cache["subject"]), size=count)
        subject, mask, touched, share = (
            cache[name][person].float() for name in ("subject", "mask", "touched", "share")
        )
        borrowed = self._chosen(rng, count, settings.borrowed_subject_share)
        other = cache["scenes"][rng.integers(len(self._traits), size=count)].float()
        subject = torch.where(borrowed, other * (1 - share) + cache["grey"].float() * share, subject)
        recoloured = self._chosen(rng, count, settings.recoloured_share)
        factor = rng.uniform(*settings.recolouring, (count, 4, 1, 1)) * rng.choice(
            [-1, 1], (count, 4, 1, 1), p=[0.2, 0.8]
        )
        stretched = cache["grey"].float() + (subject - cache["grey"].float()) * torch.from_numpy(factor).float()
        subject = torch.where(recoloured, stretched, subject)
        alone = self._chosen(rng, count, settings.no_subject_share)
        subject = torch.where(alone, cache["grey"].float(), subject)
        mask, touched = torch.where(alone, 1.0, mask), torch.where(alone, 1.0, touched)
        margin = settings.painted_margin
        painted = F.max_pool2d(touched, 2 * margin + 1, 1, margin)
        texts = [caption(generator, self._traits[int(i)]).text for i in scene]
        ids = encode_texts(self._tokenizer, texts)
        ids[torch.from_numpy(rng.random(count) < settings.caption_dropout)] = self._nothing
        return Batch(painted * target + (1 - painted) * subject, mask, subject, painted, ids)

    @staticmethod
    def _chosen(rng: np.random.Generator, count: int, share: float) -> Tensor:
        return torch.from_numpy(rng.random((count, 1, 1, 1)) < share)
