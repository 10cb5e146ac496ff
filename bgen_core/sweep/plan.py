"""The plan: base parameters and axes, expanded to cells that are addressed by their content."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.metadata import version
from typing import Any

from bgen_core.content_address import hash_content
from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import RawId, RunId, SubjectId
from bgen_core.limits import LONGEST_TEXT
from bgen_core.models.families import Family
from bgen_core.models.family_table import STABLE_DIFFUSION
from bgen_core.models.steering.depth_model import DepthModel
from bgen_core.models.steering.ip_adapters import IPAdapter
from bgen_core.models.steering.light_model import LightModel
from bgen_core.models.steering.loras import LoraFile
from bgen_core.parameters import PARAMETERS, PROMPTS, Stage, parameter_of
from bgen_core.subject.placing import Composition
from bgen_core.sweep.applied_loras import applied_loras, lora_versions
from bgen_core.sweep.axes import Axis, axis_kind
from bgen_core.sweep.family_rules import LORA_FIELDS, PLACE_FIELDS, REFERENCE_FIELDS, paints_in_tiles, settled
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.seeds.redraw import Redraw, redrawn_seed
from bgen_core.sweep.steering.applied_reference import applied_reference
from bgen_core.wording import quoted

# Libraries whose version can change a pixel, and the number of our own way from parameters to pixels:
# raise it whenever the engine, the masks or the compositing give other pixels for the same parameters.
PIXEL_LIBRARIES = ("torch", "diffusers", "transformers", "Pillow", "numpy", "opencv-contrib-python")
PIXEL_REVISION = 1
# The same for a pipeline's own call (`pipeline_call.py`): 2 paints each cell by itself, at its family's size.
CALL_REVISION = 2


@lru_cache(maxsize=1)
def pixel_versions() -> dict[str, str]:
    """Library -> version, of those that take part in a cell's address."""
    return {name: version(name) for name in PIXEL_LIBRARIES} | {"bgen-pixels": str(PIXEL_REVISION)}


@dataclass(frozen=True, kw_only=True)
class SweepCell:
    """One cell of a plan: its place in the grid, and everything that makes its picture.

    `attempt` counts the seeds that were tried before this one, where a plan has cells drawn again.
    """

    index: int
    position: tuple[int, ...]
    model: str
    subject_id: SubjectId
    params: InpaintParams
    attempt: int = 0

    def at_attempt(self, attempt: int) -> "SweepCell":
        """The same cell with the seed of another attempt."""
        if attempt == self.attempt:
            return self
        seed = redrawn_seed(self.params.seed, attempt - self.attempt)
        return replace(self, params=self.params.changed({"seed": seed}), attempt=attempt)


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """Base parameters and axes.

    Attributes
    ----------
    subject_id
        Content address of the subject, where no axis says otherwise.
    model
        Catalogue name, Hub id or local folder, where no axis says otherwise.
    base
        Parameters of every cell, where no axis says otherwise.
    axes
        Any number of axes; the last one varies fastest.
    only
        Indices of the cells that shall be made, in rising order; None for all of them.
    redraw
        When a cell is drawn again with another seed; None for never.
    """

    subject_id: SubjectId
    model: str
    base: InpaintParams
    axes: tuple[Axis, ...] = ()
    only: tuple[int, ...] | None = None
    redraw: Redraw | None = None

    def __post_init__(self) -> None:
        names = [each.name for axis in self.axes for each in axis.together]
        for name in names:
            if names.count(name) > 1:
                raise UserInputError(f"axis {quoted(name)} is given {names.count(name)} times: give it once.")
        texts = [str(text) for parameter in PROMPTS for text in self.values_of(parameter.field)]
        for axis in self.axes:
            if axis.kind.kind == "replacement":
                if not any(str(axis.values[0]) in text for text in texts):
                    raise UserInputError(
                        f"{axis.name} looks for {quoted(axis.values[0])}, which is in no prompt: "
                        "write words of the prompt first."
                    )
                texts.extend(map(str, axis.values))  # a later replacement may look for what this one puts
        if self.only and not 0 <= min(self.only) <= max(self.only) < self.places:
            raise ValueError(f"{self.only} are not all places of a grid of {self.places}")

    @property
    def places(self) -> int:
        """Number of places of the whole grid, also of those that are not to be made."""
        return math.prod(len(axis.values) for axis in self.axes)

    def __len__(self) -> int:
        return self.places if self.only is None else len(self.only)

    def values_of(self, field: str) -> tuple[Any, ...]:
        """All values that cells have in a field of `SweepCell` or `InpaintParams`, before replacements."""
        for axis in self.axes:
            for each in axis.together:
                if each.kind.field == field and each.kind.kind != "replacement":
                    return each.values
        return (getattr(self if field in ("subject_id", "model") else self.base, field),)

    @property
    def subject_ids(self) -> tuple[SubjectId, ...]:
        """The subjects that take part."""
        return self.values_of("subject_id")

    @property
    def first_composition(self) -> Composition:
        """Where the subject stands on the first picture."""
        fields = {each: self.values_of(each)[0] for each in ("canvas", "anchor", "subject_scale")}
        return self.base.changed(fields).composition

    @property
    def models(self) -> tuple[str, ...]:
        """The models that take part."""
        return self.values_of("model")

    def check_size(self, limit: int) -> None:
        """Refuse a plan of too many cells before anything is expanded.

        Raises
        ------
        UserInputError
            Names the count and the limit.
        """
        if len(self) > limit:
            sizes = " × ".join(f"{len(axis.values)} {axis.label.lower()}" for axis in self.axes)
            raise UserInputError(f"{sizes} make {len(self):,} cells: at most {limit:,} are allowed.")

    def cells(self) -> tuple[SweepCell, ...]:
        """The cells to be made, row by row: the last axis varies fastest. Every value is checked, at the first call."""
        return self._cells

    @cached_property
    def _cells(self) -> tuple[SweepCell, ...]:
        return tuple(self._expanded())

    def _expanded(self) -> Iterator[SweepCell]:
        choices = [range(len(axis.values)) for axis in self.axes]
        wanted = None if self.only is None else set(self.only)
        for index, position in enumerate(itertools.product(*choices)):
            if wanted is None or index in wanted:
                yield self._cell(index, position)

    def _cell(self, index: int, position: tuple[int, ...]) -> SweepCell:
        changes: dict[str, Any] = {}
        replaced: list[tuple[str, str]] = []
        for axis, place in zip(self.axes, position, strict=True):
            if axis.kind.kind == "replacement":
                replaced.append((str(axis.values[0]), str(axis.values[place])))
            else:
                changes |= {each.kind.field: each.values[place] for each in axis.together}
        model, subject_id = changes.pop("model", self.model), changes.pop("subject_id", self.subject_id)
        for field in (parameter.field for parameter in PROMPTS) if replaced else ():
            text = changes.get(field, getattr(self.base, field))
            for sought, put in replaced:
                text = _with(text, sought, put)
            changes[field] = text
        return SweepCell(
            index=index,
            position=position,
            model=model,
            subject_id=subject_id,
            params=self.base.changed(changes),
        )

    def to_json(self) -> dict[str, Any]:
        content: dict[str, Any] = {
            "subject_id": self.subject_id,
            "model": self.model,
            "base": self.base.to_json(),
            "axes": [_axis_json(axis) for axis in self.axes],
        }
        content |= {} if self.only is None else {"only": list(self.only)}
        return content if self.redraw is None else content | {"redraw": self.redraw.to_json()}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "SweepPlan":
        axes = tuple(map(_axis_from_json, content["axes"]))
        only, redraw = content.get("only"), content.get("redraw")
        return cls(
            subject_id=content["subject_id"],
            model=content["model"],
            base=InpaintParams(**content["base"]),
            axes=axes,
            only=None if only is None else tuple(only),
            redraw=None if redraw is None else Redraw(**redraw),
        )


def _axis_json(axis: Axis) -> dict[str, Any]:
    content: dict[str, Any] = {"name": axis.name, "values": list(axis.values)}
    if axis.names:
        content["names"] = list(axis.names)
    return content | {"paired": [_axis_json(each) for each in axis.paired]} if axis.paired else content


def _axis_from_json(content: dict[str, Any]) -> Axis:
    return Axis(
        name=axis_kind(content["name"]).name,
        values=tuple(content["values"]),
        names=tuple(content.get("names", ())),
        paired=tuple(map(_axis_from_json, content.get("paired", ()))),
    )


@dataclass(frozen=True, kw_only=True)
class CellAddress:
    """Content addresses of one cell's two pictures, 64 hexadecimal digits each.

    Attributes
    ----------
    run_id
        Of the finished picture: everything that can change one of its pixels.
    raw_id
        Of the diffusion model's own picture, before the subject is pasted back. Equal to `run_id` where nothing but the
        plain pasting follows.
    """

    run_id: RunId
    raw_id: RawId


def address_cell(
    params: InpaintParams,
    *,
    subject_id: SubjectId,
    model_revision: str,
    device_kind: str,
    dtype_name: str,
    family: Family = STABLE_DIFFUSION,
    loras: Mapping[str, LoraFile] | None = None,
    ip_adapters: Mapping[str, IPAdapter] | None = None,
    depth: DepthModel | None = None,
    light: LightModel | None = None,
    photo: Extent | None = None,
) -> CellAddress:
    """Where a cell's pictures lie.

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
    family
        The model's. Beyond UNets, what it ignores is left out.
    loras
        Name -> file, of all that the parameters name: a LoRA is its bytes and its weight.
    ip_adapters
        Name -> adapter, of all that the parameters name.
    depth
        What tells depth, where the control picture shows it.
    light
        What tells the subject's light, where it is no formula.
    photo
        Size of the subject's photo: on a canvas that leaves it as it is, the raw picture is that of the photo alone.
        The run's own address is the same whether this is known or not.
    """
    params, ignored = settled(family, params), frozenset[str]()
    applied, reference = applied_loras(params, loras or {}), applied_reference(params, ip_adapters or {})
    rest: dict[str, Any] = {
        "subject": subject_id,
        "model": model_revision,
        "device": device_kind.partition(":")[0],
        "dtype": family.number_format(dtype_name),
        "versions": pixel_versions() | {name: each for name, each in lora_versions(applied).items() if name == "peft"},
    }
    if paints_in_tiles(family, params):
        rest["vae"] = "tiles"
    if family.backdrop:
        rest["device"], ignored = "cpu", frozenset(family.ignored)
    elif family.engine != "unet":
        rest["call"], ignored = CALL_REVISION, frozenset(family.ignored)
        if params.scheduler == "default":  # these families' addresses are older than a choice of theirs
            ignored |= {"scheduler"}
    painted, pasted = _addressed(params, ignored, "place", "paint", "mask"), _addressed(params, ignored, "paste")
    for field in (*LORA_FIELDS, *REFERENCE_FIELDS):
        painted.pop(field, None)
    if applied:
        painted["loras"] = [each.in_address for each in applied]
    if reference:
        painted["reference"] = reference.in_address
    if depth and painted.get("control") == "depth":
        painted["depth"] = depth.content
    if light and pasted.get("light"):
        pasted["light_model"] = light.in_address
    run_id = hash_content({"params": painted | pasted, **rest})
    if photo is not None and params.composition.leaves(photo):
        for field in PLACE_FIELDS:
            painted.pop(field, None)
    raw_id = hash_content({"params": painted, **rest})
    return CellAddress(run_id=RunId(run_id), raw_id=RawId(raw_id))


def _addressed(params: InpaintParams, ignored: frozenset[str], *stages: Stage) -> dict[str, Any]:
    """The parameters of these stages that stand in an address: see `Parameter.since`."""
    acting = [each for each in PARAMETERS if each.stage in stages and each.field not in ignored]
    values = {each.field: getattr(params, each.field) for each in acting}
    return {field: value for field, value in values.items() if parameter_of(field).is_in_address(value)}


def address_plan(
    plan: SweepPlan,
    revisions: Mapping[str, str],
    *,
    device_kind: str,
    dtype_name: str,
    families: Mapping[str, Family] | None = None,
    loras: Mapping[str, LoraFile] | None = None,
    ip_adapters: Mapping[str, IPAdapter] | None = None,
    depth: DepthModel | None = None,
    light: LightModel | None = None,
    photos: Mapping[SubjectId, Extent] | None = None,
) -> dict[int, CellAddress]:
    """Index -> addresses of every cell that is to be made, in rising order; see `address_cell`.

    Parameters
    ----------
    revisions
        Model -> exact weights, for each of the plan's models.
    families
        Model -> its family; those that are not named are Stable Diffusion's.
    loras, ip_adapters, depth, light
        See `address_cell`.
    photos
        Subject -> size of its photo, as far as that is known.
    """
    known, sizes = families or {}, photos or {}
    return {
        cell.index: address_cell(
            cell.params,
            subject_id=cell.subject_id,
            model_revision=revisions[cell.model],
            device_kind=device_kind,
            dtype_name=dtype_name,
            family=known.get(cell.model, STABLE_DIFFUSION),
            loras=loras,
            ip_adapters=ip_adapters,
            depth=depth,
            light=light,
            photo=sizes.get(cell.subject_id),
        )
        for cell in plan.cells()
    }


def _with(text: str, sought: str, put: str) -> str:
    """A prompt with words in the place of others, if it is then one that can be kept: looked at before it is made."""
    length = len(text) + text.count(sought) * (len(put) - len(sought))
    if length > max(LONGEST_TEXT, len(text)):
        raise UserInputError(
            f"A prompt has {length:,} letters with {quoted(put, 40)} in the place of {quoted(sought, 40)}: at most "
            f"{LONGEST_TEXT:,} are allowed."
        )
    return text.replace(sought, put)
