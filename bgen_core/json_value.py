"""What a JSON text says, before anybody has looked at it."""

from typing import Any

# An object's keys are texts; a type checker learns that from here, and not from `json.loads`.
JsonValue = dict[str, Any] | list[Any] | str | int | float | bool | None

# What reading a text that is none raises: one that is nested too deeply is none either.
NO_JSON = (ValueError, RecursionError)
