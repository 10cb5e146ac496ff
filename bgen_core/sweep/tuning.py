"""Measured batch sizes and speeds, kept so that they are measured once; read without importing torch."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bgen_core.extent import Extent


@dataclass(frozen=True, kw_only=True)
class BatchTuning:
    """Result of the measurement.

    Attributes
    ----------
    batch_size
        Most rows of one UNet call.
    quantum
        Calls whose size is a multiple of it give each row the same bits.
    seconds_per_row
        At that batch size; the base of every estimate.
    """

    batch_size: int
    quantum: int
    seconds_per_row: float


class BatchTunings:
    """The tunings of one model on one device, by picture size; kept in a folder so that each is measured once.

    Parameters
    ----------
    folder
        Where to keep them; None keeps them in memory alone.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._known: dict[Extent, BatchTuning] = {}

    def get(self, extent: Extent, measure: Callable[[], BatchTuning]) -> BatchTuning:
        """The tuning for pictures of that size, measured at the first need."""
        if extent not in self._known:
            kept = read_tuning(self._folder, extent) if self._folder else None
            if kept is None:
                kept = measure()
                if self._folder:
                    write_tuning(self._folder, extent, kept)
            self._known[extent] = kept
        return self._known[extent]


def read_tuning(folder: Path, extent: Extent) -> BatchTuning | None:
    """The tuning kept in a folder, or None where there is none that can be read."""
    try:
        return BatchTuning(**json.loads(_tuning_file(folder, extent).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_tuning(folder: Path, extent: Extent, tuning: BatchTuning) -> None:
    """Keep a tuning, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _tuning_file(folder, extent)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(tuning)), encoding="utf-8")
    temporary.replace(path)


def _tuning_file(folder: Path, extent: Extent) -> Path:
    return folder / f"{extent.width}x{extent.height}.json"


def tuning_name(model_revision: str, device_kind: str, dtype_name: str) -> str:
    """Name of the folder for one model on one device; eight bits have another speed."""
    eight_bit = "-float8" if "float8" in dtype_name else ""
    return f"{model_revision[:16]}-{device_kind.replace(':', '')}{eight_bit}"
