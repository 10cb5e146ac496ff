"""What Python's exceptions say to a person."""

import errno
import json

import pytest

from bgen_core.errors import reason


def raised(code: str) -> Exception:
    try:
        exec(code, {"json": json})
    except Exception as error:
        return error
    raise AssertionError(code)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (raised("{}['seed']"), "seed is missing"),
        (raised("float({})"), "a value is of another kind than it must be"),
        (raised("None.x"), "a value is of another kind than it must be"),
        (raised("b'a\\xff'.decode()"), "it is not UTF-8 from byte 2 on"),
        (OSError(errno.ENOSPC, "No space left on device", "/srv/secret"), "No space left on device"),
        (raised("json.loads('[1,')"), "Expecting value: line 1 column 4 (char 3)"),
    ],
)
def test_an_exception_is_told_without_pythons_words(error: Exception, said: str) -> None:
    assert reason(error) == said
