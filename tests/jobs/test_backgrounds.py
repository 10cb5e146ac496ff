"""Backgrounds without diffusion as models of a sweep: which cells are one, what is kept, and what becomes of it."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bgen_core.archive.run_archive import run_archive
from bgen_core.archive.run_import import import_runs
from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import VisitorId
from bgen_core.jobs.measuring import measure_run
from bgen_core.jobs.reproduce import Reproducer
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.submission import SweepForecast, forecast_sweep, submit_sweep
from bgen_core.models.catalogue import BACKGROUNDS, describe_model
from bgen_core.parameters import PARAMETERS
from bgen_core.records.run import RunRecord
from bgen_core.records.visitor import Visitor
from bgen_core.runs.recipe import read_recipe
from bgen_core.runs.table import FIELDS, acts
from bgen_core.settings import Settings, load_settings
from bgen_core.store.references import encode_background, references_of
from bgen_core.store.store import Store, open_store
from bgen_core.store.thumbnails import thumbnail
from bgen_core.store.upkeep.check import Finding, check_store
from bgen_core.store.upkeep.garbage import collect_garbage
from bgen_core.store.upkeep.repair import repair_store
from bgen_core.subject.subject import Subject
from bgen_core.sweep.build import build_plan
from bgen_core.sweep.family_rules import NEUTRAL
from bgen_core.sweep.plan import SweepPlan, address_cell
from tests.jobs.quick_sweeps import Noise
from tests.made_up import picture

EXTENT = Extent(width=120, height=90)
ALPHA = np.zeros((90, 120), np.float32)
ALPHA[30:, 40:80] = 1
ALPHA[29, 40:80] = np.float32(0.4)
SUBJECT = Subject(name="Ada", image=picture(1, EXTENT), alpha=ALPHA)
ALL = [entry.name for entry in BACKGROUNDS]


@pytest.fixture
def runner(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Noise(), 8))
    store.subjects.save(SUBJECT, {})
    return Runner(store, settings)


def plan(models: list[str], **given: Any) -> SweepPlan:
    texts = {name.replace("_", "-"): value for name, value in given.items()}
    return build_plan([describe_model(name) for name in models], {SUBJECT.id: "Ada"}, texts)


def forecast(store: Store, settings: Settings, made: SweepPlan, device: str = "cpu") -> SweepForecast:
    return forecast_sweep(
        store, settings, made, photos={SUBJECT.id: EXTENT}, device_kind=device, dtype_name="float32"
    )  # fmt: skip


def made_of(store: Store, settings: Settings, runner: Runner, models: list[str], **given: Any) -> list[RunRecord]:
    """The runs of a sweep, cell by cell."""
    name = submit_sweep(store, forecast(store, settings, plan(models, **given)), queued=False)
    list(runner.run(name))
    cells = store.sweeps.cells(name)
    assert [cell.error for cell in cells if cell.error] == []
    return store.runs.get_all([cell.run_id for cell in cells])


def pixels(store: Store, run: RunRecord) -> np.ndarray:
    return np.array(Image.open(BytesIO(store.blobs.get(run.image))))


def test_what_a_row_ignores_is_what_does_not_act() -> None:
    known = {parameter.field for parameter in PARAMETERS if parameter.stage not in ("paste", "place")}
    own = {"plain-colour": "background_colour", "own-picture": "background", "blurred-photo": "background_blur"}
    for entry in BACKGROUNDS:
        pasting = {"harmonisation", "light"} if entry.name == "cut-out" else set()
        assert set(entry.family.ignored) == known - {own.get(entry.name)} | pasting
        assert set(entry.family.ignored) <= NEUTRAL.keys()


def test_they_stand_beside_painted_ones_and_a_seed_makes_no_second_one(
    store: Store, settings: Settings, runner: Runner
) -> None:
    name = store.blobs.put(encode_background(picture(2, Extent(width=300, height=200))))
    models = ["demo", *ALL]
    runs = made_of(
        store, settings, runner, models, prompt="a beach", seed="1,2", steps="2", background=name,
        background_colour="navy to white",
    )  # fmt: skip
    assert [run.model for run in runs] == [model for model in models for _ in range(2)]
    assert len({run.id for run in runs}) == 2 + len(ALL)
    for run in runs[2:]:
        assert (run.device, run.dtype, run.extent, run.model_extent) == ("cpu", "uint8", EXTENT, EXTENT)
        core = pixels(store, run)[..., :3][ALPHA == 1]
        assert np.array_equal(core, SUBJECT.image[ALPHA == 1]), "the photo's own pixels, bit for bit"
    colour, own = runs[2], runs[4]
    assert colour.params.background_colour == "#000080 to #ffffff"
    assert colour.params.prompt == colour.params.background == ""
    assert pixels(store, colour)[[0, -1], 0].tolist() == [[0, 0, 128], [255, 255, 255]]
    assert own.params.background == name


def test_a_colour_is_one_cell_however_it_is_written_and_whatever_computes(store: Store, settings: Settings) -> None:
    store.subjects.save(SUBJECT, {})

    def ids(device: str, **given: Any) -> set[str]:
        return set(forecast(store, settings, plan(["plain-colour"], **given), device).run_ids.values())

    one = ids("cpu", background_colour=["white", "#fff", "rgb(255, 255, 255)"])
    assert one == ids("cuda", prompt="a beach", steps="7") == ids("mps", mask_grow="3")
    assert len(one) == 1
    assert one != ids("cpu", background_colour="white to white")
    assert one != ids("cpu", shadow="0.5")


def test_old_addresses_know_nothing_of_them() -> None:
    entry = describe_model("demo")

    def address(**params: Any) -> str:
        base = plan(["demo"], prompt="a beach", **params).base
        return address_cell(
            base, subject_id=SUBJECT.id, model_revision="m", device_kind="cpu", dtype_name="float32",
            family=entry.family,
        ).run_id  # fmt: skip

    assert address() == address(background_colour="black") == address(background_blur="9")


@pytest.mark.parametrize(
    ("models", "given", "words"),
    [
        (["own-picture"], {}, "own-picture needs a picture: give one in background"),
        (["own-picture"], {"background": "a" * 64}, "The background picture 'aaaaaaaaaaaa' is not in the store"),
        (["demo"], {"prompt": "a", "background_colour": "red"}, "Stable Diffusion puts another background behind"),
        (["demo", "blurred-photo"], {"prompt": "a", "background_colour": "red"}, "puts another background behind"),
        (["blurred-photo"], {"seed": "1,2"}, "is made without a diffusion model: choose the seed"),
        (["demo", "cut-out"], {}, "The prompt is empty"),
        (["plain-colour"], {"background_colour": "whiteish"}, "background colour 'whiteish' is not known"),
        (["cut-out"], {"harmonisation": "0,1"}, "no background whose light it could take"),
        (["cut-out"], {"light": "0.5"}, "no background whose light it could take: choose the light 0, not 0.5"),
        (["plain-colour"], {"detail_strength": "0.5"}, "is made without a diffusion model"),
        (["plain-colour"], {"background_colour": "red,blue"}, "Several for an axis stand on a line each"),
        (
            ["plain-colour"],
            {"anchor": "top,bottom"},
            "All anchors give one picture where the canvas is the photo's own",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(
    models: list[str], given: dict[str, Any], words: str, store: Store, settings: Settings
) -> None:
    store.subjects.save(SUBJECT, {})
    with pytest.raises(UserInputError, match=words):
        submit_sweep(store, forecast(store, settings, plan(models, **given)))


def test_a_plan_says_once_what_has_no_effect_on_them(store: Store, settings: Settings) -> None:
    notes = forecast(store, settings, plan(["demo", "cut-out", "plain-colour"], prompt="a beach")).notes
    assert sum("Made without a diffusion model: cut-out, plain-colour." in note for note in notes) == 1
    assert forecast(store, settings, plan(["cut-out", "plain-colour"])).notes == ()


def test_a_cut_out_is_transparent_and_everything_that_shows_it_copes(
    store: Store, settings: Settings, runner: Runner
) -> None:
    (run,) = made_of(store, settings, runner, ["cut-out"], shadow="0.5")
    png = store.blobs.get(run.image)
    assert Image.open(BytesIO(png)).mode == "RGBA"
    shown = Image.open(BytesIO(thumbnail(store.blobs, run.image, 96)))
    assert shown.mode == "RGB"
    assert len(shown.crop((0, 0, 30, 20)).getcolors() or ()) > 1, "a checkerboard, and no plain colour"
    measure_run(store, settings, run)
    values = store.metrics.of([run.id])[run.id]
    assert values["core_changed"].value == 0
    assert "without a model that could let the person grow" in values["expansion"].reason
    assert {name for name, each in values.items() if "failed" in each.reason or "fault" in each.reason} == set()
    with Reproducer(settings) as reproducer:
        again = reproducer.reproduce(png, read_recipe(png), SUBJECT)
    assert again.equal
    changed = np.array(Image.open(BytesIO(png)))
    changed[0, 0, 3] ^= 1
    with Reproducer(settings) as reproducer:
        other = BytesIO()
        Image.fromarray(changed).save(other, "PNG")
        assert reproducer.reproduce(other.getvalue(), read_recipe(png), SUBJECT).changed == 1


def test_a_lost_cut_out_is_pasted_again_as_it_was(store: Store, settings: Settings, runner: Runner) -> None:
    (run,) = made_of(store, settings, runner, ["cut-out"], shadow="0.5")
    before = store.blobs.get(run.image)
    store.blobs.delete(run.image)
    list(repair_store(store, [each for each in check_store(store) if isinstance(each, Finding)]))
    assert store.blobs.get(store.runs.get(run.id).image) == before


def test_a_model_that_is_loaded_stays_loaded_beside_them(store: Store, settings: Settings, runner: Runner) -> None:
    loaded = runner.prepare("demo")
    assert runner.prepare("plain-colour") is runner.prepare("plain-colour")
    assert runner.prepare("demo") is loaded


def test_a_run_says_nothing_of_what_did_not_make_it(store: Store, settings: Settings, runner: Runner) -> None:
    runs = made_of(store, settings, runner, ["demo", "plain-colour"], prompt="a beach", steps="2", light="1")
    said = [{field.name for field in FIELDS if acts(field, run)} for run in runs]
    assert {"prompt", "seed", "mask_grow"} <= said[0] - said[1]
    assert said[1] - said[0] == {"background_colour"}
    assert {"light", "shadow", "subject", "model", "size"} <= said[0] & said[1]
    for run in runs:
        assert "times the light" in run.versions["light"], "the record says what the light did"


@pytest.mark.parametrize("name", ["background", "reference"])
def test_the_second_of_paired_pictures_is_named_by_the_plan_too(name: str) -> None:
    made = plan(["demo", "own-picture"], prompt="a", seed="1,2", **{name: ["a" * 64, "b" * 64]}, ip_adapter="x")
    paired = build_plan(
        [describe_model("demo")], {SUBJECT.id: "Ada"},
        {"prompt": "a", "seed": "1,2", name: ["a" * 64, "b" * 64], "ip-adapter": "x"}, pairs=[f"seed+{name}"],
    )  # fmt: skip
    for each in (made, paired):
        assert references_of(each.to_json()) == {"a" * 64, "b" * 64}


def test_a_background_is_seen_by_whoever_gave_it_and_no_garbage_while_it_is_named(
    store: Store, settings: Settings, runner: Runner
) -> None:
    mine, others = (store.seen_by(Visitor(id=VisitorId(name * 12), role="member")) for name in "ab")
    name = mine.pictures.give_reference(encode_background(picture(3, EXTENT)))
    assert mine.pictures.sees(name)
    assert not others.pictures.sees(name)
    (run,) = made_of(store, settings, runner, ["own-picture"], background=name)
    collect_garbage(store, older_than=timedelta(0))
    assert store.blobs.exists(name)
    assert store.deletion.count([run.id]).pictures == 2, "the sweep's plan needs the background beside them"


def test_a_background_travels_with_its_run(
    store: Store, settings: Settings, runner: Runner, tmp_path: Path
) -> None:  # fmt: skip
    name = store.blobs.put(encode_background(picture(4, EXTENT)))
    runs = made_of(store, settings, runner, ["own-picture", "cut-out"], background=name)
    file = tmp_path / "runs.zip"
    file.write_bytes(b"".join(run_archive(store, [run.id for run in runs])))
    with open_store(load_settings(home=tmp_path / "other")) as other:
        import_runs(other, file)
        assert {run.id: run.params for run in other.runs.select()} == {run.id: run.params for run in runs}
        assert other.blobs.get(name) == store.blobs.get(name)
