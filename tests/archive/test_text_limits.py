"""Every text at its limit and beyond: what is kept can be exported, imported and read again, and the rest is named."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bgen_core.archive.run_archive import run_archive
from bgen_core.archive.run_import import ImportedRuns, import_runs
from bgen_core.archive.subject_archive import export_subjects
from bgen_core.archive.subject_import import import_subjects
from bgen_core.errors import UserInputError
from bgen_core.limits import LONGEST_NAME, LONGEST_OWNER, LONGEST_TAG, LONGEST_TEXT
from bgen_core.metrics import MetricValue
from bgen_core.models.catalogue import describe_model
from bgen_core.records.run import RunRecord
from bgen_core.runs.export import replaced_in_csv, runs_csv
from bgen_core.runs.recipe import read_recipe
from bgen_core.settings import load_settings
from bgen_core.store.schema import MetricRow, OpinionRow, RunRow, SubjectOwnerRow, SweepRow, TagRow
from bgen_core.store.store import Store, open_store
from bgen_core.subject.decoding.image_io import DecodeLimits
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.build import build_plan
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.made_up import commit, made_up_run, made_up_subject, made_up_sweep

pytestmark = pytest.mark.slow

LIMITS = DecodeLimits(max_bytes=100_000, max_pixels=10_000, min_side=4)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    with open_store(load_settings(home=tmp_path / "other")) as store:
        yield store


def full(longest: int) -> str:
    """As many letters as are allowed, among them what is long in UTF-8, in JSON and in a table."""
    start = '日本 "ü"\n\x01, 🖼|'
    return start + "日" * (longest - len(start))


def keep_full(store: Store) -> tuple[RunRecord, RunRecord]:
    """A run with every text at its limit, and a plain one, in a sweep of both."""
    subject = made_up_subject(1, full(LONGEST_NAME))
    store.subjects.save(subject, {})
    texts = {"prompt": full(LONGEST_TEXT), "negative_prompt": full(LONGEST_TEXT)}
    names = dict.fromkeys(("subject_name", "model", "model_revision", "device"), full(LONGEST_NAME))
    first = commit(store, made_up_run(1, subject_id=subject.id, params=texts, owner=full(LONGEST_OWNER), **names))
    second = commit(store, made_up_run(2, subject_id=subject.id, params=texts))
    store.opinions.note(first.id, full(LONGEST_TEXT))
    store.opinions.tag(first.id, [full(LONGEST_TAG).replace(",", ".")])
    store.metrics.save(first.id, [MetricValue(name="seam", value=None, reason=full(LONGEST_TEXT), version=1)])
    plan = SweepPlan(
        subject_id=subject.id, model=full(LONGEST_NAME), base=first.params, axes=(Axis(name="seed", values=(1, 2)),)
    )
    sweep = made_up_sweep(total=2, plan=plan.to_json(), title=full(LONGEST_TEXT), message=full(LONGEST_TEXT))
    store.sweeps.add(replace(sweep, state="done"), [first.id, second.id])
    return first, second


def brought(store: Store, other: Store, path: Path) -> tuple[ImportedRuns, str]:
    """All runs of one store in the other, and what the ZIP says that it lacks."""
    path.write_bytes(b"".join(run_archive(store, [run.id for run in store.runs.select()])))
    with zipfile.ZipFile(path) as archive:
        told = archive.read("not-included.txt").decode() if "not-included.txt" in archive.namelist() else ""
    return import_runs(other, path), told


def test_every_text_at_its_limit_comes_back_as_it_was(store: Store, other: Store, tmp_path: Path) -> None:
    first, second = keep_full(store)
    done, told = brought(store, other, tmp_path / "runs.zip")
    assert (told, done.not_imported) == ("", ())
    assert set(done.added) == {first.id, second.id}
    assert other.runs.get(first.id) == first
    assert other.opinions.of([first.id]) == store.opinions.of([first.id])
    assert other.metrics.of([first.id]) == store.metrics.of([first.id])
    assert other.subjects.all() == store.subjects.all()
    assert other.sweeps.get("sweep-1").title == full(LONGEST_TEXT)
    recipe = read_recipe(store.blobs.get(first.image))
    assert (recipe.params, recipe.model, recipe.subject_id) == (first.params, first.model, first.subject_id)
    (row,) = csv.DictReader(io.StringIO(runs_csv([first]), newline=""))
    assert InpaintParams(prompt=row["prompt"], negative_prompt=row["negative_prompt"]).prompt == first.params.prompt


def test_a_subjects_name_at_its_limit_comes_back_as_it_was(store: Store, other: Store) -> None:
    saved = store.subjects.save(made_up_subject(1, full(LONGEST_NAME)), {})
    assert import_subjects(other, b"".join(export_subjects(store, [saved])), limits=LIMITS).new == (saved,)
    assert other.subjects.get(saved).name == full(LONGEST_NAME)


def of_row(table: Any, column: str) -> Callable[[Store, str, str], None]:
    """What an older version wrote without asking: a text in one column of the first row that belongs to the run."""

    def write(store: Store, run_id: str, text: str) -> None:
        with store.database.writing() as session:
            owned = {RunRow: "id", OpinionRow: "run_id", TagRow: "run_id", MetricRow: "run_id"}.get(table)
            change = sa.update(table).values({column: text})
            session.execute(change if owned is None else change.where(getattr(table, owned) == run_id))

    return write


def of_plan(store: Store, run_id: str, text: str) -> None:
    with store.database.writing() as session:
        (row,) = session.scalars(sa.select(SweepRow))
        row.plan = row.plan | {"base": row.plan["base"] | {"prompt": text}}


# Field -> who writes it, the longest text, what of the run is missing afterwards.
BEYOND: dict[str, tuple[Callable[[Store, str, str], None], int, str]] = {
    "prompt": (of_row(RunRow, "prompt"), LONGEST_TEXT, "run"),
    "negative prompt": (of_row(RunRow, "negative_prompt"), LONGEST_TEXT, "run"),
    "model": (of_row(RunRow, "model"), LONGEST_NAME, "run"),
    "revision": (of_row(RunRow, "model_revision"), LONGEST_NAME, "run"),
    "subject's name in a run": (of_row(RunRow, "subject_name"), LONGEST_NAME, "run"),
    "device": (of_row(RunRow, "device"), LONGEST_NAME, "run"),
    "owner": (of_row(RunRow, "owner"), LONGEST_OWNER, "run"),
    "note": (of_row(OpinionRow, "notes"), LONGEST_TEXT, "notes"),
    "tag": (of_row(TagRow, "tag"), LONGEST_TAG, "tags"),
    "reason": (of_row(MetricRow, "reason"), LONGEST_TEXT, "metrics"),
    "subject": (of_row(SubjectOwnerRow, "name"), LONGEST_NAME, "subject"),
    "title": (of_row(SweepRow, "title"), LONGEST_TEXT, "sweep"),
    "message": (of_row(SweepRow, "message"), LONGEST_TEXT, "sweep"),
    "plan": (of_plan, LONGEST_TEXT, "sweep"),
}


def lost(store: Store, first: RunRecord) -> set[str]:
    """What of `keep_full` is not in the store."""
    known = bool(store.runs.known([first.id]))
    opinion = store.opinions.of([first.id]).get(first.id)
    there = {
        "run": known,
        "notes": not known or bool(opinion and opinion.notes),
        "tags": not known or bool(opinion and opinion.tags),
        "metrics": not known or bool(store.metrics.of([first.id])),
        "subject": bool(store.subjects.all()),
        "sweep": bool(store.sweeps.select()),
    }
    return {name for name, is_there in there.items() if not is_there}


@pytest.mark.parametrize("kind", ["too long", "zero byte"])
@pytest.mark.parametrize("field", BEYOND)
def test_what_an_older_version_kept_is_left_out_and_named_and_the_rest_goes(
    store: Store, other: Store, tmp_path: Path, field: str, kind: str
) -> None:
    first, second = keep_full(store)
    write, longest, missing = BEYOND[field]
    write(store, first.id, "x" * (longest + 1) if kind == "too long" else "a\0b")
    done, told = brought(store, other, tmp_path / "runs.zip")
    assert other.runs.get(second.id) == second
    assert done.not_imported == ()
    assert lost(other, first) == {missing}
    named = {"subject": "Subject ", "sweep": "Sweep "}.get(missing, f"Run {first.id}: ")
    (line,) = [line for line in told.splitlines() if line.startswith(named)]
    assert ("zero byte" if kind == "zero byte" else "are allowed") in line
    assert len(line) < 500


@pytest.mark.parametrize("text", ["x" * 30_000, "a\0b", "\ud800"], ids=["too long", "zero byte", "no letter"])
@pytest.mark.parametrize("field", ["prompt", "notes", "tags", "reason", "subject", "title", "plan"])
def test_a_zip_with_an_impossible_text_is_taken_without_it(
    store: Store, other: Store, tmp_path: Path, field: str, text: str
) -> None:
    first, second = keep_full(store)
    brought(store, other, tmp_path / "runs.zip")
    other.deletion.delete([first.id, second.id])
    with zipfile.ZipFile(tmp_path / "runs.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["bgen-runs.json"])
    run = next(each for each in manifest["runs"] if each["record"]["id"] == first.id)
    (sweep,) = manifest["sweeps"]
    (subject,) = manifest["subjects"]
    change: dict[str, Callable[[], Any]] = {
        "prompt": lambda: run["record"]["params"].update(prompt=text),
        "notes": lambda: run.update(notes=text),
        "tags": lambda: run.update(tags=[text]),
        "reason": lambda: run["metrics"][0].update(reason=text),
        "subject": lambda: subject.update(name=text),
        "title": lambda: sweep.update(title=text),
        "plan": lambda: sweep["plan"]["base"].update(prompt=text),
    }
    change[field]()
    with zipfile.ZipFile(tmp_path / "changed.zip", "w") as archive:
        for name, data in (files | {"bgen-runs.json": json.dumps(manifest).encode()}).items():
            archive.writestr(name, data)
    with open_store(load_settings(home=tmp_path / "third")) as third:
        done = import_runs(third, tmp_path / "changed.zip")
        assert lost(third, first) == {
            {"prompt": "run", "reason": "metrics", "title": "sweep", "plan": "sweep"}.get(field, field)
        }
        assert third.runs.get(second.id) == second
    (sentence,) = done.not_imported
    sentence.encode()
    assert "\0" not in sentence
    assert len(sentence) < 500


@pytest.mark.parametrize("text", ["x" * (LONGEST_NAME + 1), "a\0b", "\ud800"], ids=["too long", "zero", "no letter"])
def test_a_subject_with_an_impossible_name_is_left_out_and_named(store: Store, other: Store, text: str) -> None:
    ids = [store.subjects.save(made_up_subject(number, f"Ada {number}"), {}) for number in range(2)]
    with zipfile.ZipFile(io.BytesIO(b"".join(export_subjects(store, ids)))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    said = json.loads(files["001-Ada-0/subject.json"])
    files["001-Ada-0/subject.json"] = json.dumps(said | {"name": text}).encode()
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    done = import_subjects(other, changed.getvalue(), limits=LIMITS)
    assert done.new == (ids[1],)
    (sentence,) = done.not_imported
    assert sentence in done.sentence


@pytest.mark.parametrize(
    "kept", [{"prompt": "x" * (LONGEST_TEXT + 1)}, {"prompt": "a\0b"}], ids=["too long", "zero byte"]
)
def test_a_picture_of_an_older_version_says_why_it_is_no_recipe(store: Store, kept: dict[str, Any]) -> None:
    run = commit(store, made_up_run(1, params=kept))
    with pytest.raises(UserInputError, match=r"at most 20,000 are allowed|holds a zero byte"):
        read_recipe(store.blobs.get(run.image))


def test_a_zero_byte_ends_no_table_and_is_said(store: Store) -> None:
    runs = [
        commit(store, made_up_run(number, params={"prompt": prompt})) for number, prompt in enumerate(("ab", "a\0b"))
    ]
    rows = list(csv.DictReader(io.StringIO(runs_csv(runs), newline="")))
    assert [row["prompt"] for row in rows] == ["ab", "a\N{REPLACEMENT CHARACTER}b"]
    (sentence,) = replaced_in_csv(runs, {})
    assert runs[1].id in sentence


@pytest.mark.parametrize(
    ("given", "model"),
    [
        ({"prompt": ("x" * (LONGEST_TEXT + 1),)}, "demo"),
        ({"prompt": ("a\0b",)}, "demo"),
        ({"prompt": ("\udcff",)}, "demo"),
        ({"prompt": ("a",), "negative-prompt": ("a\0b",)}, "demo"),
        ({"prompt": ("a",)}, "m" * (LONGEST_NAME + 1)),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_made(given: dict[str, Any], model: str) -> None:
    with pytest.raises(UserInputError, match=r"are allowed|only letters are allowed|write it in UTF-8"):
        build_plan([describe_model(model)], {}, given)
