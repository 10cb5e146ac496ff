import json
import os
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bgen_core.cli.store import store_app
from bgen_core.errors import StoreError, UserInputError
from bgen_core.settings import Settings
from bgen_core.store.store import OpenStore, open_store
from tests.made_up import LONG_AGO, commit, made_up_run


def call(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(store_app, words, catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


def put_long_ago(store: OpenStore, data: bytes) -> str:
    name = store.blobs.put(data)
    an_hour_ago = time.time() - 3600
    os.utime(store.blobs.path(name), (an_hour_ago, an_hour_ago))
    return name


def test_a_store_in_order_is_exit_0(store: OpenStore) -> None:
    commit(store, made_up_run())
    assert call("check") == (0, "", "2 pictures: all is in order\n")
    code, out, error = call("check", "--json")
    assert (code, json.loads(out), error) == (0, {"ok": True, "pictures": 2, "findings": []}, "")


def test_what_is_found_is_exit_2_until_it_is_mended(store: OpenStore) -> None:
    run = commit(store, made_up_run())
    unused = put_long_ago(store, b"nobody's")
    store.blobs.path(run.image).unlink()
    code, out, error = call("check")
    assert code == 2
    assert [line[:3] for line in out.splitlines()] == ["-- ", "-- "]
    assert unused in out
    assert run.short_id in out
    assert "store check --repair" in error
    code, out, _ = call("check", "--repair", "--drop-lost", "--json")
    document = json.loads(out)
    assert (code, document["ok"]) == (2, False)
    assert {(each["kind"], each["repaired"]) for each in document["findings"]} == {("missing", True), ("unused", False)}
    assert store.runs.select() == []
    assert call("gc")[2].startswith("1 file ")
    assert call("check")[0] == 0


def test_what_cannot_be_mended_stays_exit_2(store: OpenStore) -> None:
    run = commit(store, made_up_run())
    store.blobs.path(run.raw).unlink()
    code, out, error = call("check", "--repair")
    assert code == 2
    assert out.startswith("-- ")
    assert "from a backup" in out
    assert error.endswith("1 finding, 0 mended, 1 left\n")


def test_dropping_alone_is_a_sentence(store: OpenStore) -> None:
    with pytest.raises(UserInputError, match=r"--drop-lost .* give --repair too"):
        call("check", "--drop-lost")


def test_gc_says_what_would_go_and_then_removes_it(store: OpenStore) -> None:
    run = commit(store, made_up_run())
    unused, young = put_long_ago(store, b"x" * 200_000), store.blobs.put(b"young")
    rest = "what is younger than 60 minutes stays\n"
    assert call("gc", "--dry-run") == (0, "", f"1 file (0.2 MB) would go; {rest}")
    assert store.blobs.exists(unused)
    code, out, _ = call("gc", "--json")
    assert (code, json.loads(out)) == (0, {"dry_run": False, "files": 1, "size": 200_000})
    assert [store.blobs.exists(name) for name in (unused, young, run.image, run.raw)] == [False, True, True, True]
    assert call("gc")[2] == f"0 files (0.0 MB) removed; {rest}"


def test_a_database_of_another_store_does_not_empty_the_folder(store: OpenStore) -> None:
    names = [put_long_ago(store, b"%d" % number) for number in range(20)]
    assert call("gc", "--dry-run")[0] == 0
    with pytest.raises(
        UserInputError, match=r"20 of 20 pictures would go, .* if it is the right one, repeat with --yes"
    ):
        call("gc")
    assert all(store.blobs.exists(name) for name in names)
    assert call("gc", "--yes")[2].startswith("20 files")


def test_repair_begins_a_lost_database_anew_from_the_pictures(store: OpenStore, settings: Settings) -> None:
    run = commit(store, made_up_run())
    store.close()
    for file in settings.home.glob("bgen.sqlite3*"):
        file.unlink()
    an_hour_ago = time.time() - 3600
    for name in (run.image, run.raw):
        os.utime(store.blobs.path(name), (an_hour_ago, an_hour_ago))
    with pytest.raises(StoreError, match="store check --repair"):
        call("check")
    code, out, _ = call("check", "--repair")
    assert (code, out.count("Its run was put back.")) == (0, 2)
    with open_store(settings) as again:
        assert again.runs.select() == [run]


def test_a_backup_goes_out_and_in_by_one_command_each(store: OpenStore, tmp_path: Path) -> None:
    run = commit(store, made_up_run())
    target = str(tmp_path / "saved.tar")
    assert call("backup", target) == (0, "", f"{target}: 2 pictures, 2 new, and the database\n")
    with pytest.raises(UserInputError, match="holds 1 run, which the backup would replace: repeat with --yes"):
        call("restore", target)
    no_backup = tmp_path / "holiday.tar"
    no_backup.write_bytes(b"of something else")
    with pytest.raises(UserInputError, match=r"holiday\.tar .*no backup"):
        call("restore", str(no_backup))
    store.deletion.delete([run.id])
    code, out, _ = call("restore", target, "--json")
    assert (code, json.loads(out)["new"]) == (0, 2)
    assert store.runs.known([run.id]) == {run.id}
    assert call("check")[0] == 0
    store.blobs.path(run.raw).unlink()
    assert call("restore", target, "--yes")[2].endswith("1 of them were not here\n")
    store.blobs.path(run.raw).unlink()
    code, _, told = call("backup", target)
    assert (code, "1 picture that rows name cannot be read: see `store check`" in told) == (2, True)


@pytest.fixture
def old(store: OpenStore) -> OpenStore:
    """Two runs of long ago, of which somebody liked one."""
    for number in (0, 3):
        commit(store, made_up_run(number))
    store.opinions.rate(made_up_run(3).id, 5)
    for name in store.blobs.listing().pictures:
        os.utime(store.blobs.path(name), (LONG_AGO.timestamp(), LONG_AGO.timestamp()))
    return store


def test_retention_says_what_would_go_and_then_removes_it(old: OpenStore) -> None:
    going = made_up_run(0)
    code, out, said = call("retention", "--days", "30")
    assert (code, out) == (0, f"2026-01-02 {going.id[:12]} Ada: a beach at sunset\n")
    assert said == "1 run, made 2026-01-02 to 2026-01-02, with 2 pictures (0.0 MB) would go\n"
    document = json.loads(call("retention", "--preview", "--days", "30", "--json")[1])
    assert (document["applied"], document["files"], document["days"]) == (False, 2, 30)
    assert [run["id"] for run in document["runs"]] == [going.id]
    assert len(old.runs.select()) == 2
    assert call("retention", "--apply", "--days", "30")[2].endswith("with 2 pictures (0.0 MB) removed\n")
    assert [run.id for run in old.runs.select()] == [made_up_run(3).id]
    assert call("retention", "--days", "30")[2] == "0 runs, with 0 pictures (0.0 MB) would go\n"


def test_the_deployment_says_how_many_days(old: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserInputError, match="give --days 90, or set BGEN_RETENTION_DAYS"):
        call("retention", "--apply")
    monkeypatch.setenv("BGEN_RETENTION_DAYS", "30000")
    assert call("retention")[2].startswith("0 runs")
    monkeypatch.setenv("BGEN_RETENTION_DAYS", "30")
    assert call("retention")[2].startswith("1 run,")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--apply", "--preview", "--days", "3"], "give one of them"),
        (["--days", "0"], "--days 0 is not allowed: give more than 0"),
        (["--days", "-1"], "--days -1 is not allowed"),
        (["--days", "nan", "--apply"], "--days nan is not allowed"),
        (["--days", "inf"], "--days inf is not allowed"),
        (["--days", "1e9"], r"1e\+09 is not allowed"),
    ],
)
def test_days_that_are_none_remove_nothing(old: OpenStore, words: list[str], sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        call("retention", *words)
    assert len(old.runs.select()) == 2
