import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bgen_core.cli.runs import runs_app as app
from bgen_core.errors import UserInputError
from bgen_core.store.store import Store
from tests.cli.calling import Call
from tests.made_up import commit, made_up_run, run_id


def listed(*arguments: str) -> list[dict]:
    result = CliRunner().invoke(app, ["--json", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return json.loads(result.stdout)


def test_an_empty_store_is_an_empty_list(store: Store) -> None:
    assert listed() == []


def test_json_holds_every_run_newest_first(store: Store) -> None:
    committed = [commit(store, made_up_run(number, params={"prompt": "日本, “ü”\n"})) for number in range(3)]
    found = listed()
    assert [run["id"] for run in found] == [run_id(2), run_id(1), run_id(0)]
    newest = found[0]
    assert newest["prompt"] == "日本, “ü”\n"
    assert newest["guidance_scale"] == 3.0
    assert newest["seconds"]["denoise"] == 1.5
    assert newest["versions"] == {"torch": "2.13.0", "diffusers": "0.42.1"}
    assert Path(newest["image_file"]).read_bytes() == store.blobs.get(committed[2].image)
    assert Path(newest["raw_file"]).read_bytes() == store.blobs.get(committed[2].raw)


def test_the_limit_keeps_the_newest(store: Store) -> None:
    for number in range(3):
        commit(store, made_up_run(number))
    assert [run["seed"] for run in listed("--limit", "2")] == [2, 1]
    assert CliRunner().invoke(app, ["--limit", "9" * 20]).exit_code == 2


def test_csv_goes_into_its_file_and_says_so_on_stderr(store: Store, tmp_path: Path) -> None:
    commit(store, made_up_run(1))
    result = CliRunner().invoke(app, ["--csv", str(tmp_path / "runs.csv")], catch_exceptions=False)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"1 run written to {tmp_path / 'runs.csv'}\n"
    with (tmp_path / "runs.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == [run_id(1)]


def test_a_csv_that_cannot_be_written_is_a_sentence(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match=r"missing/runs.csv cannot be written \(No such file or directory\)"):
        CliRunner().invoke(app, ["--csv", str(tmp_path / "missing" / "runs.csv")], catch_exceptions=False)


@pytest.mark.parametrize("option", [["--limit", "2"], ["--json"], ["--csv", "all.csv"], ["--like", "abc"]])
def test_options_before_a_command_are_refused(store: Store, option: list[str]) -> None:
    run = commit(store, made_up_run(1))
    with pytest.raises(UserInputError, match=f"{option[0]} before delete is not allowed: .* runs delete --help"):
        CliRunner().invoke(app, [*option, "delete", run.id, "--yes"], catch_exceptions=False)
    assert store.runs.known([run.id])


def test_a_value_of_the_wrong_kind_is_shown(call: Call) -> None:
    for words in (["runs", "--limit", "many"], ["generate", "a.jpg", "--out", "a.png", "--steps", "many"]):
        ended = call(*words)
        assert ended.returncode == 2
        assert f"Invalid value 'many' for '{words[-2]}': Input should be a valid integer: see `" in ended.stderr


def test_a_narrow_terminal_shows_the_ids_that_other_commands_take(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = commit(store, made_up_run(1))
    monkeypatch.setenv("COLUMNS", "80")
    assert run.short_id in CliRunner().invoke(app, [], catch_exceptions=False).stdout


def test_a_prompt_of_somebody_else_moves_nothing_on_the_terminal(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(store, made_up_run(1, params={"prompt": "a\x1b]0;b\x07\u202ec\nd"}))
    monkeypatch.setenv("COLUMNS", "300")
    shown = CliRunner().invoke(app, [], catch_exceptions=False).stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert len([line for line in shown.splitlines() if "]0;b" in line]) == 1


def test_without_options_a_table_is_printed(store: Store) -> None:
    assert "No runs yet" in CliRunner().invoke(app, []).stderr
    commit(store, made_up_run(1, subject_name="[red]Ada"))
    result = CliRunner().invoke(app, [], env={"COLUMNS": "200"}, catch_exceptions=False)
    for text in (run_id(1)[:12], "[red]Ada", "a beach at sunset", "demo", "1.938"):
        assert text in result.stdout


def test_the_command_prints_one_json_document_and_nothing_else(store: Store, call: Call) -> None:
    done = call("runs", "--json")
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, [], "")


def test_what_goes_is_said_before_it_goes(store: Store) -> None:
    gone, kept = (commit(store, made_up_run(number)) for number in range(2))
    store.opinions.rate(gone.id, 4)
    said = CliRunner().invoke(app, ["delete", gone.id[:8], "--dry-run"], catch_exceptions=False)
    assert said.exit_code == 0
    assert said.stderr.startswith("1 run, 2 pictures (0.0 MB) and 1 rating go.")
    assert store.runs.select() == [kept, gone]
    done = CliRunner().invoke(app, ["delete", gone.id[:8], gone.id, "--yes", "--json"], catch_exceptions=False)
    document = json.loads(done.stdout)
    assert document | {"size": 0} == {
        "dry_run": False, "deleted": [gone.id], "runs": 1, "rated": 1, "noted": 0, "tagged": 0, "votes": 0, "sweeps": 0,
        "kept": 0, "pictures": 2, "size": 0, "shared": 0,
    }  # fmt: skip
    assert store.runs.select() == [kept]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["delete", run_id(0)], "1 run and 2 pictures .* go. Nothing is deleted without an answer: repeat with --yes."),
        (["delete", run_id(0), run_id(7), "--yes"], f"No run has the id {run_id(7)}"),
        (["delete", "abc", "--yes"], "'abc' is not a run's id"),
    ],
)
def test_nothing_is_deleted_by_mistake(store: Store, words: list[str], sentence: str) -> None:
    run = commit(store, made_up_run(0))
    with pytest.raises(UserInputError, match=sentence):
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert store.runs.select() == [run]
