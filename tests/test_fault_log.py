"""What counts the faults of a process does not keep them from its log."""

import logging

import pytest

from bgen_core.fault_log import count_faults, faults_logged


def test_what_is_counted_is_still_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as a process begins
    count_faults()
    before = faults_logged()
    logging.getLogger("bgen").warning("a warning")
    logging.getLogger("bgen").error("a fault")
    assert faults_logged() == before + 1
    assert capsys.readouterr().err == "a warning\na fault\n"
