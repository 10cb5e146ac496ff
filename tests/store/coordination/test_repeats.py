"""What is to be made again on another kind of GPU: taken by one painter, and by none once nobody waits."""

import pytest
import sqlalchemy as sa

from bgen_core.ids import BlobHash, WorkerId
from bgen_core.store.coordination.database_clock import database_now
from bgen_core.store.coordination.repeats import NOBODY_YET
from bgen_core.store.schema import RepeatRow
from bgen_core.store.store import Store

pytestmark = pytest.mark.both_databases

PNG = BlobHash("0" * 64)
ONE, OTHER = WorkerId("one"), WorkerId("other")


def nobody_has_waited_since(store: Store, repeat_id: str) -> None:
    with store.database.coordinating() as session:
        query = sa.update(RepeatRow).where(RepeatRow.id == repeat_id)
        session.execute(query.values(wanted_until=database_now() - 1))


def rows(store: Store) -> int:
    with store.database.reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(RepeatRow)) or 0


def test_one_painter_with_that_gpu_takes_it_and_answers(store: Store) -> None:
    revision = store.revision()
    repeat_id = store.repeats.ask(gpu="Tesla T4", png=PNG, model="demo")
    assert not store.repeats.waits("NVIDIA H200") and store.repeats.take(ONE, "NVIDIA H200") is None
    assert store.repeats.waits("Tesla T4")
    waiting = store.repeats.wait(repeat_id)
    assert waiting is not None and (waiting.taken_by, waiting.answer) == (NOBODY_YET, None)
    taken = store.repeats.take(ONE, "Tesla T4")
    assert taken is not None and (taken.id, taken.png, taken.model) == (repeat_id, PNG, "demo")
    assert store.repeats.take(OTHER, "Tesla T4") is None and not store.repeats.waits("Tesla T4")
    store.repeats.answer(repeat_id, {"pixels": 3})
    told = store.repeats.wait(repeat_id)
    assert told is not None and (told.taken_by, told.answer) == (ONE, {"pixels": 3})
    store.repeats.forget(repeat_id)
    store.repeats.answer(repeat_id, {"pixels": 4})
    assert store.repeats.wait(repeat_id) is None
    assert store.revision() == revision, "it is nobody's content: no page is drawn anew"


def test_what_nobody_waits_for_is_not_made_and_goes_with_the_next_question(store: Store) -> None:
    repeat_id = store.repeats.ask(gpu="Tesla T4", png=PNG, model="demo")
    nobody_has_waited_since(store, repeat_id)
    assert not store.repeats.waits("Tesla T4") and store.repeats.take(ONE, "Tesla T4") is None
    store.repeats.ask(gpu="Tesla T4", png=PNG, model="demo")
    assert store.repeats.wait(repeat_id) is None
    assert rows(store) == 1
