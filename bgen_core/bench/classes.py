"""What differs between classes of devices: the same cells painted on each that is here, and compared pixel by pixel.

A class is a kind of device with its number format: what a cell's address holds of them. Raw pictures are compared,
since the subject is the photo's own on all.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bgen_core.bench.sweep import made_up_subject, own_store
from bgen_core.errors import BgenError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import BlobHash, SubjectId, SweepId, VisitorId
from bgen_core.jobs.execute_sweep import Ended, execute_sweep
from bgen_core.jobs.leases.holding import holding
from bgen_core.jobs.recorded_device import gpu_of
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.submission import forecast_sweep, submit_sweep
from bgen_core.models.devices import Precision, find_device, gpus_here
from bgen_core.models.revision import find_model
from bgen_core.settings import Settings
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import Store, open_store
from bgen_core.subject.decoding.image_io import decode_photo
from bgen_core.subject.subject import Subject
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import quoted

CELLS = 4
PHOTO = Extent(width=640, height=480)
STORED, _AGAIN = "as stored", ", again"
_PRECISIONS: tuple[Precision, ...] = ("full", "half")


@dataclass(frozen=True, kw_only=True)
class DeviceClass:
    """One class: how the device is called in settings, and what it is called by people."""

    device: str
    precision: Precision
    title: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The cells, and what they are made of.

    Attributes
    ----------
    pictures
        References and backgrounds that they name, as PNGs.
    stored
        By a class's title, what the store has of them already: by the cell's index its raw picture.
    """

    plan: SweepPlan
    subjects: Sequence[Subject]
    pictures: Sequence[bytes] = ()
    stored: Mapping[str, Mapping[int, np.ndarray]] = field(default_factory=dict[str, Mapping[int, np.ndarray]])


@dataclass(frozen=True, kw_only=True)
class PairDifference:
    """What differs between the pictures of two classes.

    Attributes
    ----------
    cells
        Pictures that both have, at one size.
    greatest, mean
        Of a channel, 0 to 255; the mean is over all of them, equal ones too.
    share
        Of pixels of which any channel differs, 0 to 1.
    """

    one: str
    other: str
    cells: int
    greatest: int
    mean: float
    share: float


def classes_here(settings: Settings, model: str) -> list[DeviceClass]:
    """Each kind of GPU of this machine, and the processor, each in both number formats of the model."""
    family = find_model(model).family
    kinds = {name: kind for kind, name in reversed(gpus_here().items())}  # the first of several that are alike
    found: list[DeviceClass] = []
    for kind in [*reversed(kinds.values()), "cpu"]:
        for precision in _PRECISIONS:
            device = find_device(kind, precision).for_family(family)
            title = f"{device.name.partition(',')[0]}, {device.dtype_name}"
            if title not in [each.title for each in found]:
                found.append(DeviceClass(device=kind, precision=precision, title=title))
    return found


def made_up_cells(model: str) -> Asked:
    """Cells with and without guidance, of two seeds."""
    subject = made_up_subject(PHOTO)
    axes = (parse_axis("guidance", "1,6"), parse_axis("seed", "1-2"))
    base = InpaintParams(prompt="a beach at sunset", num_inference_steps=10)
    return Asked(plan=SweepPlan(subject_id=subject.id, model=model, base=base, axes=axes), subjects=[subject])


def stored_cells(settings: Settings, sweep_id: SweepId, most: int = CELLS) -> Asked:
    """Cells of a sweep, from its whole grid, with the pictures that are made of them.

    Raises
    ------
    UserInputError
        No such sweep, or its subject is gone.
    """
    with open_store(settings) as store:
        plan = SweepPlan.from_json(store.sweeps.get(sweep_id).plan)
        cells = plan.cells()
        if not cells:
            raise UserInputError(f"the sweep {quoted(sweep_id)} has no cells: name another one.")
        many = min(most, len(cells))
        chosen = [cells[place * len(cells) // many] for place in range(many)]
        names = dict.fromkeys(name for cell in chosen for name in cell.params.pictures)
        return Asked(
            plan=replace(plan, only=tuple(cell.index for cell in chosen)),
            subjects=[store.subjects.load(each) for each in dict.fromkeys(cell.subject_id for cell in chosen)],
            pictures=[store.blobs.get(BlobHash(name)) for name in names],
            stored=_stored(store, sweep_id, [cell.index for cell in chosen]),
        )


def _stored(store: Store, sweep_id: SweepId, indices: Sequence[int]) -> dict[str, dict[int, np.ndarray]]:
    found: dict[str, dict[int, np.ndarray]] = {}
    for row in store.sweeps.cells(sweep_id, indices):
        if row.done:
            run = store.runs.get(row.run_id)
            title = f"{STORED}: {gpu_of(run) or 'a processor'}, {run.dtype}"
            found.setdefault(title, {})[row.index] = _pixels(store, run.raw)
    return found


def compare_classes(
    settings: Settings, asked: Asked, classes: Sequence[DeviceClass], report: Callable[[str], None]
) -> tuple[list[PairDifference], dict[str, float], dict[str, str]]:
    """Paint the cells on each class, on the first one twice, and compare all pairs.

    Returns
    -------
    tuple
        The pairs; by title of a class, the seconds of a cell; and by title, why it made nothing.
    """
    made: dict[str, Mapping[int, np.ndarray]] = dict(asked.stored)
    seconds: dict[str, float] = {}
    left_out: dict[str, str] = {}
    again = [replace(each, title=f"{each.title}{_AGAIN}") for each in classes[:1]]
    for each in [*classes, *again]:
        report(f"painting {len(asked.plan)} cells on {each.title}")
        began = time.monotonic()
        try:
            made[each.title] = _paint(settings, asked, each)
        except BgenError as error:
            left_out[each.title] = str(error)
        else:
            seconds[each.title] = (time.monotonic() - began) / len(asked.plan)
    pairs = [compare(*two, made) for two in itertools.combinations(made, 2) if _is_worth_saying(*two)]
    return [pair for pair in pairs if pair.cells], seconds, left_out


def _is_worth_saying(one: str, other: str) -> bool:
    """The second time is compared with the first alone."""
    return not other.endswith(_AGAIN) or other == one + _AGAIN


def compare(one: str, other: str, made: Mapping[str, Mapping[int, np.ndarray]]) -> PairDifference:
    """Two classes by their titles; pictures are uint8, H × W × 3."""
    both = [(made[one][index], made[other][index]) for index in made[one] if index in made[other]]
    distances = [np.abs(a.astype(np.int16) - b) for a, b in both if a.shape == b.shape]
    channels, pixels = sum(each.size for each in distances), sum(each[..., 0].size for each in distances)
    return PairDifference(
        one=one,
        other=other,
        cells=len(distances),
        greatest=max((int(each.max()) for each in distances), default=0),
        mean=sum(float(each.sum()) for each in distances) / max(1, channels),
        share=sum(int(np.count_nonzero(each.any(axis=2))) for each in distances) / max(1, pixels),
    )


def _paint(settings: Settings, asked: Asked, on: DeviceClass) -> dict[int, np.ndarray]:
    """By the cell's index its raw picture."""
    here = settings.model_copy(
        update={
            "device": on.device,
            "precision": on.precision,
            "loras": str(settings.lora_folder),  # by default in the home, which is another one here
            "ip_adapters": str(settings.ip_adapter_folder),
        }
    )
    with own_store(here) as (store, member, own):
        photos: dict[SubjectId, Extent] = {}
        for subject in asked.subjects:
            store.subjects.save(subject, {})
            photos[subject.id] = subject.extent
        store.pictures.keep(asked.pictures)
        runner = Runner(store, own, member)
        forecast = forecast_sweep(
            store,
            own,
            asked.plan,
            photos=photos,
            device_kind=runner.device.kind,
            dtype_name=runner.device.dtype_name,
        )
        sweep_id = submit_sweep(store, forecast, owner=VisitorId("bench"))
        store.sweeps.claim_next()
        with holding(member, sweep_id):
            *_, ended = execute_sweep(store, member, runner, sweep_id)
        if isinstance(ended, Ended) and isinstance(ended.fault, BgenError):
            raise ended.fault
        return dict(_made(store, sweep_id))


def _made(store: Store, sweep_id: SweepId) -> Iterator[tuple[int, np.ndarray]]:
    rows = store.sweeps.cells(sweep_id)
    for row in rows:
        if not row.done:
            raise UserInputError(row.error or "a cell was not made: the log has the reason.")
        yield row.index, _pixels(store, store.runs.get(row.run_id).raw)


def _pixels(store: Store, name: BlobHash) -> np.ndarray:
    return decode_photo(store.blobs.get(name), name=name, limits=STORED_LIMITS).image
