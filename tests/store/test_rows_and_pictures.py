"""No row without its pictures, whatever happens at once: commits, deletions and the collection of garbage."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bgen_core.errors import LostPictureError, StoreAwayError, UserInputError
from bgen_core.ids import BlobHash
from bgen_core.settings import Settings, load_settings
from bgen_core.store import removals
from bgen_core.store.schema import RemovalRow
from bgen_core.store.store import Store, open_store
from bgen_core.store.upkeep.garbage import collect_garbage
from tests.made_up import commit, made_up_run, made_up_subject, painted, picture, run_id
from tests.store.interleaving import Play
from tests.store.test_store_check import AT_ONCE

_RUNS = 4


def acts_of(store: Store, chance: random.Random) -> list[Callable[[], None]]:
    """Who commits, pastes before another run's raw picture, deletes and collects, all about the same few pictures."""

    def commits() -> None:
        for _ in range(4):
            with suppress(StoreAwayError):
                commit(store, made_up_run(chance.randrange(_RUNS)))

    def pastes() -> None:
        for _ in range(4):
            number = chance.randrange(_RUNS)
            raws = store.runs.known_raws([run_id(number)])
            with suppress(LostPictureError, StoreAwayError):
                for raw_id, raw in raws.items():
                    store.blobs.get(raw)
                    run = made_up_run(number + 10, raw_id=raw_id)
                    store.runs.commit_pasted(painted(run), image=picture(number), raw=raw)

    def saves() -> None:
        for number in (0, 1, 0):
            with suppress(UserInputError, StoreAwayError):
                store.subjects.save(made_up_subject(number), {})
                store.subjects.delete(made_up_subject(number).id)

    def deletes() -> None:
        for _ in range(4):
            if runs := store.runs.select():
                with suppress(UserInputError):
                    store.deletion.delete([chance.choice(runs).id])

    def collects() -> None:
        for _ in range(2):
            collect_garbage(store, older_than=AT_ONCE)

    return [commits, commits, pastes, pastes, saves, saves, deletes, deletes, collects]


_NEEDED = """
SELECT image FROM runs UNION SELECT raw FROM runs UNION SELECT photo FROM subjects UNION SELECT alpha FROM subjects
"""


@pytest.mark.parametrize("kills", [0, 3])
@pytest.mark.parametrize("seed", range(8))
def test_any_order_of_steps_leaves_each_row_its_pictures(settings: Settings, seed: int, kills: int) -> None:
    chance = random.Random(seed)
    settings = load_settings(blobs=f"memory://order-{kills}-{seed}/p", home=settings.home)
    with open_store(settings) as store, closing(sqlite3.connect(settings.home / "bgen.sqlite3")) as database:
        files = store.blobs._place._files.store

        def look() -> None:
            kept = {path.rpartition("/")[2].removesuffix(".png") for path in files}
            assert {name for (name,) in database.execute(_NEEDED)} <= kept

        Play(store, chance, look).perform(acts_of(store, chance), kills=kills)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(removals, "OVER_AFTER", timedelta(days=-1))  # the dead remove nothing any more
            for number in range(_RUNS):
                commit(store, made_up_run(number))
        look()


def test_a_picture_that_is_removed_before_its_row_is_put_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put_all = store.blobs.put_all

    def put_and_lose(pngs: list[bytes]) -> list[BlobHash]:
        names = put_all(pngs)
        assert collect_garbage(store, older_than=AT_ONCE).files == 2
        monkeypatch.undo()
        return names

    monkeypatch.setattr(store.blobs, "put_all", put_and_lose)
    run = commit(store, made_up_run())
    assert store.blobs.exists(run.image)
    assert store.blobs.exists(run.raw)
    with store.database.reading() as session:
        assert session.scalars(sa.select(RemovalRow.picture)).all() == []


def test_a_picture_whose_removal_hangs_is_waited_for_and_then_a_sentence(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = commit(store, made_up_run())
    with monkeypatch.context() as patch:
        patch.setattr(store.blobs, "delete_all", _fail)
        with pytest.raises(StoreAwayError, match="does not answer"):
            store.deletion.delete([run.id])
    with monkeypatch.context() as patch:
        patch.setattr(removals, "_WAIT_SECONDS", 0.1)
        with pytest.raises(StoreAwayError, match=r"is being removed by another process .* try again in 5 minutes"):
            commit(store, made_up_run())
    monkeypatch.setattr(removals, "OVER_AFTER", AT_ONCE)
    assert commit(store, made_up_run()).image == run.image


def test_of_two_who_remove_a_picture_the_second_does_not_say_that_it_is_done(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = commit(store, made_up_run())
    delete_all = store.blobs.delete_all
    monkeypatch.setattr(removals, "_WAIT_SECONDS", 0.1)

    def delete_late(*names: Any, **limits: Any) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(store.blobs, "delete_all", delete_all)
            assert store.pictures.remove_unused({run.image, run.raw}).files == 0
            with pytest.raises(StoreAwayError, match="is being removed by another process"):
                commit(store, made_up_run())
        delete_all(*names, **limits)

    monkeypatch.setattr(store.blobs, "delete_all", delete_late)
    assert store.deletion.delete([run.id]).pictures == 2
    assert commit(store, made_up_run()) == run
    assert store.blobs.exists(run.image)


def _fail(*_: object, **__: object) -> None:
    raise StoreAwayError("The bucket does not answer.")
