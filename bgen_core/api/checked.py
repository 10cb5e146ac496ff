"""What was sent, checked against its shape; what does not fit is said in one sentence that names the field."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bgen_core.wording import listed, quoted

Shape = TypeVar("Shape", bound=BaseModel)
_SHOWN = 80
_KINDS = {"int_type": "a whole number", "float_type": "a number", "string_type": "a text", "list_type": "a list"}


class ProblemError(Exception):
    """An answer that is a problem: its status, one sentence, and which part of what was sent is wrong."""

    def __init__(
        self, status: int, sentence: str, *, field: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.field, self.headers = status, sentence, field, headers


def checked_json(shape: type[Shape], sent: bytes) -> Shape:
    """A body of JSON.

    Raises
    ------
    ProblemError
        400 where it is no JSON or has a field twice, 422 where a value is not allowed.
    """
    try:
        checked = shape.model_validate_json(sent or b"{}")
    except ValidationError as error:
        raise _problem(shape, error, status=422) from error
    # pydantic 2 takes the last of several; numbers of any length are no matter here
    json.loads(sent or b"{}", object_pairs_hook=_given_once, parse_int=str)
    return checked


def _given_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    for name, times in Counter(name for name, _ in pairs).items():
        if times > 1:
            raise ProblemError(400, f"{name[:_SHOWN]} is given {times} times: give it once.", field=name[:_SHOWN])
    return dict(pairs)


def checked_texts(shape: type[Shape], sent: Mapping[str, Any], *, status: int = 400) -> Shape:
    """Values that came as texts, of an address or a form.

    Raises
    ------
    ProblemError
        Of this status, where a value is not allowed.
    """
    try:
        return shape.model_validate(sent)
    except ValidationError as error:
        raise _problem(shape, error, status=status) from error


def _problem(shape: type[BaseModel], error: ValidationError, *, status: int) -> ProblemError:
    found = [dict[str, Any](each) for each in error.errors(include_url=False, include_context=False)]
    first = found[0]
    if first["type"] == "json_invalid":
        return ProblemError(400, f"This is not JSON that can be read ({_said(first)}): send one object.")
    field = str(first["loc"][0]) if first["loc"] else ""
    match first["type"]:
        case "extra_forbidden":
            known = list(shape.model_fields)
            say = f"known are {listed(known)}" if known else "nothing is asked for"
            sentence = f"{quoted(field, _SHOWN)} is not known here: {say}."
        case "missing":
            sentence = f"{field} is missing: send it too."
        case _ if not field:
            sentence = f"What was sent is not allowed ({_said(first)}): send one object."
        case _:
            sentence = f"{field} {quoted(_value(found, field), _SHOWN)} is not allowed: {_allowed(found, field)}."
    return ProblemError(status, sentence, field=field[:_SHOWN] or None)


def _value(found: Sequence[Mapping[str, Any]], field: str) -> Any:
    """The value that is wrong: of a list, the entry that fits nothing."""
    of_field = [each for each in found if each["loc"][0] == field]
    return min(of_field, key=lambda each: len(str(each["input"])))["input"]


def _allowed(found: Sequence[Mapping[str, Any]], field: str) -> str:
    of_field = [each for each in found if each["loc"][0] == field]
    said = dict.fromkeys(_said(each) for each in of_field)
    kinds = [_KINDS[each["type"]] for each in of_field if each["type"] in _KINDS]
    if len(kinds) == len(of_field):
        return f"send {' or '.join(dict.fromkeys(kinds))}"
    return " or ".join(said)


def _said(error: Mapping[str, Any]) -> str:
    message = error["msg"].rstrip(".")
    return message[:1].lower() + message[1:]
