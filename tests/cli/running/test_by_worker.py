"""A command's sweep that a worker computes: followed, stopped, and made here where no worker is left.

The worker is this process: it acts whenever the command line looks away.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bgen_core.cli.running import by_worker, here, place
from bgen_core.cli.running.here import OWNER
from bgen_core.cli.running.place import find_place
from bgen_core.cli.running.preview_files import PreviewFiles
from bgen_core.errors import StoreAwayError, UserInputError
from bgen_core.ids import WorkerId
from bgen_core.jobs.executors.agreement import terms_of
from bgen_core.jobs.executors.local import LocalExecutor
from bgen_core.jobs.leases.holding import holding
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.running.turns import Turns
from bgen_core.jobs.worker import serve_next
from bgen_core.records.progress import CellProgress, SweepProgress
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from tests.jobs.quick_sweeps import Noise, forecast
from tests.workers import forget, says

CELLS = 3
Act = Callable[[], object]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    for module in (by_worker, here, place):
        monkeypatch.setattr(module, "say", said.append)
    return said


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Noise(), 8))
    monkeypatch.setattr(by_worker, "WORKER_SECONDS", 0.0)


def looking_away(monkeypatch: pytest.MonkeyPatch, *acts: Act) -> list[Act]:
    """What happens each time the command line looks away; it may look away no more often."""
    waiting = list(acts)
    monkeypatch.setattr(by_worker.time, "sleep", lambda _: waiting.pop(0)())
    return waiting


@contextmanager
def a_worker(store: Store, settings: Settings, **said_otherwise: object) -> Iterator[None]:
    """A worker that serves the store, as far as others see."""
    says(store, **({"terms": terms_of(settings)} | said_otherwise))
    yield
    forget(store)


def serve(store: Store, settings: Settings) -> None:
    """The worker takes the next sweep and makes all of it."""
    member = Member(store, "command line")  # no second worker that lives on
    assert serve_next(store, member, Runner(store, settings, member), Turns(store, member))


def test_the_worker_computes_and_the_command_line_counts(
    store: Store, settings: Settings, said: list[str], monkeypatch: pytest.MonkeyPatch
):
    with a_worker(store, settings):
        where = find_place(store, settings, ["demo"], here=False)
        looking_away(monkeypatch, lambda: serve(store, settings))
        result = where.run(forecast(store, settings, seeds=f"1-{CELLS}"))
        assert (result.state, result.made, result.reused, result.failed) == ("done", CELLS, 0, 0)
        assert store.sweeps.get(result.sweep_id).owner == OWNER
        assert "computed by the running worker" in said[0]

        looking_away(monkeypatch, lambda: serve(store, settings))
        again = where.run(forecast(store, settings, seeds=f"1-{CELLS + 1}"))
    assert (again.made, again.reused, len(again.reused_ids)) == (1, CELLS, CELLS)


@pytest.mark.parametrize(
    ("worker", "models", "reason"),
    [
        ({"terms": {}}, ["demo"], "it has another version of this program or its libraries"),
        ({"terms": {"BGEN_PRECISION": "half"}}, ["demo"], "it has another "),
        ({"trouble": "The disk is full."}, ["demo"], "it is in trouble: The disk is full"),
        ({"device_kind": "cuda"}, ["demo"], "it computes on cuda, and BGEN_DEVICE=cpu is set here"),
        ({}, ["own"], "it does not know the folder from which 'own' is meant"),
    ],
)
def test_a_worker_that_would_make_other_pictures_is_not_used(
    store: Store,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    settings: Settings,
    worker: dict[str, object],
    models: list[str],
    reason: str,
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    settings = settings.model_copy(update={"device": "cpu"})
    with a_worker(store, settings, **worker):
        assert find_place(store, settings, models, here=False).worker is None
    assert len(said) == 1 and f"the running worker is not used, since {reason}" in said[0]


@pytest.mark.parametrize("difference", [{"precision": "half"}, {"loras": "/loras"}, {"safety_checker": True}])
def test_other_settings_are_another_worker(settings: Settings, difference: dict[str, object]):
    other = terms_of(settings.model_copy(update=difference))
    assert sum(other[what] != how for what, how in terms_of(settings).items()) == 1


def test_no_address_and_no_folder_stands_in_the_terms(settings: Settings):
    private = settings.model_copy(update={"database": "postgresql://ada:secret@server/bgen", "loras": "/secret"})
    assert not any("secret" in how or "server" in how for how in terms_of(private).values())


def test_this_process_computes_where_it_is_insisted_on_or_no_worker_lives(
    store: Store, settings: Settings, said: list[str]
):
    with a_worker(store, settings):
        assert find_place(store, settings, ["demo"], here=True).worker is None
    assert find_place(store, settings, ["demo"], here=False).worker is None  # it has ended
    assert said == []


def test_a_worker_that_dies_is_waited_for_and_nothing_is_lost_or_made_twice(
    store: Store, settings: Settings, said: list[str], monkeypatch: pytest.MonkeyPatch
):
    with a_worker(store, settings):
        where = find_place(store, settings, ["demo"], here=False)
    commit, committed = store.runs.commit, []
    monkeypatch.setattr(store.runs, "commit", lambda run, **rest: committed.append(run.id) or commit(run, **rest))
    looking_away(monkeypatch, store.sweeps.claim_next)  # the worker takes it, and is killed
    result = where.run(forecast(store, settings, seeds=f"1-{CELLS}"))
    assert (result.state, result.made, result.reused) == ("done", CELLS, 0)
    assert len(committed) == len(set(committed)) == CELLS
    assert "the worker has ended; waiting" in said[1] and "going on in this process" in said[2]


def test_a_worker_that_is_started_again_goes_on(
    store: Store, settings: Settings, said: list[str], monkeypatch: pytest.MonkeyPatch
):
    with a_worker(store, settings):
        where = find_place(store, settings, ["demo"], here=False)
    monkeypatch.setattr(by_worker, "WORKER_SECONDS", 60.0)
    new_one = a_worker(store, settings)
    looking_away(monkeypatch, new_one.__enter__, lambda: serve(store, settings))
    try:
        assert where.run(forecast(store, settings)).state == "done"
    finally:
        new_one.__exit__(None, None, None)
    assert "the worker has ended; waiting" in said[1] and said[2] == "a worker is there again"


def test_what_others_do_in_the_app_is_said(
    store: Store, settings: Settings, said: list[str], monkeypatch: pytest.MonkeyPatch
):
    def only() -> str:
        return store.sweeps.select()[-1].id

    executor = LocalExecutor(store, settings)
    with a_worker(store, settings):
        where = find_place(store, settings, ["demo"], here=False)
        looking_away(
            monkeypatch,
            lambda: executor.pause(only()),
            lambda: executor.go_on(only()),
            lambda: executor.cancel(only()),
        )
        result = where.run(forecast(store, settings))
    assert result.state == "cancelled"
    assert [sentence.split(";")[0] for sentence in said[1:]] == [
        "paused from the app",
        "continued from the app",
        "cancelled from the app",
    ]


def test_ctrl_c_cancels_and_says_how_to_go_on_and_resume_does(
    store: Store, settings: Settings, said: list[str], monkeypatch: pytest.MonkeyPatch
):
    def interrupt() -> None:
        raise KeyboardInterrupt

    with a_worker(store, settings):
        where = find_place(store, settings, ["demo"], here=False)
        looking_away(monkeypatch, interrupt)
        with pytest.raises(KeyboardInterrupt):
            where.run(forecast(store, settings, seeds=f"1-{CELLS}"))
        (sweep,) = store.sweeps.select()
        assert sweep.state == "cancelled" and f"sweep --resume {sweep.id}" in said[-1]
        looking_away(monkeypatch, lambda: serve(store, settings))
        assert where.resume(sweep.id).made == CELLS
        with (
            holding(Member(store, "command line"), sweep.id),
            pytest.raises(UserInputError, match="is being run by another process"),
        ):
            where.resume(sweep.id)


def test_why_it_failed_is_the_commands_sentence(
    store: Store, settings: Settings, said: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Noise, "paint", lambda *_: (_ for _ in ()).throw(UserInputError("It cannot be made.")))
    with a_worker(store, settings):
        where = find_place(store, settings, ["demo"], here=False)
        looking_away(monkeypatch, lambda: serve(store, settings))
        with pytest.raises(UserInputError, match="It cannot be made"):
            where.run(forecast(store, settings))
    assert "what is made is kept" in said[-1]


def test_a_store_that_is_away_for_a_moment_is_waited_for(
    store: Store, settings: Settings, said: list[str], monkeypatch: pytest.MonkeyPatch
):
    get = store.sweeps.get

    def away(_: object) -> object:
        monkeypatch.setattr(store.sweeps, "get", get)
        raise StoreAwayError("The database does not answer.")

    with a_worker(store, settings):
        where = find_place(store, settings, ["demo"], here=False)
        looking_away(
            monkeypatch,
            lambda: serve(store, settings) or monkeypatch.setattr(store.sweeps, "get", away),
            lambda: None,
        )
        assert where.run(forecast(store, settings)).state == "done"
    assert said[-2:] == [
        "The database does not answer. Waiting for it (Ctrl-C stops and keeps what is made)",
        "the store answers again",
    ]


def test_why_the_worker_waits_is_said_once(
    store: Store, settings: Settings, said: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(by_worker, "CELLS_SECONDS", 0.0)
    with a_worker(store, settings):
        where = find_place(store, settings, ["demo"], here=False)
        looking_away(
            monkeypatch,
            lambda: says(store, trouble="The disk is full."),
            lambda: says(store, trouble="The disk is still full."),
            lambda: says(store),
            lambda: serve(store, settings),
        )
        assert where.run(forecast(store, settings)).state == "done"
    assert said[1:] == [
        "The disk is full. The worker waits for it (Ctrl-C stops and keeps what is made)",
        "the worker goes on",
    ]


def test_previews_are_files(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    preview = CellProgress(step=1, of=2, preview="data:image/webp;base64,UklGRg==")

    def paint() -> None:
        (sweep,) = store.sweeps.select()
        store.progress.write(WorkerId("worker"), sweep.id, SweepProgress(cells={2: preview}, made=0, began=0.0))

    with a_worker(store, settings):
        where = find_place(store, settings, ["demo"], here=False, previews=PreviewFiles(tmp_path))
        looking_away(monkeypatch, paint, lambda: serve(store, settings))
        where.run(forecast(store, settings))
    assert (tmp_path / "0002.webp").read_bytes() == b"RIFF"
