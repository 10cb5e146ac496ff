"""The models that stay loaded between sweeps: one by default, and the least recently used one goes for another."""

from dataclasses import dataclass

from bgen_core.jobs.background_faults import BackgroundFaults
from bgen_core.models.compilers import Compiling, choose_compiling, keep_compiled
from bgen_core.models.devices import Device, free_memory
from bgen_core.models.model_files import fetched
from bgen_core.models.model_source import ModelSource
from bgen_core.models.placement import Placement, place
from bgen_core.models.revision import find_model
from bgen_core.settings import Settings
from bgen_core.store.coordination.tunings import Tunings
from bgen_core.store.store import Store
from bgen_core.sweep.backgrounds.inpainter import BackdropInpainter
from bgen_core.sweep.events import Inpainter
from bgen_core.sweep.inpainters import load_inpainter

COMPILING = "compiling"  # kind of background work


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model on its device, ready to paint."""

    source: ModelSource
    inpainter: Inpainter
    factor: int
    placement: Placement


class KeptModels:
    """Loads models, and keeps them for the next sweep.

    Parameters
    ----------
    settings
        How many are kept, and how they are placed.
    device
        Where they run.
    store
        Knows whether somebody sees previews.
    tunings
        Know how fast they are; None takes the store's.
    """

    def __init__(self, settings: Settings, device: Device, store: Store, tunings: Tunings | None = None) -> None:
        self._tunings = (tunings or store.tunings).of
        self._is_watched = store.looks.is_watched
        self._settings = settings
        self._device = device
        self._faults = BackgroundFaults(settings.home)
        self._faults.clear(COMPILING)
        self._kept: dict[str, LoadedModel] = {}  # by revision, the least recently used first
        self._backdrops: dict[str, LoadedModel] = {}  # they take no memory, so that no model goes for them
        self._rows_of_gone = 0

    def get(self, model: str) -> LoadedModel:
        """A model by its name, loaded unless these very weights are loaded already.

        Raises
        ------
        ModelLoadError
            The model cannot be found or loaded.
        """
        source = find_model(model)
        if source.family.backdrop:
            return self._backdrops.setdefault(source.revision, _without_weights(source))
        loaded = self._kept.pop(source.revision, None) or self._load(source)
        self._kept[source.revision] = loaded
        return loaded

    def find(self, model: str) -> LoadedModel | None:
        """A model that is loaded already, or None.

        Raises
        ------
        ModelLoadError
            The model cannot be found.
        """
        revision = find_model(model).revision
        return self._backdrops.get(revision) or self._kept.get(revision)

    @property
    def rows(self) -> int:
        """Rows that all models have computed; of families without the engine none are counted."""
        return self._rows_of_gone + sum(_rows(model) for model in list(self._kept.values()))

    def _load(self, source: ModelSource) -> LoadedModel:
        settings, device = self._settings, self._device.for_family(source.family)
        ready = fetched(source, device.dtype_name, with_safety_checker=settings.safety_checker)
        # Old models go before the new one needs their place.
        while self._kept and (len(self._kept) >= settings.models_kept or self._is_short(ready, device)):
            self._rows_of_gone += _rows(self._kept.pop(next(iter(self._kept))))
            free_memory()
        placement = place(ready, device, settings.offload)
        inpainter, factor = load_inpainter(
            source,
            device,
            tunings=self._tunings,
            checks_safety=settings.safety_checker,
            placement=placement,
            compiling=self._compiling(placement, device),
            on_compile_fault=lambda sentence: self._faults.note(COMPILING, sentence),
            is_watched=self._is_watched,
        )
        return LoadedModel(source=source, inpainter=inpainter, factor=factor, placement=placement)

    def _compiling(self, placement: Placement, device: Device) -> Compiling:
        chosen = choose_compiling(
            self._settings.compile, device.kind, whole=placement.offload == "none", eight_bits=bool(device.kept_in)
        )
        if chosen.wanted:
            keep_compiled(self._settings.home)
        return chosen

    def _is_short(self, source: ModelSource, device: Device) -> bool:
        """Whether the new model has no room beside those that are kept."""
        placement = place(source, device, self._settings.offload)
        return placement.whole + placement.working > placement.free


def _without_weights(source: ModelSource) -> LoadedModel:
    assert source.family.backdrop
    nowhere = Placement(offload="none", whole=0, largest=0, working=0, free=0)
    return LoadedModel(
        source=source, inpainter=BackdropInpainter(source.family.backdrop), factor=1, placement=nowhere
    )  # fmt: skip


def _rows(model: LoadedModel) -> int:
    return getattr(model.inpainter, "rows_in_all", 0)
