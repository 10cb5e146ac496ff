"""What an inpainter says while it works; the pages, the command line and the worker all read the same events."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from bgen_core.extent import Box, Extent
from bgen_core.ids import RunId
from bgen_core.models.hub.download import Fetching
from bgen_core.models.steering.depth_model import DepthModel
from bgen_core.sweep.applied_loras import AppliedLora
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.steering.applied_reference import AppliedReference


@dataclass(frozen=True, kw_only=True, eq=False)
class Canvas:
    """What an inpainting model is given to paint on, at the model's size.

    Attributes
    ----------
    init_image
        uint8, HWC, RGB.
    mask_image
        uint8, HW, 255 = repaint.
    """

    init_image: np.ndarray
    mask_image: np.ndarray

    @property
    def extent(self) -> Extent:
        return Extent.of(self.init_image)


@dataclass(frozen=True, kw_only=True)
class Window:
    """Where a tile of the detail pass lies, in pixels: its noise is cut from that of the whole."""

    whole: Extent
    box: Box


def _always() -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class PaintCell:
    """One picture to make. Cells with the same masks share one `canvas` object, which is then encoded once.

    `loras` are those that its parameters name, as `applied_loras` gives them; `reference` is what `applied_reference`
    gives, and `shown` its picture: uint8, HWC, RGB. `depth` is what tells depth, where the cell shows it. Cells are
    asked for ahead: one that is not wanted any more is left out without a word, under way or not. `photo_extent` is the
    size at which a detail pass ends, None where there can be none; `window` says of which picture it is a tile.
    `looked_at` is the share of its steps after which a preview tells what it would become; 0 for none.
    """

    index: int
    params: InpaintParams
    canvas: Canvas
    loras: tuple[AppliedLora, ...] = ()
    reference: AppliedReference | None = None
    shown: np.ndarray | None = field(default=None, compare=False, repr=False)
    depth: DepthModel | None = None
    photo_extent: Extent | None = None
    window: Window | None = None
    looked_at: float = field(default=0.0, compare=False)
    is_wanted: Callable[[], bool] = field(default=_always, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Started:
    """The cell is under way."""

    cell: PaintCell


@dataclass(frozen=True, kw_only=True, eq=False)
class Stepped:
    """The cell has done `step` of `of` steps; `preview` is a small uint8 HWC RGB picture, or None.

    Where `is_look`, it shows what the model expects of the finished picture at this step: see `PaintCell.looked_at`.
    """

    cell: PaintCell
    step: int
    of: int
    preview: np.ndarray | None
    is_look: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Finished:
    """The cell's raw picture: uint8, HWC, RGB, at the model's size, or after a detail pass at the photo's.

    `seconds` per stage are the cell's share.

    `engine` is how the network was called where that can change last bits, such as "compiled"; empty where it was
    called as it is. `batches` are "batch_rows" and "quantum" of `MadeRun.made_on`; empty where cells are painted alone.
    """

    cell: PaintCell
    image: np.ndarray
    seconds: dict[str, float]
    engine: str = ""
    batches: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The cell could not be made; the others go on."""

    index: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class StoppedEarly:
    """The runner's word that a cell is not painted to its end, since its preview says that it will lose."""

    index: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Committed:
    """The runner's word that a cell's run is in the store; `reused` says that it was there before."""

    index: int
    run_id: RunId
    reused: bool


@dataclass(frozen=True, kw_only=True)
class Redrawn:
    """The runner's word that a cell's picture is in the store, and that the next seed is tried for it."""

    index: int
    run_id: RunId
    expansion: float
    reused: bool


@dataclass(frozen=True, kw_only=True)
class Relit:
    """The runner's word that a model has done `step` of `of` evaluations that tell the subject's light of a cell."""

    index: int
    step: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """The runner's word that so many raw pictures are being painted by another process, for which it waits."""

    cells: int


@dataclass(frozen=True, kw_only=True)
class Measuring:
    """The runner's word that the model's speed at a size is measured first: see `Inpainter.tune`."""

    extent: Extent


Event = Started | Stepped | Finished | Failed
RunnerEvent = Started | Stepped | Relit | Failed | StoppedEarly | Committed | Redrawn | Waiting | Fetching | Measuring


class Inpainter(Protocol):
    """Paints cells. The batched engine is one; a pipeline's own call, for families it does not know, is the other."""

    def paint(self, cells: Iterable[PaintCell | None]) -> Generator[Event]:
        """Paint the cells; closing the generator stops within one evaluation of the model.

        Cells are asked for a few ahead, while others are under way. The engine takes None for "none yet" and asks again
        while something is under way; who paints one after another is given cells alone. All canvases must have the same
        size, whose sides divide by the model's factor.
        """
        ...

    def tune(self, extent: Extent) -> None:
        """Measure what must be measured once per model, device and picture size, so that no sweep waits for it."""
        ...

    def is_tuned(self, extent: Extent) -> bool:
        """Whether nothing is left to measure for that size."""
        ...
