"""Measured batch sizes and speeds, kept so that they are measured once; read without importing torch."""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from bgen_core.content_address import hash_content
from bgen_core.extent import Extent
from bgen_core.private_files import make_private_folder
from bgen_core.whole_file import write_whole

logger = logging.getLogger(__name__)


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
    decoded_together
        Most pictures of one call of the autoencoder; None in measurements from before this was measured.
    """

    batch_size: int
    quantum: int | None
    seconds_per_row: float
    layout: Literal["channels_last", "contiguous"] = "channels_last"
    decoded_together: int | None = None

    @property
    def filled_to(self) -> int:
        """The number whose multiples calls are filled to."""
        return self.quantum or 1


@dataclass(frozen=True, kw_only=True)
class TuningPlace:
    """Where the tunings of one model on one device are kept.

    Attributes
    ----------
    folder
        The model's, for a kind of device and a number format: see `tuning_name`.
    measured_by
        What a measurement holds for: the device by its name and the version of torch. Another one measures anew.
    """

    folder: Path
    measured_by: str

    @classmethod
    def of(cls, folder: Path, device_name: str) -> "TuningPlace":
        by = hash_content({"device": device_name, "torch": version("torch")})
        return cls(folder=folder, measured_by=by[:8])

    def read(self, extent: Extent) -> BatchTuning | None:
        return _read(self._file(extent))

    def write(self, extent: Extent, tuning: BatchTuning) -> None:
        """Keep a tuning, whole or not at all; on a full disk it is measured again by the next process."""
        try:
            make_private_folder(self.folder)
            write_whole(self._file(extent), [json.dumps(asdict(tuning)).encode()])
        except OSError:
            logger.warning("the measured batch size cannot be kept in %s", self.folder, exc_info=True)

    def _file(self, extent: Extent) -> Path:
        return self.folder / f"{_of_size(extent)}-{self.measured_by}.json"


class BatchTunings:
    """The tunings of one model on one device, by picture size; kept in a folder so that each is measured once.

    Parameters
    ----------
    place
        Where to keep them; None keeps them in memory alone.
    """

    def __init__(self, place: TuningPlace | None) -> None:
        self._place = place
        self._known: dict[Extent, BatchTuning] = {}

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


def last_tuning(folder: Path, extent: Extent) -> BatchTuning | None:
    """What was measured last in a model's folder, by whichever device and torch: near enough for an estimate."""
    try:
        found = sorted(folder.glob(f"{_of_size(extent)}*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return None
    return next((tuning for path in found if (tuning := _read(path)) is not None), None)


def _read(path: Path) -> BatchTuning | None:
    try:
        return BatchTuning(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _of_size(extent: Extent) -> str:
    return f"{extent.width}x{extent.height}"


def tuning_name(model_revision: str, device_kind: str, dtype_name: str) -> str:
    """Name of the folder for one model on one kind of device; eight bits have another speed."""
    _, plus, kept_in = dtype_name.partition("+")
    return f"{model_revision[:16]}-{device_kind.replace(':', '')}{plus}{kept_in}"
