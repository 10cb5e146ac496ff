"""Models between sweeps: how many stay, which one goes, and that nothing of those that went is left behind."""

import gc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers
import pytest

from bgen_core.errors import ModelLoadError
from bgen_core.jobs import kept_models
from bgen_core.jobs.kept_models import KeptModels
from bgen_core.models.devices import Device
from bgen_core.models.placement import Placement
from bgen_core.settings import load_settings
from bgen_core.store.store import Store
from tests.tiny_models import tiny_pipeline

CPU = Device(kind="cpu", name="cpu", dtype_name="float32")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Three models; they differ in one note, which is enough for another revision."""
    made: list[str] = []
    for number in range(3):
        folder = tmp_path_factory.mktemp(f"model{number}")
        tiny_pipeline("sd-9").save_pretrained(folder)
        config = folder / "vae" / "config.json"
        config.write_text(config.read_text().replace('"latent_channels"', f'"note": {number}, "latent_channels"'))
        made.append(str(folder))
    return made


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The models that were loaded, in turn; nothing is."""
    loads: list[str] = []

    def load(source: Any, *_: Any, **__: Any) -> Any:
        loads.append(source.name)
        return SimpleNamespace(), 8

    monkeypatch.setattr(kept_models, "load_inpainter", load)
    return loads


def test_one_is_kept_unless_more_are_wanted(store: Store, folders: list[str], loads: list[str]) -> None:
    a, b, c = folders
    one = KeptModels(load_settings(), CPU, store)
    for model in (a, a, b, a):
        one.get(model)
    assert loads == [a, b, a]
    loads.clear()
    two = KeptModels(load_settings(models_kept=2), CPU, store)
    for model in (a, b, a, c, a, b):
        two.get(model)
    assert loads == [a, b, c, b]  # b was used before a, so it went for c


def test_where_memory_is_short_old_ones_go_earlier(
    store: Store, folders: list[str], loads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = KeptModels(load_settings(models_kept=3), CPU, store)
    room = [100]

    def place(*_: Any) -> Placement:
        return Placement(offload="none", whole=60, largest=60, working=10, free=room[0])

    monkeypatch.setattr(kept_models, "place", place)
    monkeypatch.setattr(kept_models, "free_memory", lambda: room.append(room.pop() + 60))
    kept.get(folders[0])
    room[0] = 40
    kept.get(folders[1])
    kept.get(folders[0])
    assert loads == [folders[0], folders[1], folders[0]]


def test_a_model_that_cannot_be_used_costs_none_that_is_loaded(
    store: Store, folders: list[str], loads: list[str], tmp_path: Path
):
    kept = KeptModels(load_settings(), CPU, store)
    kept.get(folders[0])
    with pytest.raises(ModelLoadError):
        kept.get(str(tmp_path))
    kept.get(folders[0])
    assert loads == [folders[0]]


def test_ten_changes_leave_one_model_behind(store: Store, folders: list[str]) -> None:
    def networks() -> int:
        gc.collect()
        return sum(isinstance(each, diffusers.UNet2DConditionModel) for each in gc.get_objects())

    before = networks()
    kept = KeptModels(load_settings(), CPU, store)
    for change in range(10):
        kept.get(folders[change % 3])
    assert networks() == before + 1
