"""Sweeps whose subject's light a model tells: what is recorded, which pictures are others, and what fails."""

from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.jobs import execute_sweep, progress
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.reproduce import Reproducer
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.running import relighting
from bgen_core.jobs.submission import SweepForecast, forecast_sweep, submit_sweep
from bgen_core.models.catalogue import describe_model
from bgen_core.records.run import RunRecord
from bgen_core.records.sweep_states import CANCEL, CONTINUE, PAUSE, RETRY
from bgen_core.runs.recipe import read_recipe
from bgen_core.settings import Settings
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import Store
from bgen_core.store.upkeep.check import Finding, check_store
from bgen_core.store.upkeep.repair import repair_store
from bgen_core.subject.decoding.image_io import decode_photo
from bgen_core.subject.subject import Subject
from bgen_core.sweep.build import build_plan
from tests.made_up import picture
from tests.tiny_ic_light import save_ic_light

EXTENT = Extent(width=120, height=90)
ALPHA = np.zeros((90, 120), np.float32)
ALPHA[30:, 40:80] = 1
ALPHA[29, 40:80] = np.float32(0.4)
SUBJECT = Subject(name="Ada", image=picture(1, EXTENT), alpha=ALPHA)
CORE = ALPHA == 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_ic_light(tmp_path_factory.mktemp("light"))


@pytest.fixture
def lit(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(
        update={"light_model": str(folder), "light_offsets": str(folder / "12.safetensors"), "device": "cpu"}
    )


def forecast(store: Store, settings: Settings, light: str, subject: Subject = SUBJECT) -> SweepForecast:
    store.subjects.save(subject, {})
    plan = build_plan(
        [describe_model("plain-colour")], {subject.id: "Ada"}, {"background-colour": "#205080", "light": light}
    )
    return forecast_sweep(
        store, settings, plan, photos={subject.id: EXTENT}, device_kind="cpu", dtype_name="float32"
    )  # fmt: skip


def made(store: Store, settings: Settings, light: str, subject: Subject = SUBJECT) -> list[RunRecord]:
    name = submit_sweep(store, forecast(store, settings, light, subject), queued=False)
    list(Runner(store, settings).run(name))
    cells = store.sweeps.cells(name)
    assert [cell.error for cell in cells if cell.error] == []
    return store.runs.get_all([cell.run_id for cell in cells])


def pixels(store: Store, run: RunRecord) -> np.ndarray:
    return decode_photo(store.blobs.get(run.image), name="run", limits=STORED_LIMITS).pixels


def test_light_by_a_model_is_another_picture_that_says_so(store: Store, settings: Settings, lit: Settings) -> None:
    (formula,) = made(store, settings, "0.5")
    assert forecast(store, lit, "0, 0.5, 1").notes[-1].startswith("IC-Light finds the light before 1 background: 40 ")
    off, half, full = made(store, lit, "0, 0.5, 1")
    assert formula.id != half.id
    assert off.raw_id == half.raw_id == full.raw_id == formula.raw_id
    assert "light model" not in off.versions.keys() | formula.versions.keys()
    for run in (half, full):
        assert run.versions["light model"].startswith("IC-Light with 12 channels, ")
        assert "times the light" in run.versions["light"]
        assert run.made_on == off.made_on
    assert np.array_equal(pixels(store, off)[CORE], SUBJECT.image[CORE])
    near, far = (np.abs(pixels(store, run)[CORE] - SUBJECT.image[CORE].astype(int)).mean() for run in (half, full))
    assert 0 < near < far
    assert forecast(store, settings, "0").known == 1


def test_it_is_made_again_with_the_light_that_made_it(store: Store, settings: Settings, lit: Settings) -> None:
    runs = [*made(store, settings, "0.5"), *made(store, lit, "0.5")]
    with Reproducer(lit) as reproducer:
        for run in runs:
            png = store.blobs.get(run.image)
            assert reproducer.reproduce(png, read_recipe(png), SUBJECT).sentence.startswith("equal: all")
    with Reproducer(settings) as reproducer:
        png = store.blobs.get(runs[1].image)
        told = reproducer.reproduce(png, read_recipe(png), SUBJECT)
        assert not told.equal
        assert "light model was IC-Light with 12 channels" in told.sentence


def test_a_lost_picture_is_not_mended_in_another_light(store: Store, settings: Settings, lit: Settings) -> None:
    formula, by_model = made(store, settings, "0.5")[0], made(store, lit, "0.5")[0]
    for run in (formula, by_model):
        store.blobs.delete(run.image)
    findings = [each for each in check_store(store) if isinstance(each, Finding)]
    done = {repair.finding.picture: repair.done for repair in repair_store(store, findings)}
    assert done == {formula.image: True, by_model.image: False}


def test_runs_are_put_back_from_pictures_of_one_size(store: Store, lit: Settings) -> None:
    """Which of them is the raw one cannot be told by pasting the subject again: that would need the model."""
    runs = made(store, lit, "0, 0.5, 1")
    assert {run.extent for run in runs} == {run.model_extent for run in runs}
    with store.database.writing() as session:
        session.connection().exec_driver_sql("DELETE FROM runs")
    findings = [each for each in check_store(store, older_than=timedelta(0)) if isinstance(each, Finding)]
    assert {repair.text for repair in repair_store(store, findings)} == {"Its run was put back."}
    back = {run.id: (run.image, run.raw) for run in store.runs.select()}
    assert back == {run.id: (run.image, run.raw) for run in runs}


class Counted:
    """Stands for an IC-Light: counts its evaluations, and does something after some of them."""

    def __init__(self, after: dict[int, Callable[[], object]] | None = None) -> None:
        self.evaluations = 0
        self._after = after or {}

    def relight(self, image: np.ndarray, alpha: np.ndarray, background: np.ndarray) -> Generator[int, None, np.ndarray]:
        for done in range(20):
            yield done
            self.evaluations += 1
            self._after.get(self.evaluations, int)()
        return np.clip(image, 40, 200)


@pytest.mark.parametrize("press", ["cancel", "pause"])
def test_it_is_stopped_within_an_evaluation_and_shows_that_it_gets_on(
    press: str, store: Store, lit: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute_sweep, "LOOK_SECONDS", 0)
    monkeypatch.setattr(progress, "WRITE_SECONDS", 0)
    name, member = submit_sweep(store, forecast(store, lit, "0, 1"), queued=False), Member(store, "worker")
    told: list[int] = []
    monkeypatch.setattr(member, "note_progress", lambda _, said: told.append(max(c.step for c in said.cells.values())))
    stand_in = Counted({3: lambda: store.sweeps.change_state(name, {"cancel": CANCEL, "pause": PAUSE}[press])})
    monkeypatch.setattr(relighting, "ic_light", lambda _: stand_in)
    runner = Runner(store, lit)
    list(execute_sweep.execute_sweep(store, member, runner, name))
    assert stand_in.evaluations == 3
    assert told[-4:] == [0, 1, 2, 3]
    assert [cell.error for cell in store.sweeps.cells(name)] == ["", ""]
    assert store.runs.select() == []

    store.sweeps.change_state(name, {"cancel": RETRY, "pause": CONTINUE}[press])
    monkeypatch.setattr(relighting, "ic_light", lambda _: Counted())
    list(execute_sweep.execute_sweep(store, member, runner, name))
    assert len(store.runs.select()) == 2


def test_a_black_subject_is_said_and_the_rest_goes_on(store: Store, settings: Settings, lit: Settings) -> None:
    black = replace(SUBJECT, image=np.where(CORE[..., None], 0, SUBJECT.image).astype(np.uint8))
    for deployment in (settings, lit):
        off, on = made(store, deployment, "0, 1", black)
        assert on.versions["light"] == "unchanged: the subject is black, and no light can be multiplied onto it"
        assert np.array_equal(pixels(store, on)[CORE], pixels(store, off)[CORE])


def test_a_model_that_cannot_be_used_fails_the_cells_with_light_alone(
    store: Store, lit: Settings, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserInputError, match="BGEN_LIGHT_MODEL has a UNet with 4 input channels"):
        forecast(store, lit.model_copy(update={"light_offsets": ""}), "0.5")
    (tmp_path / "text_encoder").mkdir()
    for file in folder.rglob("*"):
        if file.is_file():
            (tmp_path / file.relative_to(folder)).parent.mkdir(exist_ok=True)
            (tmp_path / file.relative_to(folder)).write_bytes(file.read_bytes())
    (tmp_path / "text_encoder" / "config.json").write_text('{"model_type": "clip_text_model", "hidden_size": 48}')
    broken = lit.model_copy(update={"light_model": str(tmp_path)})
    name = submit_sweep(store, forecast(store, broken, "0, 0.5"), queued=False)
    list(Runner(store, broken).run(name))
    off, on = store.sweeps.cells(name)
    assert not off.error
    assert (
        on.error
        == "The light model BGEN_LIGHT_MODEL cannot be used: name another one, or none for light without a model."
    )
