"""A store that cannot be used, as the command line says it: one sentence, exit 2, and never "not there"."""

import sys

import pytest

from bgen_core.cli import main
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from tests.made_up import commit, made_up_run, run_id

GARBAGE = "bgen.sqlite3 cannot be used, because it is not a database of this program"


def said_by(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str]:
    """Exit code and stderr of a command."""
    sys.argv = ["bgen", *arguments]
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code, capsys.readouterr().err


@pytest.fixture(autouse=True)
def own_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", sys.argv)


@pytest.mark.parametrize(
    "arguments",
    [
        ["runs"],
        ["runs", "--json"],
        ["runs", "export", "--out", "runs.csv", "--run", run_id(0)],
        ["runs", "delete", run_id(0), "--yes"],
        ["sweep", "--resume", "sweep-1"],
        ["store", "check"],
        ["metrics", "recompute", "--run", run_id(0)],
    ],
    ids=" ".join,
)
def test_a_database_that_is_none(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with open_store(load_settings()) as store:
        commit(store, made_up_run(0))
    (load_settings().home / "bgen.sqlite3").write_bytes(b"holiday photos " * 1000)
    code, said = said_by(capsys, *arguments)
    assert code == 2
    assert GARBAGE in said
    assert said.count("\n") == 1


def test_a_run_that_is_not_there_is_another_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = said_by(capsys, "runs", "delete", run_id(0), "--yes")
    assert (code, said) == (2, f"bgen: No run has the id {run_id(0)}: choose one from the compare page.\n")
