"""Places for measured batch sizes that need no store."""

import json
from dataclasses import asdict
from pathlib import Path

from bgen_core.extent import Extent
from bgen_core.sweep.tuning import BatchTuning, measured_by


class TuningsInMemory:
    """A `TuningPlace` for one model."""

    def __init__(self) -> None:
        self._kept: dict[Extent, BatchTuning] = {}

    def read(self, extent: Extent) -> BatchTuning | None:
        return self._kept.get(extent)

    def write(self, extent: Extent, tuning: BatchTuning) -> None:
        self._kept[extent] = tuning


class TuningsInFolder:
    """A `TuningPlace` of files, as the program once had them: a store that is opened beside them takes them in."""

    def __init__(self, folder: Path, name: str, device_name: str) -> None:
        self._folder = folder / name
        self._by = measured_by(device_name)

    def read(self, extent: Extent) -> BatchTuning | None:
        return None

    def write(self, extent: Extent, tuning: BatchTuning) -> None:
        write_file(self._folder / f"{extent.width}x{extent.height}-{self._by}.json", json.dumps(asdict(tuning)))


def write_file(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
