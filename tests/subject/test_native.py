"""Importing mediapipe without what it does not need here."""

import importlib
import sys
from types import ModuleType

import pytest

from bgen_core.subject.native import only_what_is_needed


def test_plots_are_left_out_while_mediapipe_is_imported_and_never_after(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    with only_what_is_needed():
        plots = importlib.import_module("matplotlib.pyplot")
        assert sys.modules["matplotlib"].pyplot is plots
        assert not hasattr(plots, "figure")
    assert not {"matplotlib", "matplotlib.pyplot"} & sys.modules.keys()


def test_plots_that_are_there_already_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = ModuleType("matplotlib")
    monkeypatch.setitem(sys.modules, "matplotlib", loaded)
    with only_what_is_needed():
        assert sys.modules["matplotlib"] is loaded
    assert sys.modules["matplotlib"] is loaded
