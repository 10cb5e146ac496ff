"""Submitting a sweep: what it will cost before it runs, and its place in the queue."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import NOBODY, RunId, SubjectId, SweepId, VisitorId
from bgen_core.jobs.adapter_check import (
    check_anchors,
    check_background,
    check_encoders,
    check_loras,
    check_redraw,
    check_reference,
)
from bgen_core.jobs.canvas_notes import cut_notes, ground_notes
from bgen_core.jobs.estimate import detail_notes, estimate_seconds, light_note, pasting_seconds
from bgen_core.jobs.prompt_notes import reading_notes
from bgen_core.models.catalogue import ModelEntry
from bgen_core.models.model_files import missing_bytes
from bgen_core.models.model_source import ModelSource
from bgen_core.models.revision import find_model
from bgen_core.models.schedulers import get_scheduler
from bgen_core.models.steering.depth_model import depth_model_for
from bgen_core.models.steering.ip_adapters import find_ip_adapters
from bgen_core.models.steering.light_model import light_model_for
from bgen_core.models.steering.loras import find_loras
from bgen_core.models.world import find_hint
from bgen_core.parameters import PROMPTS
from bgen_core.records.early_stop import EarlyWish
from bgen_core.records.sweep import SweepRecord
from bgen_core.settings import Settings
from bgen_core.store.references import check_backgrounds, load_references
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import DecodeLimits
from bgen_core.subject.placing import Composition, MisfitError
from bgen_core.sweep.canvas import check_subject
from bgen_core.sweep.family_check import backdrop_notes, check_families, family_notes
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepCell, SweepPlan, address_plan
from bgen_core.wording import counted, shortened, sized

_LONGEST_TITLE = 80  # letters of a sweep's


@dataclass(frozen=True, kw_only=True)
class SweepForecast:
    """What a plan will cost.

    Attributes
    ----------
    plan
        The plan.
    run_ids
        Index of each cell to be made -> its content address.
    known
        How many of them are in the store already.
    to_paint
        How many pictures the diffusion model has to make; cells that differ in nothing but the pasting share one.
    notes
        What the person should know before it runs: a sentence each.
    seconds
        Expected time for the others, from speeds measured on this device; None before the first measurement.
    """

    plan: SweepPlan
    run_ids: Mapping[int, RunId]
    known: int
    to_paint: int
    notes: tuple[str, ...]
    seconds: float | None

    @property
    def to_make(self) -> int:
        return len(self.run_ids) - self.known


def forecast_sweep(
    store: Store,
    settings: Settings,
    plan: SweepPlan,
    *,
    photos: Mapping[SubjectId, Extent],
    device_kind: str,
    dtype_name: str,
) -> SweepForecast:
    """Check a plan as far as it can be checked before it runs, and say what it will cost. Nothing is stored.

    Parameters
    ----------
    photos
        Subject -> size of its photo, for each of the plan's subjects; none of them need be in the store yet.
    device_kind, dtype_name
        Where the plan shall run.

    Raises
    ------
    UserInputError
        A value, a subject, a model or the number of cells is not allowed.
    """
    sources = _checked_models(plan, settings, photos)
    entries = [source.entry for source in sources.values()]
    ip_adapters = find_ip_adapters(plan.values_of("ip_adapter"), settings.ip_adapter_folder)
    check_encoders(ip_adapters.values(), sources.values())
    light = light_model_for(plan.values_of("light"), settings, device_kind=device_kind, dtype_name=dtype_name)
    addresses = address_plan(
        plan,
        {model: source.revision for model, source in sources.items()},
        device_kind=device_kind,
        dtype_name=dtype_name,
        families={model: source.family for model, source in sources.items()},
        loras=find_loras(plan.values_of("loras"), settings.lora_folder),
        ip_adapters=ip_adapters,
        depth=depth_model_for(plan.values_of("control"), settings.depth_model),
        light=light,
        photos=photos,
    )
    known = store.runs.known(address.run_id for address in addresses.values())
    missing = [cell for cell in plan.cells() if addresses[cell.index].run_id not in known]
    painted = store.runs.known_raws(addresses[cell.index].raw_id for cell in missing)
    # One of the cells that share a raw picture stands for all of them.
    to_paint = {raw_id: cell for cell in missing if (raw_id := addresses[cell.index].raw_id) not in painted}
    lit = {addresses[cell.index].raw_id for cell in missing if cell.params.light}
    painting = dict.fromkeys(cell.model for cell in to_paint.values())
    device = (device_kind, dtype_name)
    seconds = _estimate(store, settings, list(to_paint.values()), len(missing), sources, photos, device)
    return SweepForecast(
        plan=plan,
        run_ids={index: address.run_id for index, address in addresses.items()},
        known=sum(address.run_id in known for address in addresses.values()),
        to_paint=len(to_paint),
        notes=(
            *_downloads([sources[model] for model in painting], settings, dtype_name),
            *backdrop_notes(entries),
            *([plan.redraw.note] if plan.redraw else []),
            *cut_notes(store, _compositions(plan), photos),
            *(ground_notes(store, plan.subject_ids) if any(plan.values_of("ground_shadow")) else []),
            *([light_note(light, len(lit))] if light and lit else []),
            *detail_notes(_sized(to_paint.values(), sources, photos)),
            *dict.fromkeys(note for source in sources.values() for note in _notes(plan, source, entries)),
        ),
        seconds=seconds,
    )


def _checked_models(plan: SweepPlan, settings: Settings, photos: Mapping[SubjectId, Extent]) -> dict[str, ModelSource]:
    """Where each model of a plan is, whose values all of them can take."""
    plan.check_size(settings.max_cells)
    check_steps(plan)
    check_loras(plan)
    check_reference(plan)
    sources = {model: find_model(model) for model in plan.models}
    entries = [source.entry for source in sources.values()]
    check_families(plan, entries)
    check_background(plan, entries)
    check_anchors(plan)
    check_redraw(plan, entries)
    for subject_id, composition in _compositions(plan):
        composition.check_area(photos[subject_id], DecodeLimits.from_settings(settings).max_pixels)
    return sources


def _sized(
    cells: Iterable[SweepCell], sources: Mapping[str, ModelSource], photos: Mapping[SubjectId, Extent]
) -> list[tuple[ModelSource, InpaintParams, Extent]]:
    return [
        (sources[cell.model], cell.params, cell.params.composition.extent(photos[cell.subject_id])) for cell in cells
    ]


def check_steps(plan: SweepPlan) -> None:
    """Refuse a cell whose scheduler is not known or cannot take its steps.

    Raises
    ------
    UserInputError
        Names the scheduler and what is allowed.
    """
    for cell in plan.cells():
        get_scheduler(cell.params.scheduler).check_steps(cell.params.num_inference_steps)


def _estimate(
    store: Store,
    settings: Settings,
    to_paint: Sequence[SweepCell],
    to_make: int,
    sources: Mapping[str, ModelSource],
    photos: Mapping[SubjectId, Extent],
    device: tuple[str, str],
) -> float | None:
    """Seconds over all models and subjects; None where the speed of one of them is not known."""
    recent = store.runs.select(limit=30)
    groups: dict[tuple[str, Extent, int], list[InpaintParams]] = {}
    for cell in to_paint:
        picture = cell.params.composition.extent(photos[cell.subject_id])
        groups.setdefault((cell.model, picture, cell.params.side), []).append(cell.params)
    total = pasting_seconds(recent) * (to_make - len(to_paint))
    for (model, picture, _), cells in groups.items():
        seconds = estimate_seconds(
            cells,
            picture=picture,
            source=sources[model],
            device_kind=device[0],
            dtype_name=device[1],
            tunings=store.tunings,
            recent=recent,
        )
        if seconds is None:
            return None
        total += seconds
    return total


def describe_forecast(forecast: SweepForecast) -> str:
    """ "27 cells: 18 known, 9 to make, about 40 s"."""
    cells = len(forecast.run_ids)
    text = f"{cells} cell{'s' if cells != 1 else ''}: {forecast.known} known, {forecast.to_make} to make"
    if forecast.to_paint < forecast.to_make:
        painted = counted(forecast.to_paint, "new raw picture")
        text += f" from {painted}" if forecast.to_paint else ", without the diffusion model"
    if not forecast.to_make or forecast.seconds is None:
        return text
    return f"{text}, about {describe_duration(forecast.seconds)}"


def describe_duration(seconds: float) -> str:
    """A time as a person says it: 40 s, 12 min, 3 h."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _compositions(plan: SweepPlan) -> list[tuple[SubjectId, Composition]]:
    """Each subject with each way in which a cell places it."""
    return list(dict.fromkeys((cell.subject_id, cell.params.composition) for cell in plan.cells()))


def _check_subjects(store: Store, plan: SweepPlan) -> None:
    """Refuse what no cell can do without; a subject that fits some canvases alone fails the other cells alone."""
    wanted: dict[SubjectId, list[Composition]] = {}
    for subject_id, composition in _compositions(plan):
        wanted.setdefault(subject_id, []).append(composition)
    misfits: list[MisfitError] = []
    for subject_id in plan.subject_ids:
        check_subject(subject := store.subjects.load(subject_id))
        for composition in wanted.get(subject_id, ()):
            try:
                composition.box(subject)
            except MisfitError as error:
                misfits.append(error)
    if misfits and len(misfits) == sum(map(len, wanted.values())):
        raise misfits[0]


def _downloads(sources: Iterable[ModelSource], settings: Settings, dtype_name: str) -> Iterator[str]:
    """How much is fetched before the first picture, for each model that is not whole on this machine."""
    for source in sources:
        missing = missing_bytes(
            source, source.family.number_format(dtype_name), with_safety_checker=settings.safety_checker
        )
        if missing:
            yield f"{source.name} is fetched from the Hugging Face Hub first: {sized(missing)}."


def _notes(plan: SweepPlan, source: ModelSource, entries: Sequence[ModelEntry]) -> Iterator[str]:
    if source.family.backdrop:
        return
    takes_weights = source.family.prompt_syntax is None
    for parameter in PROMPTS:
        read = dict.fromkeys(
            (getattr(cell.params, parameter.field), cell.params.prompt_syntax) for cell in plan.cells()
        )
        for text, syntax in read:
            yield from reading_notes(
                source, parameter.label.lower(), text, weighted=takes_weights and syntax == "a1111"
            )
    for text in dict.fromkeys(cell.params.prompt for cell in plan.cells()):
        if hint := find_hint(source, text):
            yield hint
    yield from family_notes(plan, source.entry, entries)


def new_sweep_id() -> SweepId:
    """A name that nobody can guess: it is the sweep's link."""
    return SweepId(secrets.token_urlsafe(9))


def submit_sweep(
    store: Store,
    forecast: SweepForecast,
    *,
    owner: VisitorId = NOBODY,
    queued: bool = True,
    sweep_id: SweepId | None = None,
    explored: SweepId | None = None,
    early: EarlyWish | None = None,
) -> SweepId:
    """Put a sweep into the store, for the worker or for this process.

    Parameters
    ----------
    owner
        Whose it is; a store that a visitor sees knows that itself.
    queued
        Whether the worker shall take it; otherwise the caller runs it, and holds its lock already.
    sweep_id
        Its name, or None for a new one.
    explored
        The sweep whose chosen cells this one finishes, if any.
    early
        What its previews are measured for, if anything.

    Returns
    -------
    SweepId
        The new one's.

    Raises
    ------
    UserInputError
        A subject, a reference or a background picture is gone, a subject fills its photo or is empty, or cells would be
        both stopped early and drawn again.
    NoRoomError
        There is no room for the pictures.
    """
    plan = forecast.plan
    if early is not None and plan.redraw is not None:
        raise UserInputError("Stopping cells early and drawing them again do not go together: choose one of them.")
    if forecast.to_make:
        store.blobs.check_room()
    _check_subjects(store, plan)
    load_references(store.blobs, plan.values_of("reference"))
    check_backgrounds(store.blobs, plan.values_of("background"))
    record = SweepRecord(
        id=sweep_id or new_sweep_id(),
        owner=owner,
        created=datetime.now(UTC),
        state="queued" if queued else "running",
        title=shortened(plan.base.prompt or ", ".join(plan.models), _LONGEST_TITLE),
        plan=plan.to_json(),
        subject_id=plan.subject_ids[0],
        total=len(plan),
        expected_seconds=forecast.seconds,
        explored=explored,
        early=early,
        sharing=store.access.sharing,
    )
    store.sweeps.add(record, forecast.run_ids)
    return record.id
