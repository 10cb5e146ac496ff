"""What differs between classes of devices, on an inpainter whose pictures differ by known amounts."""

import json
from collections.abc import Generator, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from bgen_core.bench.classes import DeviceClass, classes_here, compare, compare_classes, made_up_cells, stored_cells
from bgen_core.cli import command_line
from bgen_core.errors import ModelLoadError, UserInputError
from bgen_core.ids import SweepId
from bgen_core.jobs.runner import Runner
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.events import Finished, PaintCell
from tests.jobs import quick_sweeps

FULL = DeviceClass(device="cpu", precision="full", title="processor, float32")
HALF = DeviceClass(device="cpu", precision="half", title="processor, float16")


class Shifted:
    """Paints the seed's grey, and so much more green in the upper quarter."""

    def __init__(self, more: int) -> None:
        self._more = more

    def paint(self, cells: Iterable[PaintCell | None]) -> Generator[Any]:
        for cell in cells:
            if cell is None:
                return
            extent = cell.canvas.extent
            image = np.full((extent.height, extent.width, 3), cell.params.seed, np.uint8)
            image[: extent.height // 4, :, 1] += self._more
            yield Finished(cell=cell, image=image, seconds={})

    def tune(self, extent: object) -> None: ...

    def is_tuned(self, extent: object) -> bool:
        return True


@pytest.fixture(autouse=True)
def shifted(monkeypatch: pytest.MonkeyPatch) -> None:
    """In half precision a quarter of each picture is 6 lighter in green."""

    def load(source: Any, device: Any, **_: Any) -> tuple[Shifted, int]:
        return Shifted(6 if device.dtype_name == "float16" else 0), 8

    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", load)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param({0: [[0, 0, 0]]}, {0: [[0, 0, 0]]}, (1, 0, 0.0, 0.0), id="equal"),
        pytest.param({0: [[0, 0, 0]] * 4}, {0: [[0, 0, 0]] * 3 + [[0, 12, 0]]}, (1, 12, 1.0, 0.25), id="one channel"),
        pytest.param({0: [[255, 0, 0]]}, {0: [[0, 0, 255]]}, (1, 255, 170.0, 1.0), id="both ways"),
        pytest.param({0: [[0, 0, 0]], 1: [[9, 9, 9]]}, {1: [[9, 9, 6]]}, (1, 3, 1.0, 1.0), id="only what both have"),
        pytest.param({0: [[0, 0, 0]]}, {0: [[0, 0, 0]] * 2}, (0, 0, 0.0, 0.0), id="other sizes"),
        pytest.param({}, {}, (0, 0, 0.0, 0.0), id="none"),
    ],
)
def test_two_classes_are_compared_pixel_by_pixel(one: Any, other: Any, expected: tuple[float, ...]) -> None:
    made = {
        name: {index: np.array([row], np.uint8) for index, row in pictures.items()}
        for name, pictures in (("one", one), ("other", other))
    }
    pair = compare("one", "other", made)
    assert (pair.cells, pair.greatest, pair.mean, pair.share) == expected


def test_classes_are_painted_and_the_first_one_twice(settings: Settings) -> None:
    said: list[str] = []
    pairs, seconds, left_out = compare_classes(settings, made_up_cells("demo"), [FULL, HALF], said.append)
    told = {(pair.one, pair.other): (pair.cells, pair.greatest, pair.mean, pair.share) for pair in pairs}
    assert told == {
        (FULL.title, HALF.title): (4, 6, 0.5, 0.25),
        (FULL.title, f"{FULL.title}, again"): (4, 0, 0.0, 0.0),
    }
    assert list(seconds) == [FULL.title, HALF.title, f"{FULL.title}, again"] and not left_out
    assert len(said) == 3


def test_a_stored_sweep_is_compared_with_what_the_store_has(settings: Settings, store: Store) -> None:
    sweep_id = SweepId(quick_sweeps.submit(store, settings, seeds="1-9"))
    store.sweeps.claim_next()
    list(Runner(store, settings).run(sweep_id))
    asked = stored_cells(settings, sweep_id)
    assert asked.plan.only == (0, 2, 4, 6)
    pairs, _, _ = compare_classes(settings, asked, [HALF], lambda _: None)
    stored = next(pair for pair in pairs if pair.one == "as stored: a processor, float32")
    assert (stored.other, stored.cells, stored.greatest) == (HALF.title, 4, 6)
    assert [each.id for each in store.sweeps.select()] == [sweep_id], "nothing is added to the store"
    with pytest.raises(UserInputError, match="No sweep is called 'away'"):
        stored_cells(settings, SweepId("away"))


def test_a_class_that_cannot_paint_is_left_out_with_its_reason(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(source: Any, device: Any, **_: Any) -> tuple[Shifted, int]:
        if device.dtype_name == "float16":
            raise ModelLoadError("the model demo cannot be loaded")
        return Shifted(0), 8

    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", load)
    pairs, seconds, left_out = compare_classes(settings, made_up_cells("demo"), [FULL, HALF], lambda _: None)
    assert list(left_out) == [HALF.title] and "cannot be loaded" in left_out[HALF.title]
    assert HALF.title not in seconds
    assert [pair.other for pair in pairs] == [f"{FULL.title}, again"]


def test_gpus_that_are_alike_are_one_class(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"cuda": "NVIDIA H200", "cuda:1": "NVIDIA H200", "cuda:2": "NVIDIA L4"}
    real = classes_here.__globals__["find_device"]

    def find(kind: str, precision: str) -> Any:
        device = real("cpu", precision)
        return replace(device, kind=kind, name=names.get(kind, device.name))

    monkeypatch.setattr("bgen_core.bench.classes.gpus_here", lambda: names)
    monkeypatch.setattr("bgen_core.bench.classes.find_device", find)
    found = classes_here(settings, "demo")
    assert [(each.device, each.precision) for each in found] == [
        (kind, precision) for kind in ("cuda", "cuda:2", "cpu") for precision in ("full", "half")
    ]
    assert [each.title for each in found][:2] == ["NVIDIA H200, float32", "NVIDIA H200, float16"]


def test_the_command_prints_a_table_and_json(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgen_core.bench.classes.gpus_here", dict)
    told = CliRunner().invoke(command_line(), ["bench", "--what", "classes", "--json"])
    assert told.exit_code == 0, told.output
    document = json.loads(told.stdout)
    assert [pair["greatest"] for pair in document["pairs"]] == [6, 0]
    assert document["cells"] == 4 and document["model"] == "demo"
    table = CliRunner().invoke(command_line(), ["bench", "--what", "classes"]).stdout
    assert "| 6 | 0.500 | 25.0% |" in table and "| 0 | 0.000 | 0.0% |" in table


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--what", "engine", "--sweep", "a"], "--sweep belongs to --what classes"),
        (["--what", "classes", "--sweep", "a", "--model", "demo"], "--model and --sweep exclude each other"),
        (["--what", "classes", "--sweep", "a\nb"], "No sweep is called"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: Settings, words: list[str], said: str) -> None:
    told = CliRunner().invoke(command_line(), ["bench", *words])
    assert isinstance(told.exception, UserInputError) and said in str(told.exception)
