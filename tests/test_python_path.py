import os

import pytest

from bgen_core.python_path import LIBRARY, python_path


@pytest.mark.parametrize(("given", "rest"), [("", []), (":/mine::", ["/mine"])])
def test_what_is_started_finds_the_program_and_nothing_in_the_folder_where_it_is_started(
    monkeypatch: pytest.MonkeyPatch, given: str, rest: list[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", given.replace(":", os.pathsep))
    assert python_path() == os.pathsep.join([str(LIBRARY), *rest])
