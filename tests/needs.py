"""What a machine may lack: tests on it are skipped, and say why; where nothing may be missing (CI) they fail."""

import os
from typing import NoReturn

import pytest

# Set by `.ci/run` and by every known CI; `make lint` heeds it too.
STRICT = "CI"


def missing(reason: str) -> NoReturn:
    """End the test for want of what it needs."""
    if os.environ.get(STRICT):
        pytest.fail(reason)
    pytest.skip(reason)
