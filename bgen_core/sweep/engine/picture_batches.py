"""How many pictures one call of the autoencoder decodes: measured where that can be faster, and never at a price."""

import time
from collections.abc import Iterator, Sequence

import torch

from bgen_core.extent import Extent
from bgen_core.models.devices import is_out_of_memory
from bgen_core.sweep.engine.decoding import to_pixels
from bgen_core.sweep.engine.denoiser import Denoiser

CANDIDATES = (1, 2, 4, 8)
MOST_TOGETHER = max(CANDIDATES)
WORTHWHILE_GAIN = 1.05
MOST_DIFFERENCE = 1  # of 255, between a picture that is decoded alone and in company


class PictureDecoder:
    """Decodes finished latents of one size, a few at a time.

    Where a call fails, its halves are tried, down to one: a picture that cannot be decoded costs the others nothing,
    and memory that is short for several may do for each.

    Parameters
    ----------
    most
        Pictures of one call.
    """

    def __init__(self, denoiser: Denoiser, extent: Extent, most: int) -> None:
        self.extent = extent
        self._denoiser = denoiser
        self._most = most

    def decode(self, finished: Sequence[torch.Tensor]) -> Iterator[tuple[torch.Tensor | Exception, float]]:
        """Of each cell its picture, 3 × H × W in [-1, 1] on the device, or why there is none; and its seconds.

        Parameters
        ----------
        finished
            Latents of cohorts that end at the same time, each a stack of cells.
        """
        if not finished:
            return
        latents = torch.cat(list(finished))
        start = 0
        while start < len(latents):
            part = latents[start : start + self._most]
            yield from self._decode(part)
            start += len(part)

    def _decode(self, latents: torch.Tensor) -> Iterator[tuple[torch.Tensor | Exception, float]]:
        began = time.perf_counter()
        try:
            pictures: Sequence[torch.Tensor] = list(self._denoiser.decode(latents, self.extent))
        except Exception as error:
            if len(latents) == 1:
                yield error, time.perf_counter() - began
                return
            if is_out_of_memory(error):
                self._most = len(latents) // 2
            del error
        else:
            took = (time.perf_counter() - began) / len(latents)
            yield from ((picture, took) for picture in pictures)
            return
        half = len(latents) // 2
        yield from self._decode(latents[:half])
        yield from self._decode(latents[half:])


def choose_together(denoiser: Denoiser, latents: Sequence[torch.Tensor], extent: Extent) -> int:
    """The fewest pictures to a call that are as fast as any number, and the same within a step of 255.

    On a CPU always one: there a batch is slower, and trying would cost every first sweep seconds.

    Parameters
    ----------
    latents
        Of one cell each, at least as many as the largest candidate.
    """
    if denoiser.device.type == "cpu":
        return 1
    return measure_together(denoiser, latents, extent)


def measure_together(denoiser: Denoiser, latents: Sequence[torch.Tensor], extent: Extent) -> int:
    """See `choose_together`; on any device."""
    probes = torch.stack(list(latents[:MOST_TOGETHER]))
    speeds: dict[int, float] = {}
    alone: list[torch.Tensor] = []
    for size in CANDIDATES:
        try:
            pictures = _pixels(denoiser, probes[:size], extent)  # the first call warms up
            began = time.perf_counter()
            _pixels(denoiser, probes[:size], extent)
            speeds[size] = (time.perf_counter() - began) / size
            alone += [_pixels(denoiser, probe[None], extent)[0] for probe in probes[len(alone) : size]]
        except Exception:  # no memory, or an autoencoder that takes one picture alone
            break
        if max(_difference(one, other) for one, other in zip(alone, pictures, strict=True)) > MOST_DIFFERENCE:
            del speeds[size]
            break
    if not speeds:
        return 1
    return min(size for size, seconds in speeds.items() if seconds <= WORTHWHILE_GAIN * min(speeds.values()))


def _pixels(denoiser: Denoiser, latents: torch.Tensor, extent: Extent) -> list[torch.Tensor]:
    return [to_pixels(picture).cpu() for picture in denoiser.decode(latents, extent)]


def _difference(one: torch.Tensor, other: torch.Tensor) -> int:
    return int((one.int() - other.int()).abs().max())
