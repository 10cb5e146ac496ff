"""Measured batch sizes and speeds, kept so that they are measured once; read without importing torch."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Literal, Protocol

from bgen_core.content_address import hash_content
from bgen_core.extent import Extent

logger = logging.getLogger(__name__)

FAR_FASTER = 0.6  # of the time that was measured: a machine's own speed varies by less
ENOUGH_CALLS = 4  # full ones, before a sweep's speed is compared with the measured one


@dataclass(frozen=True, kw_only=True)
class BatchTuning:
    """Result of the measurement.

    Attributes
    ----------
    batch_size
        Most rows of one UNet call.
    quantum
        Calls whose size is a multiple of it give each row the same bits; None where no such number was found.
    seconds_per_row
        At that batch size; the base of every estimate.
    layout
        How a UNet's weights lie where that was fastest.
    attention
        The kernel by which attention was computed fastest; "torch" is torch's own choice.
    decoded_together
        Most pictures of one call of the autoencoder; None in measurements from before this was measured.
    in_halves
        Whether a batch is faster as two halves at once, see `RowEvaluator`; None as above.
    doubtful
        Whether rows turned out far faster since: something else kept the device busy meanwhile, and small batches look
        good then.
    """

    batch_size: int
    quantum: int | None
    seconds_per_row: float
    layout: Literal["channels_last", "contiguous"] = "channels_last"
    attention: Literal["torch", "cudnn", "flash", "efficient"] = "torch"
    decoded_together: int | None = None
    in_halves: bool | None = None
    doubtful: bool = False

    @property
    def filled_to(self) -> int:
        """The number whose multiples calls are filled to."""
        return self.quantum or 1

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to measure: what an older version did not, or what is doubtful."""
        return self.decoded_together is not None and self.in_halves is not None and not self.doubtful


class TuningPlace(Protocol):
    """Where the tunings of one model on one device are kept. It never raises: what is lost is measured again."""

    def read(self, extent: Extent) -> BatchTuning | None:
        """What was measured for pictures of that size."""
        ...

    def write(self, extent: Extent, tuning: BatchTuning) -> None:
        """Keep a tuning."""
        ...


class BatchTunings:
    """The tunings of one model on one device, by picture size; kept so that each is measured once.

    Parameters
    ----------
    place
        Where to keep them; None keeps them in memory alone.
    """

    def __init__(self, place: TuningPlace | None) -> None:
        self._place = place
        self._known: dict[Extent, BatchTuning] = {}

    def are_known(self, extent: Extent) -> bool:
        """Whether `get` would measure nothing."""
        kept = self._kept(extent)
        return kept is not None and kept.is_whole

    def get(self, extent: Extent, measure: Callable[[BatchTuning | None], BatchTuning]) -> BatchTuning:
        """The tuning for pictures of that size, measured at the first need.

        Parameters
        ----------
        measure
            From what is kept, of which something may be left to measure, the whole tuning.
        """
        if extent not in self._known or self._known[extent].doubtful:
            kept = self._kept(extent)
            tuning = measure(kept)
            if tuning != kept:
                self._write(extent, tuning)
            self._known[extent] = tuning
        return self._known[extent]

    def compare(self, extent: Extent, *, rows: int, seconds: float) -> None:
        """Have a tuning measured again at the next need where a sweep's rows took far less time than it says.

        Parameters
        ----------
        rows, seconds
            How many rows were evaluated in which time, whatever else that went to.
        """
        known = self._known.get(extent)
        if known is None or known.doubtful or rows < ENOUGH_CALLS * known.batch_size:
            return
        if seconds / rows < FAR_FASTER * known.seconds_per_row:
            logger.info(
                "rows take %.3g s, and %.3g s when batch sizes were measured: measuring again at the next need",
                seconds / rows,
                known.seconds_per_row,
            )
            self._known[extent] = replace(known, doubtful=True)
            self._write(extent, self._known[extent])

    def _kept(self, extent: Extent) -> BatchTuning | None:
        return self._known.get(extent) or (self._place.read(extent) if self._place else None)

    def _write(self, extent: Extent, tuning: BatchTuning) -> None:
        if self._place:
            self._place.write(extent, tuning)


def tuning_name(model_revision: str, device_kind: str, dtype_name: str) -> str:
    """Under which name the tunings of one model on one kind of device are kept; eight bits have another speed."""
    _, plus, kept_in = dtype_name.partition("+")
    return f"{model_revision[:16]}-{device_kind.replace(':', '')}{plus}{kept_in}"


def measured_by(device_name: str) -> str:
    """What a measurement holds for: the device by its name and the version of torch. Another one measures anew."""
    return hash_content({"device": device_name, "torch": version("torch")})[:8]
