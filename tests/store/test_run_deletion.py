import pytest

from bgen_core.errors import StoreError, UserInputError
from bgen_core.metrics import MetricValue
from bgen_core.store.opinions import Vote
from bgen_core.store.run_deletion import RunDeletion
from bgen_core.store.runs import add_run_row
from bgen_core.store.store import Store
from bgen_core.store.upkeep.check import Finding, check_store
from tests.made_up import commit, made_up_run, made_up_sweep, painted, picture, run_id

pytestmark = pytest.mark.both_databases


def trouble(store: Store) -> list[object]:
    return [each for each in check_store(store) if isinstance(each, Finding)]


def test_a_run_goes_with_all_that_is_about_it(store: Store) -> None:
    gone, kept = (commit(store, made_up_run(number)) for number in range(2))
    for run in (gone, kept):
        store.opinions.rate(run.id, 4)
        store.opinions.note(run.id, "note")
        store.opinions.tag(run.id, ["a", "b"])
        store.metrics.save(run.id, [MetricValue(name="seam", value=1.0, reason="", version=1)])
        store.blobs.put_thumbnail(run.image, "96.webp", b"small")
    store.sweeps.add(made_up_sweep(total=2), [gone.id, kept.id])
    store.opinions.add_vote(Vote(sweep_id="sweep-1", voter="ada", run_a=kept.id, run_b=gone.id, winner="a"))
    size = store.blobs.size(gone.image) + store.blobs.size(gone.raw)
    announced = store.deletion.count([gone.id])
    assert store.deletion.delete([gone.id]) == announced
    assert announced == RunDeletion(
        runs=1, rated=1, noted=1, tagged=1, votes=1, sweeps=1, pictures=2, size=size, shared=0
    )
    assert store.runs.select() == [kept]
    assert store.opinions.of([gone.id, kept.id]).keys() == {kept.id}
    assert store.metrics.of([gone.id, kept.id]).keys() == {kept.id}
    assert store.opinions.votes_of("sweep-1") == []
    assert [cell.done for cell in store.sweeps.cells("sweep-1")] == [False, True]
    assert [store.blobs.exists(name) for name in (gone.image, gone.raw, kept.image, kept.raw)] == [
        False,
        False,
        True,
        True,
    ]
    assert store.blobs.get_thumbnail(gone.image, "96.webp") is None
    assert store.blobs.get_thumbnail(kept.image, "96.webp") == b"small"
    assert trouble(store) == []


def test_a_picture_stays_while_another_run_shows_it(store: Store) -> None:
    first = commit(store, made_up_run(1))
    second = store.runs.commit_pasted(painted(made_up_run(2, raw_id=first.raw_id)), image=picture(7), raw=first.raw)
    announced = store.deletion.delete([first.id])
    assert (announced.pictures, announced.shared) == (1, 1)
    assert announced.sentence.endswith("1 picture that other runs show stays.")
    assert store.blobs.exists(second.raw)
    assert trouble(store) == []
    assert store.deletion.delete([second.id]).pictures == 2
    assert not store.blobs.exists(second.raw)


def test_runs_that_share_a_picture_take_it_along_together(store: Store) -> None:
    first = commit(store, made_up_run(1))
    second = store.runs.commit_pasted(painted(made_up_run(2, raw_id=first.raw_id)), image=picture(7), raw=first.raw)
    gone = store.deletion.delete([first.id, second.id, first.id])
    assert (gone.runs, gone.pictures, gone.shared) == (2, 3, 0)
    assert store.blobs.listing().pictures == {}


def test_an_unknown_run_stops_everything(store: Store) -> None:
    run = commit(store, made_up_run(1))
    for ask in (store.deletion.count, store.deletion.delete):
        with pytest.raises(
            UserInputError, match=f"Nothing is deleted, .* not in the store: {run_id(5)[:12]}, {run_id(6)[:12]}"
        ):
            ask([run.id, run_id(5), run_id(6)])
    assert store.runs.select() == [run]
    assert store.blobs.exists(run.image)


def test_hundreds_go_at_once(store: Store) -> None:
    runs = [made_up_run(number, image="a" * 64, raw="b" * 64) for number in range(1200)]
    with store.database.writing() as session:
        for run in runs:
            add_run_row(session, run, run.owner)
    assert store.deletion.delete([run.id for run in runs[100:]]).runs == 1100
    assert len(store.runs.select()) == 100


def test_a_raw_picture_that_was_deleted_before_the_commit_is_a_sentence(store: Store) -> None:
    first = commit(store, made_up_run(1))
    store.deletion.delete([first.id])
    with pytest.raises(StoreError, match="was deleted meanwhile: make this cell again"):
        store.runs.commit_pasted(painted(made_up_run(2, raw_id=first.raw_id)), image=picture(7), raw=first.raw)
    assert store.runs.select() == []


@pytest.mark.parametrize(
    ("counted", "sentence"),
    [
        ({}, "1 run and 2 pictures (3.5 MB) go."),
        ({"runs": 1234, "rated": 2, "noted": 1}, "1,234 runs, 2 pictures (3.5 MB), 2 ratings and 1 note go."),
        ({"tagged": 3, "votes": 1}, "1 run, 2 pictures (3.5 MB), the tags of 3 runs and 1 blind vote go."),
        ({"shared": 2}, "1 run and 2 pictures (3.5 MB) go. 2 pictures that other runs show stay."),
        (
            {"sweeps": 1},
            "1 run and 2 pictures (3.5 MB) go. 1 sweep will have gaps; going on with one makes its runs again.",
        ),
    ],
)
def test_what_goes_is_said(counted: dict[str, int], sentence: str) -> None:
    nothing = {"runs": 1, "rated": 0, "noted": 0, "tagged": 0, "votes": 0, "sweeps": 0, "shared": 0}
    going = RunDeletion(**(nothing | counted), pictures=2, size=3_500_000)
    assert going.sentence == sentence
    assert going.told == sentence.replace(" go.", " are gone.")
