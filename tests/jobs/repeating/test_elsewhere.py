"""A picture that a GPU of another machine made is made again there, and here wherever that does not come about."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bgen_core.cluster.painter import Painter
from bgen_core.cluster.painter_actor import Control
from bgen_core.extent import Extent
from bgen_core.ids import SweepId, WorkerId
from bgen_core.jobs import recorded_device
from bgen_core.jobs.kept_models import KeptModels
from bgen_core.jobs.leases.member import Member, new_worker_id
from bgen_core.jobs.repeating import elsewhere
from bgen_core.jobs.repeating.answering import Answering
from bgen_core.jobs.repeating.elsewhere import reproducer_for
from bgen_core.jobs.reproduce import Reproduction
from bgen_core.models.devices import find_device
from bgen_core.process_identity import ProcessIdentity
from bgen_core.records.png_text import metadata_chunks
from bgen_core.records.worker import WorkerKind, WorkerStatus
from bgen_core.runs.recipe import read_recipe
from bgen_core.settings import Settings, load_settings
from bgen_core.store.coordination.repeats import Repeat
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import encode_png
from bgen_core.subject.subject import Subject
from tests.jobs import quick_sweeps
from tests.jobs.quick_sweeps import Noise
from tests.made_up import made_up_run, picture
from tests.sleeping import Sleeping

GPU = "NVIDIA H200"
THERE = ProcessIdentity(host="gpu-7 boot 1", pid=42, start=1.0)
PAINTER = WorkerId("painter")
ALPHA = np.zeros((64, 80), np.float32)
ALPHA[:, :40] = 1
SUBJECT = Subject(name="Ada", image=picture(1, Extent(width=80, height=64)), alpha=ALPHA)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What leaves the choice of the device; this machine has no GPU, whatever it has."""
    monkeypatch.setattr(elsewhere, "gpus_here", dict)
    monkeypatch.setattr(elsewhere, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(recorded_device, "gpus_here", lambda: {"cpu": GPU})  # the painter's processor stands for one
    return load_settings(device="auto")


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the models that were loaded, each time."""
    names: list[str] = []

    def load(source: Any, *_: Any, **__: Any) -> tuple[Noise, int]:
        names.append(source.name)
        return Noise(), 8

    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", load)
    return names


@pytest.fixture
def png(store: Store) -> bytes:
    """As another machine made it: its pixels are those that the seed gives."""
    store.subjects.save(SUBJECT, {})
    run = made_up_run(0, params={"seed": 7}, subject_id=SUBJECT.id)
    run = replace(run, device=GPU, made_on={"gpu": GPU})
    pixels = np.full((64, 80, 3), 7, np.uint8)
    pixels[ALPHA == 1] = SUBJECT.image[ALPHA == 1]
    return encode_png(pixels, text=metadata_chunks(run))


def beat(store: Store, kind: WorkerKind = "painter") -> None:
    status = WorkerStatus(state="ready", device_kind="cuda", device_name=GPU)
    store.workers.beat(PAINTER, kind, THERE, status)


def answering(store: Store, settings: Settings, models: KeptModels) -> Answering:
    member = Member(store, "painter", worker_id=PAINTER)
    member.say = lambda **_: None  # type: ignore[method-assign] # its row is the other machine's
    return Answering(store, settings, member, gpu=GPU, models=models)


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Do something in a thread until the body ends."""
    ended = threading.Event()

    def go() -> None:
        while not ended.wait(0.02):
            work()

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(60)
    assert not thread.is_alive()


def reproduce(store: Store, settings: Settings, png: bytes) -> Reproduction:
    with reproducer_for(store, settings) as reproducer:
        return reproducer.reproduce(png, read_recipe(png), SUBJECT, model="demo")


def test_the_painter_with_that_gpu_makes_it_with_the_model_that_it_has(
    store: Store, settings: Settings, png: bytes, loaded: list[str]
) -> None:
    beat(store)
    models = KeptModels(settings, find_device("cpu"), store)
    models.get("demo")
    with meanwhile(answering(store, settings, models).answer_next):
        made = reproduce(store, settings, png)
    assert made.equal and made.pixels == 80 * 64
    assert made.made_by == f"gpu-7 made it, which has a {GPU} as whatever made it first"
    assert made.made_by in made.sentence and not made.other_device
    assert made.run.model == "demo"
    assert loaded == ["demo"], "once, by the painter"
    assert not store.repeats.waits(GPU)


def test_a_painter_that_answers_and_ends_between_two_looks_has_made_it(
    store: Store, settings: Settings, png: bytes, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    beat(store)
    painter = answering(store, settings, KeptModels(settings, find_device("cpu"), store))
    wait, ended = store.repeats.wait, list[bool]()

    def look(repeat_id: str) -> Repeat | None:
        seen = wait(repeat_id)
        if ended or seen is None:
            return seen
        ended.append(painter.answer_next())
        store.workers.leave(PAINTER)
        return replace(seen, taken_by=PAINTER)

    monkeypatch.setattr(store.repeats, "wait", look)
    made = reproduce(store, settings, png)
    assert made.equal and made.made_by == f"another machine made it, which has a {GPU} as whatever made it first"
    assert (ended, loaded) == ([True], ["demo"])


def fails(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    taken = store.repeats.take
    return lambda: (repeat := taken(PAINTER, GPU)) and store.repeats.answer(repeat.id, {})


def speaks_as_another_version(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    taken = store.repeats.take
    return lambda: (repeat := taken(PAINTER, GPU)) and store.repeats.answer(repeat.id, {"png": repeat.png})


def dies(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    return lambda: store.repeats.take(PAINTER, GPU) and store.workers.leave(PAINTER)


def is_busy(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    monkeypatch.setattr(elsewhere, "TAKEN_SECONDS", 0.2)
    return lambda: None


@pytest.mark.parametrize("painter", [fails, speaks_as_another_version, dies, is_busy])
def test_where_no_painter_makes_it_this_machine_does(
    store: Store,
    settings: Settings,
    png: bytes,
    loaded: list[str],
    monkeypatch: pytest.MonkeyPatch,
    painter: Callable[..., Callable[[], object]],
) -> None:
    monkeypatch.setattr(recorded_device, "gpus_here", dict)
    beat(store)
    with meanwhile(painter(store, monkeypatch)):
        made = reproduce(store, settings, png)
    assert made.equal and not made.made_by
    assert f"it was made by a GPU of the kind {GPU} (gpu-7 has such a one)" in made.sentence
    assert loaded == ["demo"]
    assert not store.repeats.waits(GPU)


def test_no_painter_is_asked_where_a_device_is_named_or_is_here(
    store: Store, settings: Settings, png: bytes, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.repeats, "ask", None)
    beat(store, "worker")
    assert reproduce(store, settings, png).equal, "a worker makes nothing again for others"
    beat(store)
    assert reproduce(store, settings.model_copy(update={"device": "cpu"}), png).equal
    monkeypatch.setattr(elsewhere, "gpus_here", lambda: {"cuda": GPU})
    assert reproduce(store, settings, png).equal


def test_a_painter_leaves_its_sweep_for_it_and_comes_back(
    store: Store, settings: Settings, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[int] = []
    inpainter = Sleeping(0.1, painted.append)
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (inpainter, 8))
    sweep_id = SweepId(quick_sweeps.submit(store, settings, seeds="100-250"))
    control = Control(new_worker_id())
    with Member(store, "painter", worker_id=control.worker_id) as member:
        painter = Painter(store, settings, member, control)
        painter._answering._gpu = GPU
        thread = threading.Thread(target=painter.serve)
        thread.start()
        try:
            while len(painted) < 4:
                time.sleep(0.02)
            repeat_id = store.repeats.ask(gpu=GPU, png=store.blobs.put(png), model="demo")
            deadline = time.monotonic() + 60
            while (repeat := store.repeats.wait(repeat_id)) is not None and repeat.answer is None:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert repeat is not None and repeat.answer is not None and repeat.answer["changed"] == 0
            assert store.sweeps.missing(sweep_id) > 0, "the sweep is not waited for"
            made = len(painted)
            while len(painted) < made + 8:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            control.stopping.set()
            thread.join(60)
    assert not thread.is_alive()
    cells = Counter(seed for seed in painted if seed >= 100)
    assert max(cells.values()) == 1, "what was under way is not lost"
