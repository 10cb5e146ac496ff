"""The runner with a model that counts what it is asked for: what is painted, what is only pasted, what fails alone."""

import gc
import weakref
from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from bgen_core.errors import ModelLoadError, OutOfMemoryError, StoreError, UserInputError
from bgen_core.extent import Extent
from bgen_core.jobs import runner as runner_module
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.progress import ProgressWriter
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.submission import SweepForecast, describe_forecast, forecast_sweep, submit_sweep
from bgen_core.models.hub.download import Fetching
from bgen_core.models.revision import find_model
from bgen_core.records.sweep_states import CANCEL
from bgen_core.settings import Settings
from bgen_core.store.references import encode_reference
from bgen_core.store.store import Store
from bgen_core.subject.pasting.compositing import composite
from bgen_core.subject.subject import Subject
from bgen_core.sweep.axes import Axis, parse_axis
from bgen_core.sweep.events import Committed, Failed, Finished, Measuring, PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from pages._ui.sweep.live_sweep import running_text
from tests.tiny_ip_adapters import save_headers
from tests.tiny_models import tiny_pipeline

BASE = InpaintParams(prompt="a red beach", num_inference_steps=2)


def painted(params: InpaintParams, extent: Extent) -> np.ndarray:
    rng = np.random.default_rng([params.seed, params.num_inference_steps])
    return rng.integers(0, 256, (extent.height, extent.width, 3), dtype=np.uint8)


class CountingInpainter:
    """Paints noise; `painted` is every cell that it was asked for."""

    def __init__(self) -> None:
        self.painted: list[InpaintParams] = []
        self.tuned: list[Extent] = []

    def paint(self, cells: Iterable[PaintCell]) -> Generator[Any]:
        for cell in cells:
            self.tuned.append(cell.canvas.extent)
            self.painted.append(cell.params)
            yield Finished(cell=cell, image=painted(cell.params, cell.canvas.extent), seconds={"denoise": 1.0})

    def tune(self, extent: Extent) -> None: ...

    def is_tuned(self, extent: Extent) -> bool:
        return extent in self.tuned


@pytest.fixture
def inpainter(monkeypatch: pytest.MonkeyPatch) -> CountingInpainter:
    counting = CountingInpainter()
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (counting, 8))
    return counting


EXTENT = Extent(width=80, height=64)


def save_subject(store: Store, shade: int = 90, extent: Extent = EXTENT) -> Subject:
    alpha = np.zeros((extent.height, extent.width), np.float32)
    alpha[20:, 20:60] = 1
    image = np.full((extent.height, extent.width, 3), shade, np.uint8)
    subject = Subject(name=f"box {shade}", image=image, alpha=alpha)
    store.subjects.save(subject, {})
    return subject


def forecast(store: Store, settings: Settings, plan: SweepPlan, dtype_name: str = "float32") -> SweepForecast:
    photos = {subject: store.subjects.get(subject).extent for subject in plan.subject_ids}
    return forecast_sweep(store, settings, plan, photos=photos, device_kind="cpu", dtype_name=dtype_name)


def run(store: Store, settings: Settings, plan: SweepPlan) -> tuple[str, list[Any]]:
    sweep_id = submit_sweep(store, forecast(store, settings, plan), owner="tester")
    return sweep_id, list(Runner(store, settings).run(sweep_id))


def test_a_download_is_said_before_the_run_and_while_it_lasts(
    store: Store, settings: Settings, inpainter: CountingInpainter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    of = 2_130_000_000
    fetching = [Fetching(model="demo", done=done, of=of) for done in (0, 1_200_000_000, of)]
    monkeypatch.setattr("bgen_core.jobs.submission.missing_bytes", lambda *_, **__: of)
    monkeypatch.setattr(runner_module, "fetch_missing", lambda *_, **__: iter(fetching))
    plan = SweepPlan(subject_id=save_subject(store).id, model="demo", base=BASE)
    assert "demo is fetched from the Hugging Face Hub first: 2.13 GB." in forecast(store, settings, plan).notes
    sweep_id, events = run(store, settings, plan)
    assert events[:3] == fetching
    assert "demo is fetched from the Hugging Face Hub first: 2.13 GB." not in forecast(store, settings, plan).notes
    ProgressWriter(Member(store, "worker"), sweep_id).note(fetching[1])
    progress = store.progress.read(sweep_id)
    assert progress is not None
    assert "fetching the model: 1.20 GB of 2.13 GB" in running_text(0, 1, progress)


def test_that_a_new_size_is_measured_is_said_once_before_its_first_cell(
    store: Store, settings: Settings, inpainter: CountingInpainter
) -> None:
    plan = SweepPlan(subject_id=save_subject(store).id, model="demo", base=BASE, axes=(parse_axis("seed", "1-2"),))
    _, events = run(store, settings, plan)
    assert (
        [event for event in events if isinstance(event, Measuring)]
        == events[:1]
        == [Measuring(extent=inpainter.tuned[0])]
    )
    _, events = run(store, settings, replace(plan, base=replace(BASE, prompt="a blue beach")))
    assert len(events) == 2 and not any(isinstance(event, Measuring) for event in events)


@pytest.mark.parametrize("fault", [RuntimeError("no such kernel"), OutOfMemoryError("It does not fit.")])
def test_a_default_model_that_cannot_be_measured_does_not_keep_the_worker_from_others(
    store: Store, settings: Settings, inpainter: CountingInpainter, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def tune(extent: Extent) -> None:
        raise fault

    monkeypatch.setattr(inpainter, "tune", tune)
    assert list(Runner(store, settings).warm_up()) == []


def test_what_is_pasted_again_tells_how_its_raw_picture_was_painted(
    store: Store, settings: Settings, inpainter: CountingInpainter, monkeypatch: pytest.MonkeyPatch
):
    def compiled(cells: Iterable[PaintCell]) -> Generator[Any]:
        for event in CountingInpainter.paint(inpainter, cells):
            yield replace(event, engine="compiled", batches={"batch_rows": "16", "quantum": "4"})

    monkeypatch.setattr(inpainter, "paint", compiled)
    monkeypatch.setattr("bgen_core.jobs.running.work.machine_of", lambda device: dict(next(machines)))
    machines = iter([{"gpu": "NVIDIA H200", "host": "gpu-7"}, {"gpu": "another one"}])
    subject = save_subject(store)
    for softness in ("0", "2"):
        plan = SweepPlan(subject_id=subject.id, model="demo", base=BASE, axes=(parse_axis("edge-softness", softness),))
        sweep_id, _ = run(store, settings, plan)
        (row,) = store.sweeps.cells(sweep_id)
        made = store.runs.get(row.run_id)
        assert made.versions["engine"] == "compiled"
        assert made.made_on == {"gpu": "NVIDIA H200", "host": "gpu-7", "batch_rows": "16", "quantum": "4"}
    assert len(inpainter.painted) == 1


@pytest.mark.slow
def test_an_axis_of_pasting_paints_nothing_anew(store: Store, settings: Settings, inpainter: CountingInpainter):
    subject = save_subject(store)
    axes = (parse_axis("seed", "1,2"), parse_axis("edge-softness", "0,1,2"))
    plan = SweepPlan(subject_id=subject.id, model="demo", base=BASE, axes=axes)
    assert describe_forecast(forecast(store, settings, plan)).startswith("6 cells: 0 known, 6 to make from 2 new raw")
    sweep_id, events = run(store, settings, plan)
    assert sorted(params.seed for params in inpainter.painted) == [1, 2]
    assert {event.index for event in events if isinstance(event, Committed)} == set(range(6))
    for cell, row in zip(plan.cells(), store.sweeps.cells(sweep_id), strict=True):
        made = store.runs.get(row.run_id)
        raw = painted(cell.params, made.model_extent)
        expected = composite(subject.image, subject.alpha, raw, options=cell.params.pasting)
        assert np.array_equal(decoded(store, made.image), expected)
        assert np.array_equal(decoded(store, made.raw), raw)

    wider = SweepPlan(
        subject_id=subject.id, model="demo", base=BASE, axes=(axes[0], parse_axis("shadow", "0.2..0.8:0.3"))
    )
    assert "6 to make, without the diffusion model" in describe_forecast(forecast(store, settings, wider))
    run(store, settings, wider)
    assert len(inpainter.painted) == 2


def decoded(store: Store, blob: str) -> np.ndarray:
    from bgen_core.store.blobs import STORED_LIMITS
    from bgen_core.subject.decoding.image_io import decode_photo

    return decode_photo(store.blobs.get(blob), name=blob, limits=STORED_LIMITS).image


@pytest.mark.slow
def test_a_lost_raw_picture_is_painted_again(store: Store, settings: Settings, inpainter: CountingInpainter):
    subject = save_subject(store)
    plan = SweepPlan(subject_id=subject.id, model="demo", base=BASE)
    sweep_id, _ = run(store, settings, plan)
    store.blobs.delete(store.runs.get(store.sweeps.cells(sweep_id)[0].run_id).raw)
    softer = SweepPlan(subject_id=subject.id, model="demo", base=BASE, axes=(parse_axis("edge-softness", "1,2"),))
    _, events = run(store, settings, softer)
    assert len([event for event in events if isinstance(event, Committed)]) == 2
    assert len(inpainter.painted) == 2


def test_equal_cells_are_painted_once(store: Store, settings: Settings, inpainter: CountingInpainter):
    subject = save_subject(store)
    axes = (parse_axis("prompt", "a red beach\na forest"), parse_axis("replace", "red, blue"))
    plan = SweepPlan(subject_id=subject.id, model="demo", base=BASE, axes=axes)
    _, events = run(store, settings, plan)
    assert len(inpainter.painted) == 3  # the forest is not red
    assert {event.index for event in events if isinstance(event, Committed)} == {0, 1, 2, 3}


def test_an_axis_of_weights_of_a_lora(store: Store, settings: Settings, inpainter: CountingInpainter):
    settings.lora_folder.mkdir(parents=True)
    file = settings.lora_folder / "ink.safetensors"
    save_file({"unet.to_q.lora_A.weight": np.zeros((2, 4), np.float32)}, str(file))
    subject, axes = save_subject(store), (parse_axis("lora-weight", "0,0.5,1"),)
    base = replace(BASE, loras="ink:0.8")
    sweep_id, events = run(store, settings, SweepPlan(subject_id=subject.id, model="demo", base=base, axes=axes))
    assert not [event for event in events if isinstance(event, Failed)]
    assert [params.lora_weight for params in inpainter.painted] == [1, 0.5, 1]
    none, half, full = [store.runs.get(row.run_id) for row in store.sweeps.cells(sweep_id)]
    assert (none.params, half.params.loras, full.params.loras) == (BASE, "ink:0.8", "ink:0.8")
    assert none.versions.keys() == half.versions.keys() - {"peft", "LoRA ink"}
    plain, _ = run(store, settings, SweepPlan(subject_id=subject.id, model="demo", base=BASE))
    assert store.sweeps.cells(plain)[0].run_id == none.id

    again = SweepPlan(subject_id=subject.id, model="demo", base=replace(base, seed=7))
    sweep_id = submit_sweep(store, forecast(store, settings, again), owner="tester")
    save_file({"unet.to_q.lora_A.weight": np.ones((2, 4), np.float32)}, str(file))
    with pytest.raises(UserInputError, match="a LoRA, the light model, the device or a library has changed"):
        list(Runner(store, settings).run(sweep_id))


def test_axes_of_a_reference_picture_and_its_scale(store: Store, settings: Settings, inpainter: CountingInpainter):
    save_headers(settings.ip_adapter_folder)
    first, second = (store.blobs.put(encode_reference(np.full((8, 8, 3), shade, np.uint8))) for shade in (1, 2))
    subject, base = save_subject(store), replace(BASE, reference=first, ip_adapter="style")
    axes = (Axis(name="reference", values=(first, second)), parse_axis("reference-scale", "0,1"))
    sweep_id, events = run(store, settings, SweepPlan(subject_id=subject.id, model="demo", base=base, axes=axes))
    assert not [event for event in events if isinstance(event, Failed)]
    assert [params.reference for params in inpainter.painted] == ["", first, second]
    none, full, same, _ = [store.runs.get(row.run_id) for row in store.sweeps.cells(sweep_id)]
    assert none == same
    assert (none.params, full.params) == (BASE, replace(base, reference_scale=1))
    assert full.versions.keys() - none.versions.keys() == {"IP-Adapter style", "image encoder"}

    again = SweepPlan(subject_id=subject.id, model="demo", base=replace(base, seed=7))
    sweep_id = submit_sweep(store, forecast(store, settings, again), owner="tester")
    store.blobs.delete(first)
    with pytest.raises(UserInputError, match=r"reference picture .* is not in the store"):
        list(Runner(store, settings).run(sweep_id))
    with pytest.raises(UserInputError, match=r"reference picture .* is not in the store"):
        submit_sweep(store, forecast(store, settings, again), owner="tester")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reference": "a" * 64}, "needs what looks at it: name an IP-Adapter in ip-adapter"),
        ({"ip_adapter": "style"}, "needs a picture to look at: give one in reference"),
        ({"reference_scale": 1}, "reference scale 1 has nothing to weigh"),
        ({"reference": "a" * 64, "ip_adapter": "gone"}, "IP-Adapter 'gone' is not there: choose style"),
        ({"reference": "a" * 64, "ip_adapter": "style"}, "has no image encoder that fits it: put its folder image_enc"),
    ],
)
def test_a_reference_that_cannot_act_is_refused(
    changes: dict[str, Any], words: str, store: Store, settings: Settings
) -> None:
    save_headers(settings.ip_adapter_folder, with_encoder=False)
    plan = SweepPlan(subject_id=save_subject(store).id, model="demo", base=replace(BASE, **changes))
    with pytest.raises(UserInputError, match=words):
        forecast(store, settings, plan)


def test_a_model_is_gone_before_the_next_one_of_a_sweep_is_loaded(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tiny_pipeline("sd-9").save_pretrained(tmp_path / "other")
    before: list[weakref.ref[CountingInpainter]] = []
    alive: list[bool] = []

    def load(*_: Any, **__: Any) -> tuple[CountingInpainter, int]:
        gc.collect()
        alive.extend(each() is not None for each in before)
        inpainter = CountingInpainter()
        before.append(weakref.ref(inpainter))
        return inpainter, 8

    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", load)
    axes = (Axis(name="model", values=("demo", str(tmp_path / "other"))),)
    _, events = run(store, settings, SweepPlan(subject_id=save_subject(store).id, model="demo", base=BASE, axes=axes))
    assert sum(isinstance(event, Committed) for event in events) == 2
    assert alive == [False]


def test_a_weight_without_a_lora_is_refused(store: Store, settings: Settings):
    subject, axes = save_subject(store), (parse_axis("lora-weight", "0.5,1"),)
    with pytest.raises(UserInputError, match=r"lora weight 0\.5 has nothing to weigh"):
        forecast(store, settings, SweepPlan(subject_id=subject.id, model="demo", base=BASE, axes=axes))
    tagged = replace(BASE, prompt="a red <lora:ink:1> beach")
    notes = forecast(store, settings, SweepPlan(subject_id=subject.id, model="demo", base=tagged)).notes
    assert "<lora:…> in the prompt is plain words here: name LoRAs in lora." in notes


def test_several_subjects_each_get_their_own(store: Store, settings: Settings, inpainter: CountingInpainter):
    one, other = save_subject(store, 90), save_subject(store, 200, Extent(width=64, height=96))
    axes = (Axis(name="subject", values=(one.id, other.id), names=("one", "other")), parse_axis("seed", "1,2"))
    sweep_id, _ = run(store, settings, SweepPlan(subject_id=one.id, model="demo", base=BASE, axes=axes))
    made = store.runs.get_all([row.run_id for row in store.sweeps.cells(sweep_id)])
    assert [record.subject_id for record in made] == [one.id, one.id, other.id, other.id]
    for record, subject in zip(made, (one, one, other, other), strict=True):
        core = subject.alpha == 1
        assert np.array_equal(decoded(store, record.image)[core], subject.image[core])


def test_a_side_is_that_of_a_square_as_large_as_what_is_painted(
    store: Store, settings: Settings, inpainter: CountingInpainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bgen_core.sweep.family_rules.TILED_ABOVE", 64)
    subject = save_subject(store, extent=Extent(width=120, height=60))
    plan = SweepPlan(subject_id=subject.id, model="demo", base=BASE, axes=(parse_axis("side", "0,64,128,256"),))
    sweep_id, events = run(store, settings, plan)
    assert len([event for event in events if isinstance(event, Committed)]) == 4
    made = store.runs.get_all([row.run_id for row in store.sweeps.cells(sweep_id)])
    assert [str(record.model_extent) for record in made] == ["360 × 184", "88 × 48", "184 × 88", "360 × 184"]
    assert [record.params.side for record in made] == [0, 64, 128, 0]
    assert made[3].id == made[0].id  # the model's own side by its number
    assert {str(record.extent) for record in made} == {"120 × 60"}
    assert ["autoencoder in tiles" in record.device for record in made] == [False, False, True, False]


def test_a_side_that_does_not_fit_costs_its_own_cells_alone(
    store: Store, settings: Settings, inpainter: CountingInpainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = save_subject(store)
    paint = inpainter.paint

    def small_device(cells: Iterable[PaintCell]) -> Generator[Any]:
        for cell in cells:
            if cell.canvas.extent.area > 300**2:
                raise OutOfMemoryError("512 pixels do not fit.")
            yield from paint([cell])

    monkeypatch.setattr(inpainter, "paint", small_device)
    axes = (parse_axis("side", "512,128"), parse_axis("seed", "1,2"))
    sweep_id, events = run(store, settings, SweepPlan(subject_id=subject.id, model="demo", base=BASE, axes=axes))
    assert {event.index for event in events if isinstance(event, Committed)} == {2, 3}
    assert [row.error for row in store.sweeps.cells(sweep_id)] == ["512 pixels do not fit."] * 2 + [""] * 2
    with pytest.raises(OutOfMemoryError):
        run(store, settings, SweepPlan(subject_id=subject.id, model="demo", base=replace(BASE, side=512)))


def test_a_model_that_is_gone_costs_its_own_cells_alone(
    store: Store, settings: Settings, inpainter: CountingInpainter, monkeypatch: pytest.MonkeyPatch
):
    subject = save_subject(store)
    real = find_model
    alike = SimpleNamespace(find=lambda name: real("demo"))
    monkeypatch.setattr("bgen_core.jobs.submission.find_model", alike.find)
    axes = (Axis(name="model", values=("gone", "demo")), parse_axis("seed", "1,2"))
    plan = SweepPlan(subject_id=subject.id, model="gone", base=BASE, axes=axes)
    sweep_id = submit_sweep(store, forecast(store, settings, plan), owner="tester")

    def find(name: str) -> Any:
        if name == "gone":
            raise ModelLoadError("The model 'gone' is not there any more.")
        return real(name)

    monkeypatch.setattr(runner_module, "find_model", find)
    events = list(Runner(store, settings).run(sweep_id))
    assert [event.index for event in events if isinstance(event, Failed)] == [0, 1]
    rows = store.sweeps.cells(sweep_id)
    assert [row.error for row in rows] == ["The model 'gone' is not there any more."] * 2 + ["", ""]
    assert [row.done for row in rows] == [True] * 4 or [row.done for row in rows][2:] == [True, True]


@pytest.mark.slow
def test_a_failed_cell_waits_until_it_is_tried_again(store: Store, settings: Settings, inpainter: CountingInpainter):
    subject = save_subject(store)
    plan = SweepPlan(subject_id=subject.id, model="demo", base=BASE, axes=(parse_axis("seed", "1-3"),))
    sweep_id = submit_sweep(store, forecast(store, settings, plan), owner="tester")
    for index in (0, 2):
        store.sweeps.set_cell_error(sweep_id, index, "It failed.")
    list(Runner(store, settings).run(sweep_id))
    store.sweeps.clear_cell_errors(sweep_id, 2)
    list(Runner(store, settings).run(sweep_id))
    assert [row.done for row in store.sweeps.cells(sweep_id)] == [False, True, True]
    assert [params.seed for params in inpainter.painted] == [2, 3]


def test_a_subject_that_is_gone_stops_the_sweep_with_a_sentence(
    store: Store, settings: Settings, inpainter: CountingInpainter
):
    subject = save_subject(store)
    sweep_id = submit_sweep(
        store, forecast(store, settings, SweepPlan(subject_id=subject.id, model="demo", base=BASE)), owner="tester"
    )
    store.sweeps.change_state(sweep_id, CANCEL)
    store.subjects.delete(subject.id)
    with pytest.raises(UserInputError, match="No saved subject"):
        list(Runner(store, settings).run(sweep_id))


@pytest.mark.slow
@pytest.mark.parametrize("broken", ["subjects.load", "blobs.get"])
def test_a_broken_store_fails_no_cell_and_paints_nothing_anew(
    store: Store, settings: Settings, inpainter: CountingInpainter, monkeypatch: pytest.MonkeyPatch, broken: str
):
    one, other = save_subject(store, 90), save_subject(store, 200)
    axes = (Axis(name="subject", values=(one.id, other.id), names=("one", "other")),)
    run(store, settings, SweepPlan(subject_id=one.id, model="demo", base=BASE, axes=axes))
    softer = (*axes, parse_axis("edge-softness", "1"))
    plan = SweepPlan(subject_id=one.id, model="demo", base=BASE, axes=softer)
    sweep_id = submit_sweep(store, forecast(store, settings, plan), owner="tester")

    def refuse(*_: str) -> Any:
        raise StoreError("The store cannot be read.")

    part, method = broken.split(".")
    with monkeypatch.context() as context:
        context.setattr(getattr(store, part), method, refuse)
        with pytest.raises(StoreError, match="The store cannot be read"):
            list(Runner(store, settings).run(sweep_id))
    assert [(row.done, row.error) for row in store.sweeps.cells(sweep_id)] == [(False, "")] * 2
    list(Runner(store, settings).run(sweep_id))
    assert [row.done for row in store.sweeps.cells(sweep_id)] == [True] * 2
    assert len(inpainter.painted) == 2
