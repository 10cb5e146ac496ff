"""`bgen app` becomes the server: which command takes its place."""

import os
import sys
from pathlib import Path

import pytest

from bgen_core.cli import main
from bgen_core.cli.called_as import called_as
from bgen_core.cli.serve import launcher

PROJECT = Path(__file__).parents[2]


def told(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """The options that the server is started with."""
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, command: started.append(command))
    monkeypatch.setattr(sys, "argv", ["bgen", "app", *words])
    with pytest.raises(SystemExit):
        main()
    (command,) = started
    assert command[:6] == [sys.executable, "-P", "-m", "streamlit", "run", str(PROJECT / "streamlit_app.py")]
    return command[6:]


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], []),
        (["--port", "8600"], ["--server.port", "8600"]),
        (["--address", "0.0.0.0"], ["--server.address", "0.0.0.0"]),
        (["--server.maxUploadSize", "300"], ["--server.maxUploadSize", "300"]),
        (["--server.maxUploadSize=300", "--port=1"], ["--server.maxUploadSize=300", "--server.port", "1"]),
    ],
    ids=" ".join,
)
def test_options_go_on_to_the_server(words: list[str], options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, *words) == options


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        (["--port", "99999"], {}, "Invalid value '99999' for '--port': Input should be less than or equal to 65535"),
        (["--port", "-5"], {}, "Input should be greater than or equal to 0"),
        ([], {"BGEN_MAX_CELLS": "many"}, "BGEN_MAX_CELLS='many' is not allowed"),
        ([], {"BGEN_AUTH": "password"}, "BGEN_AUTH=password needs BGEN_PASSWORD"),
    ],
)
def test_a_server_that_could_not_start_is_not_started(
    words: list[str],
    environment: dict[str, str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "execv", lambda program, command: pytest.fail("it was started"))
    monkeypatch.setattr(sys, "argv", ["bgen", "app", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, sentence in capsys.readouterr().err) == (2, True)


def test_the_packages_pages_come_before_a_strangers_launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgen_core.cli.serve.LIBRARY", tmp_path)
    (tmp_path / "streamlit_app.py").touch()
    own = tmp_path / "bgen_app" / "streamlit_app.py"
    own.parent.mkdir()
    own.touch()
    assert launcher() == own


def test_missing_pages_are_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bgen_core.cli.serve.LIBRARY", tmp_path)
    monkeypatch.setattr(sys, "argv", ["bgen", "app"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "install bgen again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("program", "called"),
    [
        ("/home/me/.venv/bin/bgen", "bgen"),
        ("C:/venv/Scripts/bgen.exe", "bgen"),
        ("/srv/bgen/bgen_core/__main__.py", "python -m bgen_core"),
    ],
)
def test_sentences_name_the_command_as_it_was_called(
    program: str, called: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [program, "sweep"])
    assert called_as() == called
