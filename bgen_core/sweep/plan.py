"""The plan: base parameters and axes, expanded to cells that are addressed by their content."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from bgen_core.content import hash_content
from bgen_core.errors import UserInputError
from bgen_core.sweep.axes import Axis, axis_kind
from bgen_core.sweep.params import InpaintParams

# Libraries whose version can change a pixel, and the number of our own way from parameters to pixels:
# raise it whenever the engine, the masks or the compositing give other pixels for the same parameters.
PIXEL_LIBRARIES = ("torch", "diffusers", "transformers", "Pillow", "numpy", "opencv-contrib-python")
PIXEL_REVISION = 1


@lru_cache(maxsize=1)
def pixel_versions() -> dict[str, str]:
    """Library -> version, of those that take part in a cell's address."""
    return {name: version(name) for name in PIXEL_LIBRARIES} | {"bgen-pixels": str(PIXEL_REVISION)}


@dataclass(frozen=True, kw_only=True)
class SweepCell:
    """One cell of a plan: its place in the grid and its own parameters."""

    index: int
    position: tuple[int, ...]
    params: InpaintParams


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """Base parameters and axes for one subject and one model.

    Attributes
    ----------
    subject_id
        Content address of the subject.
    model
        Catalogue name, Hub id or local folder.
    base
        Parameters of every cell, where no axis says otherwise.
    axes
        Any number of axes; the last one varies fastest.
    """

    subject_id: str
    model: str
    base: InpaintParams
    axes: tuple[Axis, ...] = ()

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        for name in names:
            if names.count(name) > 1:
                raise UserInputError(f"axis {name!r} is given {names.count(name)} times: give it once.")

    def __len__(self) -> int:
        return math.prod(len(axis.values) for axis in self.axes)

    def check_size(self, limit: int) -> None:
        """Refuse a plan of too many cells before anything is expanded.

        Raises
        ------
        UserInputError
            Names the count and the limit.
        """
        if len(self) > limit:
            sizes = " × ".join(f"{len(axis.values)} {axis.kind.label.lower()}" for axis in self.axes)
            raise UserInputError(f"{sizes} make {len(self):,} cells: at most {limit:,} are allowed.")

    def cells(self) -> Iterator[SweepCell]:
        """All cells, row by row: the last axis varies fastest. Every value is checked as it is made."""
        choices = [range(len(axis.values)) for axis in self.axes]
        for index, position in enumerate(itertools.product(*choices)):
            changes: dict[str, Any] = {
                axis.kind.field: axis.values[place] for axis, place in zip(self.axes, position, strict=True)
            }
            yield SweepCell(index=index, position=position, params=replace(self.base, **changes))

    def to_json(self) -> dict[str, Any]:
        return {
            "subject_id": self.subject_id,
            "model": self.model,
            "base": self.base.to_json(),
            "axes": [{"name": axis.name, "values": list(axis.values)} for axis in self.axes],
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "SweepPlan":
        axes = tuple(Axis(name=axis_kind(axis["name"]).name, values=tuple(axis["values"])) for axis in content["axes"])
        return cls(
            subject_id=content["subject_id"],
            model=content["model"],
            base=InpaintParams.from_json(content["base"]),
            axes=axes,
        )


def address_cell(
    params: InpaintParams, *, subject_id: str, model_revision: str, device_kind: str, dtype_name: str
) -> str:
    """Content address of a finished cell: everything that can change one of its pixels.

    Parameters
    ----------
    params
        The cell's parameters.
    subject_id
        Content address of photo and alpha together.
    model_revision
        Exact weights.
    device_kind, dtype_name
        A GPU in float16 gives other pixels than a CPU in float32.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hash_content(
        {
            "params": params.to_json(),
            "subject": subject_id,
            "model": model_revision,
            "device": device_kind.partition(":")[0],
            "dtype": dtype_name,
            "versions": pixel_versions(),
        }
    )


def address_plan(plan: SweepPlan, model_revision: str, *, device_kind: str, dtype_name: str) -> list[str]:
    """Content address of every cell of a plan, in the plan's order; see `address_cell`."""
    return [
        address_cell(
            cell.params,
            subject_id=plan.subject_id,
            model_revision=model_revision,
            device_kind=device_kind,
            dtype_name=dtype_name,
        )
        for cell in plan.cells()
    ]
