"""JSON from outside: no more values than announced, however small the file that unpacks to them."""

import json
from typing import Any


def read_foreign_json(text: bytes, *, most_values: int) -> Any:
    """What a JSON text says.

    Raises
    ------
    ValueError
        It is no JSON, is nested too deeply, holds a number that no machine has, or holds more values: each takes some
        60 bytes of memory, and two in the file.
    """
    values = sum(map(text.count, (b",", b"[", b"{")))  # commas in texts count too
    if values > most_values:
        raise ValueError(f"it holds about {values:,} values, and {most_values:,} are allowed")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ArithmeticError as error:
        raise ValueError("a number is not allowed") from error
