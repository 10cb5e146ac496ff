"""Training samples for the UNet, put together on its device from cached latents and captions."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.checkpoints import load_checkpoint
from training.config import Config, UnetConfig
from training.render import kind_of


@dataclass(frozen=True)
class Window:
    """A part of a picture, in latents."""

    top: int
    left: int
    height: int
    width: int


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

    def window(self, window: Window) -> "Batch":
        """What shows through a window."""
        rows, columns = slice(window.top, window.top + window.height), slice(window.left, window.left + window.width)
        parts = (self.target, self.mask, self.subject, self.painted)
        return Batch(*(part[:, :, rows, columns] for part in parts), self.ids)


def choose_window(settings: UnetConfig, side: int, step: int, rank: int) -> Window:
    """The window of one worker's step on pictures of `side` latents: all of them, or a wide or a tall part.

    Photos are rarely square. It is drawn on the processor, so that a GPU need not be waited for.
    """
    numbers = np.random.default_rng([settings.seed, step, rank])
    if numbers.random() >= settings.window_share:
        return Window(0, 0, side, side)
    low, high = settings.window_sides
    short = round(side * numbers.uniform(low, high) / 2) * 2
    offset = int(numbers.integers(side - short + 1))
    return Window(offset, 0, short, side) if numbers.random() < 0.5 else Window(0, offset, side, short)


class Samples:
    """Cached latents and captions of a run, all of them on one device."""

    def __init__(self, config: Config, device: torch.device) -> None:
        self._settings: UnetConfig = config.unet
        self._device = device
        latents, captions = (_cached(config, name, device) for name in ("latents.pt", "captions.pt"))
        self._scenes, self._grey = latents["scenes"], latents["grey"].float()
        self._figures = {name: latents[name] for name in ("subject", "mask", "touched", "share")}
        self._ids, self._nothing = captions["ids"], captions["nothing"].long()
        weights = [config.unet.kind_weights.get(kind_of(number), 1.0) for number in range(len(self._scenes))]
        self._weights = torch.tensor(weights, device=device)

    def batch(self, numbers: torch.Generator, count: int) -> Batch:
        """Draw a batch that is a function of the generator's state alone; the generator is the device's."""
        settings, grey = self._settings, self._grey
        scene = torch.multinomial(self._weights, count, replacement=True, generator=numbers)
        target = self._scenes[scene].float()
        figure = self._below(numbers, len(self._figures["subject"]), count)
        subject, mask, touched, share = (part[figure].float() for part in self._figures.values())
        other = self._scenes[self._below(numbers, len(self._scenes), count)].float()
        borrowed = self._chosen(numbers, count, settings.borrowed_subject_share)
        subject = torch.where(borrowed, other * (1 - share) + grey * share, subject)
        low, high = settings.recolouring
        factor = low + (high - low) * self._uniform(numbers, count, 4, 1, 1)
        factor = factor * torch.where(self._uniform(numbers, count, 4, 1, 1) < 0.2, -1.0, 1.0)
        recoloured = self._chosen(numbers, count, settings.recoloured_share)
        subject = torch.where(recoloured, grey + (subject - grey) * factor, subject)
        alone = self._chosen(numbers, count, settings.no_subject_share)
        subject = torch.where(alone, grey, subject)
        mask, touched = torch.where(alone, 1.0, mask), torch.where(alone, 1.0, touched)
        margin = settings.painted_margin
        painted = F.max_pool2d(touched, 2 * margin + 1, 1, margin)
        ids = self._ids[scene, self._below(numbers, self._ids.shape[1], count)].long()
        dropped = self._uniform(numbers, count, 1) < settings.caption_dropout
        ids = torch.where(dropped, self._nothing, ids)
        return Batch(painted * target + (1 - painted) * subject, mask, subject, painted, ids)

    def _uniform(self, numbers: torch.Generator, *shape: int) -> Tensor:
        return torch.rand(shape, generator=numbers, device=self._device)

    def _below(self, numbers: torch.Generator, end: int, count: int) -> Tensor:
        return torch.randint(end, (count,), generator=numbers, device=self._device)

    def _chosen(self, numbers: torch.Generator, count: int, share: float) -> Tensor:
        return self._uniform(numbers, count, 1, 1, 1) < share


def _cached(config: Config, name: str, device: torch.device) -> dict[str, Tensor]:
    state = load_checkpoint(config.pictures / name)
    if state is None:
        raise FileNotFoundError(config.pictures / name)
    return {key: value.to(device) for key, value in state.items() if isinstance(value, Tensor)}
