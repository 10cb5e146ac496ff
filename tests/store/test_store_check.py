import os
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bgen_core.records.run import RunRecord
from bgen_core.store.opinions import Opinion
from bgen_core.store.pictures import Removed
from bgen_core.store.store import Store
from bgen_core.store.upkeep.check import Finding, Looked, check_store
from bgen_core.store.upkeep.garbage import collect_garbage
from bgen_core.store.upkeep.repair import Repair, repair_store
from bgen_core.subject.pasting.compositing import composite
from bgen_core.subject.subject import Subject
from bgen_core.sweep.plan import pixel_versions
from tests.made_up import EXTENT, MODEL_EXTENT, commit, made_up_run, made_up_subject, painted, picture

pytestmark = pytest.mark.both_databases

AT_ONCE = timedelta(0)


def findings(store: Store, *, quick: bool = False, older_than: timedelta = AT_ONCE) -> list[Finding]:
    looked = list(check_store(store, quick=quick, older_than=older_than))
    return [each for each in looked if isinstance(each, Finding)]


def found(store: Store) -> set[tuple[str, str]]:
    return {(each.kind, each.picture) for each in findings(store)}


def repaired(store: Store, *, drop_lost: bool = False) -> Sequence[Repair]:
    return list(repair_store(store, findings(store), drop_lost=drop_lost))


def commit_pasted(store: Store, subject: Subject, number: int = 0, **params: float) -> RunRecord:
    """A run as the runner makes it: the picture is the raw one with the subject pasted on it."""
    record = made_up_run(number, subject_id=subject.id, versions=pixel_versions(), params=params)
    raw = picture(number, MODEL_EXTENT)
    image = composite(subject.image, subject.alpha, raw, options=record.params.pasting)
    return store.runs.commit(painted(record), image=image, raw_image=raw)


def lose(store: Store, *pictures: str) -> None:
    for name in pictures:
        store.blobs.path(name).unlink()


def damage(store: Store, name: str) -> None:
    path = store.blobs.path(name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_store_that_is_in_order_has_no_findings(store: Store) -> None:
    subject = made_up_subject()
    store.subjects.save(subject, {})
    runs = [commit_pasted(store, subject, number) for number in range(2)]
    store.blobs.put_thumbnail(runs[0].image, "256.webp", b"small")
    looked = list(check_store(store, older_than=AT_ONCE))
    assert looked == [Looked(done=done, of=6) for done in range(1, 7)]
    assert collect_garbage(store, older_than=AT_ONCE) == Removed()


def test_every_kind_of_trouble_is_found_once(store: Store) -> None:
    subject = made_up_subject()
    store.subjects.save(subject, {})
    entry = store.subjects.get(subject.id)
    runs = [commit(store, made_up_run(number)) for number in range(2)]
    unused, gone = store.blobs.put(b"nobody's"), store.blobs.put(b"gone")
    store.blobs.put_thumbnail(gone, "96.webp", b"small")
    lose(store, runs[0].image, entry.alpha, gone)
    damage(store, runs[1].raw)
    incoming = Path(store.blobs.root) / "incoming" / "half"
    incoming.write_bytes(b"half")
    assert {(each.kind, each.picture or each.path) for each in findings(store)} == {
        ("missing", runs[0].image),
        ("missing", entry.alpha),
        ("damaged", runs[1].raw),
        ("unused", unused),
        ("thumbnail", gone),
        ("unfinished", "incoming/half"),
    }
    texts = {each.picture: each.text for each in findings(store)}
    assert texts[runs[0].image].endswith(f"is missing: it is the finished picture of the run {runs[0].short_id}.")
    assert texts[entry.alpha].endswith(f"is missing: it is the mask of the subject {subject.id[:12]}.")
    assert texts[runs[1].raw].endswith(f"is damaged: it is the raw picture of the run {runs[1].short_id}.")
    quick = {(each.kind, each.picture) for each in findings(store, quick=True)}
    assert quick == found(store) - {("damaged", runs[1].raw)}


def test_what_somebody_may_be_writing_is_no_leftover(store: Store) -> None:
    store.blobs.put(b"in the making")
    (Path(store.blobs.root) / "incoming" / "half").write_bytes(b"half")
    assert findings(store, older_than=timedelta(minutes=10)) == []
    assert collect_garbage(store) == Removed()
    assert len(found(store)) == 2


def test_a_lost_or_damaged_picture_is_made_again_bit_for_bit(store: Store) -> None:
    subject = made_up_subject()
    store.subjects.save(subject, {})
    runs = [commit_pasted(store, subject, number, edge_softness=float(number)) for number in range(2)]
    before = {run.image: store.blobs.get(run.image) for run in runs}
    store.opinions.rate(runs[0].id, 5)
    lose(store, runs[0].image)
    damage(store, runs[1].image)
    assert all(repair.done for repair in repaired(store))
    assert {name: store.blobs.get(name) for name in before} == before
    assert store.opinions.of([runs[0].id])[runs[0].id] == Opinion(rating=5, mean_rating=5.0, raters=1)
    assert findings(store) == []
    kept = Path(store.blobs.root) / "damaged" / f"{runs[1].image}.png"
    assert len(kept.read_bytes()) == len(before[runs[1].image])


@pytest.mark.parametrize("why", ["its subject is gone", "its raw picture is gone too", "other versions made it"])
def test_a_run_whose_picture_cannot_be_made_again_goes_when_somebody_says_so(store: Store, why: str) -> None:
    subject = made_up_subject()
    store.subjects.save(subject, {})
    if why == "other versions made it":
        lost = store.runs.commit(
            painted(made_up_run(0, subject_id=subject.id, versions={"torch": "1.0"})),
            image=picture(),
            raw_image=picture(1, MODEL_EXTENT),
        )
    else:
        lost = commit_pasted(store, subject, 0)
    kept = commit(store, made_up_run(1))
    lose(store, lost.image)
    if why == "its subject is gone":
        store.subjects.delete(subject.id)
    if why == "its raw picture is gone too":
        lose(store, lost.raw)
    (first,) = [repair for repair in repaired(store) if repair.finding.picture == lost.image]
    assert not first.done
    assert f"let --drop-lost remove the run {lost.short_id}" in first.text
    assert store.runs.select() == [kept, lost]
    (then,) = [repair for repair in repaired(store, drop_lost=True) if repair.finding.picture == lost.image]
    assert then.done
    assert f"The run {lost.short_id} was removed" in then.text
    assert store.runs.select() == [kept]
    assert {each.kind for each in findings(store)} <= {"unused"}


def test_what_only_a_backup_has_stays_a_finding(store: Store) -> None:
    subject = made_up_subject()
    store.subjects.save(subject, {})
    run = commit(store, made_up_run(1))
    lose(store, run.raw, store.subjects.get(subject.id).photo)
    repairs = repaired(store)
    assert [repair.done for repair in repairs] == [False, False]
    assert all("from a backup" in repair.text for repair in repairs)
    assert store.runs.select() == [run]
    assert len(findings(store)) == 2


def test_runs_are_put_back_from_their_pictures(store: Store, tmp_path: Path) -> None:
    """As after restoring an older database beside newer pictures."""
    subject = made_up_subject()
    store.subjects.save(subject, {})
    plain = commit_pasted(store, subject, 1)
    run = painted(made_up_run(2, subject_id=subject.id, versions=pixel_versions(), raw_id=plain.raw_id))
    shared = store.runs.commit_pasted(
        run, image=picture(5), raw=plain.raw
    )  # pasted in another way on the same raw picture
    for run in (plain, shared):
        with store.database.writing() as session:
            session.connection().exec_driver_sql(f"DELETE FROM runs WHERE id = '{run.id}'")
    assert {each.kind for each in findings(store)} == {"unused"}
    assert {repair.text for repair in repaired(store)} == {"Its run was put back."}
    assert store.runs.select() == [shared, plain]
    assert findings(store) == []


def test_pictures_of_one_size_are_told_apart_by_pasting_the_subject_again(store: Store) -> None:
    subject = made_up_subject()
    store.subjects.save(subject, {})
    record = made_up_run(1, subject_id=subject.id, versions=pixel_versions(), model_extent=EXTENT)
    raw = picture(9, EXTENT)
    run = store.runs.commit(painted(record), image=composite(subject.image, subject.alpha, raw), raw_image=raw)
    with store.database.writing() as session:
        session.connection().exec_driver_sql("DELETE FROM runs")
    assert all(repair.done for repair in repaired(store))
    assert store.runs.select() == [run]


def test_leftovers_are_removed_and_pictures_left_to_the_garbage(store: Store) -> None:
    run = commit(store, made_up_run(1))
    unused = store.blobs.put(b"nobody's")
    store.blobs.put_thumbnail("0" * 64, "96.webp", b"small")
    (Path(store.blobs.root) / "incoming" / "half").write_bytes(b"half")
    told = {repair.finding.kind: (repair.done, repair.text) for repair in repaired(store)}
    assert told == {
        "unused": (False, "No run can be read from it: `store gc` removes it."),
        "thumbnail": (True, "It was removed."),
        "unfinished": (True, "It was removed."),
    }
    assert found(store) == {("unused", unused)}
    assert collect_garbage(store, older_than=AT_ONCE).files == 1
    assert findings(store) == []
    assert store.runs.select() == [run]


def test_garbage_is_what_nothing_refers_to(store: Store) -> None:
    subject = made_up_subject()
    store.subjects.save(subject, {})
    run = commit(store, made_up_run(1))
    unused = store.blobs.put(b"nobody's")
    for name in (unused, run.image, "0" * 64):
        store.blobs.put_thumbnail(name, "96.webp", b"small")
    (small,) = store.blobs.listing().thumbnails["0" * 64]
    expected = Removed(files=2, size=len(b"nobody's") + small.size)
    assert collect_garbage(store, dry_run=True, older_than=AT_ONCE) == expected
    assert store.blobs.exists(unused)
    assert collect_garbage(store, older_than=AT_ONCE) == expected
    assert not store.blobs.exists(unused)
    assert store.blobs.get_thumbnail(unused, "96.webp") is None
    assert store.blobs.get_thumbnail(run.image, "96.webp") == b"small"
    assert findings(store) == []
    assert store.subjects.load(subject.id).id == subject.id


def test_only_what_is_old_enough_is_garbage(store: Store) -> None:
    old, new = store.blobs.put(b"old"), store.blobs.put(b"new")
    an_hour_ago = time.time() - 3600
    os.utime(store.blobs.path(old), (an_hour_ago, an_hour_ago))
    assert collect_garbage(store) == Removed(files=1, size=3)
    assert (store.blobs.exists(old), store.blobs.exists(new)) == (False, True)


def test_garbage_that_a_run_is_being_committed_with_is_written_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes lay there unused; they go between the commit's files and its row."""
    add_run = store.runs.add

    def collect_first(record: RunRecord, pictures: dict[str, bytes]) -> RunRecord:
        assert collect_garbage(store, older_than=AT_ONCE).files == 2
        return add_run(record, pictures)

    monkeypatch.setattr(store.runs, "add", collect_first)
    commit(store, made_up_run(1))
    assert findings(store) == []
