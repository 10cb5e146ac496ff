"""Measured batch sizes and speeds, kept so that they are measured once; read without importing torch."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal, Protocol

from bgen_core.content_address import hash_content
from bgen_core.extent import Extent


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
    """

    batch_size: int
    quantum: int | None
    seconds_per_row: float
    layout: Literal["channels_last", "contiguous"] = "channels_last"
    attention: Literal["torch", "cudnn", "flash", "efficient"] = "torch"
    decoded_together: int | None = None

    @property
    def filled_to(self) -> int:
        """The number whose multiples calls are filled to."""
        return self.quantum or 1

    @property
    def is_whole(self) -> bool:
        """Whether it lacks nothing that an older version did not measure."""
        return self.decoded_together is not None


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
        if extent in self._known or self._place is None:
            return extent in self._known
        kept = self._place.read(extent)
        return kept is not None and kept.is_whole

    def get(self, extent: Extent, measure: Callable[[BatchTuning | None], BatchTuning]) -> BatchTuning:
        """The tuning for pictures of that size, measured at the first need.

        Parameters
        ----------
        measure
            From what is kept, which may lack what an older version did not measure, the whole tuning.
        """
        if extent not in self._known:
            kept = self._place.read(extent) if self._place else None
            tuning = measure(kept)
            if self._place and tuning != kept:
                self._place.write(extent, tuning)
            self._known[extent] = tuning
        return self._known[extent]


def tuning_name(model_revision: str, device_kind: str, dtype_name: str) -> str:
    """Under which name the tunings of one model on one kind of device are kept; eight bits have another speed."""
    _, plus, kept_in = dtype_name.partition("+")
    return f"{model_revision[:16]}-{device_kind.replace(':', '')}{plus}{kept_in}"


def measured_by(device_name: str) -> str:
    """What a measurement holds for: the device by its name and the version of torch. Another one measures anew."""
    return hash_content({"device": device_name, "torch": version("torch")})[:8]
