"""A new parameter is a row, a field and a column: everything else follows from these."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parameters.added_parameters import copy_with_two_more_parameters

pytestmark = pytest.mark.slow


def test_a_new_parameter_appears_everywhere_and_moves_no_address(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy_with_two_more_parameters(copy)
    checks = [
        "tests/parameters/added_parameter_checks.py",
        "tests/compatibility",
        "tests/parameters/test_parameters.py",
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *checks]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
