"""What cells of one model and size share, and the commit of one of them: composed, encoded, stored."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import BlobHash, SubjectId, SweepId, VisitorId
from bgen_core.jobs.early.looks import EarlyLooks
from bgen_core.models.devices import Device
from bgen_core.models.machine import machine_of
from bgen_core.models.model_source import ModelSource
from bgen_core.models.placement import Placement
from bgen_core.models.steering.loras import LoraFile
from bgen_core.records.run import PaintedRun, RunRecord
from bgen_core.store.runs import RawOrigin
from bgen_core.store.store import Store
from bgen_core.subject.pasting.cut_out import finish
from bgen_core.subject.pasting.edge import Edges
from bgen_core.subject.pasting.light_map import LightMap, light_for
from bgen_core.subject.pasting.lighting import is_black
from bgen_core.subject.placing import PlacedSubject
from bgen_core.subject.subject import Subject
from bgen_core.sweep.applied_loras import applied_loras, lora_versions
from bgen_core.sweep.events import Finished
from bgen_core.sweep.family_rules import paints_in_tiles
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import CellAddress, SweepCell, address_cell, pixel_versions
from bgen_core.sweep.seeds.redraw import Redraw
from bgen_core.sweep.steering.applied_reference import Steering, steering_versions


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """What the cells of one model and one size share. It holds no model: that may go before all of them are committed.

    Attributes
    ----------
    extent
        The size at which they are painted.
    loras, steering
        Name -> file, and reference pictures with what looks at them, of all that the cells name.
    addresses
        Of all cells of this model, by their index: where cells are drawn again, of the attempt under way.
    redraw
        When a cell is drawn again with another seed; None for never.
    photos
        Subject -> size of its photo.
    is_only_group, is_only_size
        Whether the sweep misses cells of one model and one subject alone, and these of one size: what none of them can
        do without stops the sweep, and fails its own cells otherwise.
    early
        Looks at previews, where the sweep asks for them.
    """

    sweep_id: SweepId
    owner: VisitorId
    device: Device
    source: ModelSource
    placement: Placement
    extent: Extent
    loras: dict[str, LoraFile]
    steering: Steering
    addresses: dict[int, CellAddress]
    is_only_group: bool
    is_only_size: bool
    early: EarlyLooks | None = None
    redraw: Redraw | None = None
    photos: Mapping[SubjectId, Extent] = field(default_factory=dict[SubjectId, Extent])

    def address(self, cell: SweepCell) -> CellAddress:
        """Where a cell's pictures lie."""
        return address_cell(
            cell.params,
            subject_id=cell.subject_id,
            model_revision=self.source.revision,
            device_kind=self.device.kind,
            dtype_name=self.device.dtype_name,
            family=self.source.family,
            loras=self.loras,
            ip_adapters=self.steering.ip_adapters,
            depth=self.steering.depth,
            light=self.steering.light,
            photo=self.photos.get(cell.subject_id),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Photo:
    """A subject as it stands on its picture, its id, the name that the sweep's owner gave it, and its pasted edge."""

    id: SubjectId
    placed: PlacedSubject
    name: str
    edges: Edges

    @property
    def subject(self) -> Subject:
        """At the picture's size."""
        return self.placed.subject


@dataclass(frozen=True, kw_only=True, eq=False)
class Painted:
    """A raw picture (uint8, HWC, RGB), what it took in seconds by stage, and the most memory that the device held.

    Attributes
    ----------
    engine, batches
        How the network was called for it: see `Finished`.
    made_on
        What painted it, where that was before and is known from a run; None where it was painted by this process.
    relit
        The subject's light before it by a model, where one was asked.
    light_fault
        Why that model could not be used; a cell with light then fails.
    """

    image: np.ndarray
    seconds: dict[str, float]
    peak_memory_mb: float
    engine: str = ""
    batches: dict[str, str] = field(default_factory=dict[str, str])
    made_on: dict[str, str] | None = None
    relit: LightMap | None = None
    light_fault: str = ""

    @classmethod
    def by_engine(cls, event: Finished, peak_memory_mb: float) -> "Painted":
        """What an engine has just made."""
        return cls(
            image=event.image,
            seconds=event.seconds,
            peak_memory_mb=peak_memory_mb,
            engine=event.engine,
            batches=event.batches,
        )

    @classmethod
    def read_back(cls, picture: np.ndarray, origin: RawOrigin | None) -> "Painted":
        """A picture of the store; its run may have been deleted since it was found: then nothing is known of it."""
        engine, made_on = (origin.engine, origin.made_on) if origin else ("", {})
        return cls(image=picture, seconds={}, peak_memory_mb=0.0, engine=engine, made_on=made_on)


def commit_run(
    store: Store, work: Work, photo: Photo, cell: SweepCell, painted: Painted, raw: BlobHash | None
) -> RunRecord:
    """Paste the subject before a raw picture, and keep both; safe in any thread.

    Parameters
    ----------
    raw
        Where the raw picture lies in the store already, or None.

    Raises
    ------
    UserInputError
        The model of light could not be used, and the cell has light.
    """
    if painted.light_fault and cell.params.light:
        raise UserInputError(painted.light_fault)
    subject, source = photo.subject, work.source
    began = time.perf_counter()
    options = photo.placed.pasting(cell.params.pasting)
    image = finish(
        subject.image,
        subject.alpha,
        painted.image,
        is_transparent=source.family.backdrop == "nothing",
        edges=photo.edges,
        options=options,
        relit=painted.relit,
    )
    seconds = painted.seconds | {"composite": time.perf_counter() - began}
    run = PaintedRun(
        id=work.addresses[cell.index].run_id,
        raw_id=work.addresses[cell.index].raw_id,
        subject_id=photo.id,
        subject_name=photo.name,
        params=cell.params,
        model=source.name,
        model_revision=source.revision,
        extent=subject.extent,
        model_extent=Extent.of(painted.image) if cell.params.refines else work.extent,
        device=_told(work.device, work.placement, tiled=paints_in_tiles(source.family, cell.params)),
        dtype=source.family.number_format(work.device.dtype_name),
        versions=pixel_versions()
        | lora_versions(applied_loras(cell.params, work.loras))
        | steering_versions(cell.params, work.steering)
        | ({"engine": painted.engine} if painted.engine else {})
        | ({} if cell.params.composition.is_photo else photo.placed.receipts(cell.params.pasting))
        | ({"light": light} if (light := _light_told(subject, painted, cell.params)) else {}),
        seconds={stage: round(spent, 4) for stage, spent in seconds.items()},
        peak_memory_mb=round(painted.peak_memory_mb, 1),
        created=datetime.now(UTC),
        made_on=machine_of(work.device) | painted.batches if painted.made_on is None else painted.made_on,
        owner=work.owner,
    )
    if raw is not None:
        return store.runs.commit_pasted(run, image=image, raw=raw)
    return store.runs.commit(run, image=image, raw_image=painted.image)


def _light_told(subject: Subject, painted: Painted, params: InpaintParams) -> str:
    """What the light did to the subject, in words; empty where it is off."""
    if not params.light:
        return ""
    if is_black(subject.image, subject.alpha):
        return "unchanged: the subject is black, and no light can be multiplied onto it"
    light = light_for(subject.image, subject.alpha, painted.image, params.light, painted.relit)
    return "unchanged: too little is around the subject" if light is None else light.receipt


def _told(device: Device, placement: Placement, *, tiled: bool) -> str:
    way = "" if placement.offload == "none" else placement.way
    return ", ".join(filter(None, [device.name, way, "autoencoder in tiles" if tiled else ""]))
