"""From what a sweep lacks to what the engine is asked for: cells by model and size, with all that their runs need."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import SubjectId
from bgen_core.jobs.kept_models import KeptModels, LoadedModel
from bgen_core.jobs.running.planned import Planned, Plans
from bgen_core.jobs.running.work import Work
from bgen_core.models.devices import WITHOUT_DEVICE, Device
from bgen_core.models.steering.depth_model import depth_model_for
from bgen_core.models.steering.ip_adapters import find_ip_adapters
from bgen_core.models.steering.light_model import light_model_for
from bgen_core.models.steering.loras import find_loras
from bgen_core.settings import Settings
from bgen_core.store.references import KeptBackgrounds, load_references
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import DecodeLimits
from bgen_core.sweep.canvas import choose_model_extent
from bgen_core.sweep.family_rules import settled
from bgen_core.sweep.plan import SweepCell, SweepPlan, address_plan
from bgen_core.sweep.steering.applied_reference import Steering
from bgen_core.wording import quoted


class WorkPlanner:
    """Sorts and addresses the cells of sweeps for the models that are loaded.

    Parameters
    ----------
    models
        What is loaded: nothing is loaded for a question.
    plans
        Plans that were read, which are kept.
    """

    def __init__(self, store: Store, settings: Settings, device: Device, models: KeptModels, plans: Plans) -> None:
        self._store = store
        self._settings = settings
        self._device = device
        self._models = models
        self._plans = plans

    def first_of(self, sweep: Planned) -> tuple[str, LoadedModel | None, dict[Extent, list[SweepCell]]]:
        """The model with which a sweep begins, if it is loaded already, and the cells of each of its sizes."""
        model = next((model for model, _ in sweep.groups), "")
        loaded = self._models.find(model) if model else None
        sizes: dict[Extent, list[SweepCell]] = {}
        if loaded is not None:
            for subject_id, group in sweep.cells_of(model).items():
                self.sort_by_size(sizes, loaded, subject_id, group)
        return model, loaded, sizes

    def sort_by_size(
        self,
        sizes: dict[Extent, list[SweepCell]],
        loaded: LoadedModel,
        subject_id: SubjectId,
        cells: Iterable[SweepCell],
    ) -> None:
        """Put the cells of one subject to those that are painted at the same size.

        Raises
        ------
        UserInputError
            The subject is gone, or its canvas is larger than allowed.
        """
        photo = self._store.subjects.get(subject_id).extent
        for cell in cells:
            params = settled(loaded.source.family, cell.params)
            params.composition.check_area(photo, DecodeLimits.from_settings(self._settings).max_pixels)
            picture = params.composition.extent(photo)
            sizes.setdefault(_extent(picture, loaded, params.side), []).append(replace(cell, params=params))

    def work(self, sweep: Planned, model: str, loaded: LoadedModel, cells: list[SweepCell]) -> Work:
        """What cells of one model need to be painted and committed; their size is for the caller to say.

        Raises
        ------
        UserInputError
            They would get other addresses than when the sweep was planned, or a file that they name is gone.
        """
        plan, source = sweep.plan, loaded.source
        part = replace(plan, only=tuple(cell.index for cell in cells))
        loras = find_loras(part.values_of("loras"), self._settings.lora_folder)
        steering = self._steering(part)
        photos = self._photo_sizes(cells)
        addresses = self._plans.addresses(
            sweep.record,
            [cell.index for cell in cells],
            (model, source.revision, *loras.items(), *steering.ip_adapters.items(), steering.depth, steering.light),
            lambda: address_plan(
                part,
                dict.fromkeys(plan.models, source.revision),
                device_kind=self._device.kind,
                dtype_name=self._device.dtype_name,
                families=dict.fromkeys(plan.models, source.family),
                loras=loras,
                ip_adapters=steering.ip_adapters,
                depth=steering.depth,
                light=steering.light,
                photos=photos,
            ),
        )
        if any(addresses[cell.index].run_id != sweep.missing[cell.index] for cell in cells):
            raise UserInputError(
                f"the model {quoted(model)}, an IP-Adapter, a LoRA, the light model, the device or a library has "
                "changed since this sweep was planned: start it again; what is made already stays in the table."
            )
        work = Work(
            sweep_id=sweep.record.id,
            owner=sweep.record.owner,
            device=WITHOUT_DEVICE if source.family.backdrop else self._device,
            source=source,
            placement=loaded.placement,
            extent=Extent(width=source.entry.side, height=source.entry.side),
            loras=loras,
            steering=steering,
            addresses=addresses,
            is_only_group=len(sweep.groups) == 1,
            is_only_size=False,
            redraw=plan.redraw,
            photos=photos,
        )
        again = {cell.index: work.address(cell) for cell in cells if cell.attempt}
        return replace(work, addresses=addresses | again)

    def _steering(self, part: SweepPlan) -> Steering:
        """What guides the painting beside the prompt."""
        return Steering(
            ip_adapters=find_ip_adapters(part.values_of("ip_adapter"), self._settings.ip_adapter_folder),
            pictures=load_references(self._store.blobs, part.values_of("reference")),
            depth=depth_model_for(part.values_of("control"), self._settings.depth_model),
            background=KeptBackgrounds(self._store.blobs),
            light=light_model_for(
                part.values_of("light"),
                self._settings,
                device_kind=self._device.kind,
                dtype_name=self._device.dtype_name,
            ),
        )

    def _photo_sizes(self, cells: Iterable[SweepCell]) -> dict[SubjectId, Extent]:
        """Of the cells' subjects that are there: what is missing fails its own cells."""
        sizes: dict[SubjectId, Extent] = {}
        for subject_id in {cell.subject_id for cell in cells}:
            with suppress(UserInputError):
                sizes[subject_id] = self._store.subjects.get(subject_id).extent
        return sizes


def _extent(picture: Extent, model: LoadedModel, side: int) -> Extent:
    if model.source.family.backdrop:
        return picture
    return choose_model_extent(picture, side=side or model.source.entry.side, factor=model.factor)
