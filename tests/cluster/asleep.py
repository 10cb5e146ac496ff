"""The real painter with an inpainter that sleeps, as a process of Ray's: what it painted stands in a file."""

import os
from collections.abc import Callable
from pathlib import Path

from bgen_core.cluster import painter
from bgen_core.cluster.painter_actor import Control
from bgen_core.jobs.kept_models import KeptModels, LoadedModel
from bgen_core.models.model_source import ModelSource
from bgen_core.models.placement import place
from tests.sleeping import Sleeping

PAINTED = "painted.txt"
SECONDS = "BGEN_TEST_SECONDS"  # of a step; painters get it as they get settings
POISON = "BGEN_TEST_POISON"  # the seed of a cell that kills whoever paints it


def noting(folder: Path, poison: str) -> Callable[[int], None]:
    def note(seed: int) -> None:
        if str(seed) == poison:
            os.kill(os.getpid(), 9)
        with (folder / PAINTED).open("a", encoding="utf-8") as file:
            file.write(f"{seed} {os.getpid()}\n")

    return note


def paint(control: Control) -> str:
    """See `Body`."""

    def load(self: KeptModels, source: ModelSource) -> LoadedModel:
        inpainter = Sleeping(
            float(os.environ.get(SECONDS, "0.1")), noting(Path(os.environ["BGEN_HOME"]), os.environ.get(POISON, ""))
        )
        return LoadedModel(source=source, inpainter=inpainter, factor=8, placement=place(source, self._device, "none"))

    KeptModels._load = load
    return painter.paint(control)
