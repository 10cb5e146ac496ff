"""The real painter with an inpainter that sleeps, as a process of Ray's: what it began and painted stands in files."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from bgen_core.cluster import painter
from bgen_core.cluster.painter_actor import Control
from bgen_core.jobs.kept_models import KeptModels, LoadedModel
from bgen_core.models.model_source import ModelSource
from bgen_core.models.placement import place
from tests.sleeping import Sleeping

PAINTED, BEGUN = "painted.txt", "begun.txt"  # lines: seed, process, seconds of the machine's monotonic clock
SECONDS = "BGEN_TEST_SECONDS"  # of a step; painters get it as they get settings
POISON = "BGEN_TEST_POISON"  # the seed of a cell that kills whoever paints it


def noting(file: Path, poison: str = "") -> Callable[[int], None]:
    def note(seed: int) -> None:
        if str(seed) == poison:
            os.kill(os.getpid(), 9)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(f"{seed} {os.getpid()} {time.monotonic()}\n")

    return note


def paint(control: Control) -> str:
    """See `Body`."""

    def load(self: KeptModels, source: ModelSource) -> LoadedModel:
        home = Path(os.environ["BGEN_HOME"])
        inpainter = Sleeping(
            float(os.environ.get(SECONDS, "0.1")),
            noting(home / PAINTED, os.environ.get(POISON, "")),
            noting(home / BEGUN),
        )
        return LoadedModel(source=source, inpainter=inpainter, factor=8, placement=place(source, self._device, "none"))

    KeptModels._load = load
    return painter.paint(control)
