"""A run's description from outside: a PNG that somebody dropped, a ZIP from another store. Nothing in it is trusted."""

import json
import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bgen_core.content_address import is_content_hash
from bgen_core.errors import UserInputError
from bgen_core.limits import (
    FIRST_YEAR,
    LAST_YEAR,
    LONGEST_NAME,
    LONGEST_OWNER,
    LONGEST_TEXT,
    ImpossibleTextError,
    check_text,
)
from bgen_core.parameters import TEXTS
from bgen_core.records.run import MadeRun, RunRecord

_LONGEST_SENTENCE = 300
_MOST_ENTRIES = 50
_LARGEST_SIDE = 100_000


_Run = TypeVar("_Run", bound=MadeRun)


@lru_cache(maxsize=3)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def read_foreign_run(text: str | bytes, kind: type[_Run]) -> _Run:
    """The run that a JSON text describes, as its `to_json` writes it; what a later version adds is left out.

    Parameters
    ----------
    kind
        `RunRecord` for a text that must name both pictures.

    Raises
    ------
    ImpossibleTextError
        It is a run with a text that not everything can hold.
    UserInputError
        It is no run: a field is missing, or has a value that no run can have.
    """
    if isinstance(text, str):
        _check_text("text", "It", text, len(text))
    try:
        content: dict[str, Any] = _adapter(dict[str, Any]).validate_json(text)
        if not content.get("raw_id"):  # the first versions pasted in one way alone
            content["raw_id"] = content.get("id")
        run: _Run = _adapter(kind).validate_python(content)
    except UserInputError as error:  # a parameter's own sentence, with a number of any length in it
        raise UserInputError(shortened(str(error))) from error
    except ArithmeticError as error:  # a whole number that is greater than any float
        raise UserInputError("This is not the description of a run (a number is not allowed).") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "text"
        raise UserInputError(f"This is not the description of a run ({where}: {first['msg']}).") from error
    for name, is_right in _checks(run).items():
        if not is_right:
            raise UserInputError(f"This is not the description of a run ({name} is not allowed).")
    for name, what, each, longest in _texts(run):
        _check_text(name, what, each, longest)
    return run


def check_portable(record: RunRecord) -> None:
    """Refuse a run of an older store that no other store takes.

    Raises
    ------
    UserInputError
        See `read_foreign_run`.
    """
    read_foreign_run(json.dumps(record.to_json(), ensure_ascii=False), RunRecord)


def _checks(run: MadeRun) -> dict[str, bool]:
    sizes = (run.extent, run.model_extent)
    amounts = (*run.seconds.values(), run.peak_memory_mb)
    return {
        "id": is_content_hash(run.id),
        "raw_id": is_content_hash(run.raw_id),
        "subject_id": is_content_hash(run.subject_id),
        "image": not isinstance(run, RunRecord) or is_content_hash(run.image),
        "raw": not isinstance(run, RunRecord) or is_content_hash(run.raw),
        "created": run.created.tzinfo is not None and FIRST_YEAR <= run.created.year <= LAST_YEAR,
        "versions": len(run.versions) <= _MOST_ENTRIES and all(len(each) <= 64 for each in run.versions.values()),
        "made_on": len(run.made_on) <= _MOST_ENTRIES
        and all(len(each) <= LONGEST_NAME for each in run.made_on.values()),
        "seconds": len(run.seconds) <= _MOST_ENTRIES and all(len(stage) <= 64 for stage in run.seconds),
        "time or memory": all(math.isfinite(each) and each >= 0 for each in amounts),
        "extent": all(0 < side <= _LARGEST_SIDE for size in sizes for side in (size.width, size.height)),
    }


def _texts(record: MadeRun) -> Iterator[tuple[str, str, str, int]]:
    """Field, how a sentence about it begins, its text, and how long it may be."""
    for parameter in TEXTS:
        yield "prompt", f"The {parameter.label.lower()}", getattr(record.params, parameter.field), LONGEST_TEXT
    yield "name", "The subject's name", record.subject_name, LONGEST_NAME
    yield "name", "The model's name", record.model, LONGEST_NAME
    yield "name", "The model's revision", record.model_revision, LONGEST_NAME
    yield "name", "The device", record.device, LONGEST_NAME
    yield "scheduler", "The scheduler", record.params.scheduler, 64
    yield "prompt syntax", "The prompt syntax", record.params.prompt_syntax, 16
    yield "dtype", "The number format", record.dtype, 16
    yield "owner", "The owner", record.owner, LONGEST_OWNER
    for library in record.versions:
        yield "name", "A library's name", library, LONGEST_NAME
    for name, told in record.made_on.items():
        yield "made_on", "What is told of the machine", name, LONGEST_NAME
        yield "made_on", "What is told of the machine", told, LONGEST_NAME


def _check_text(name: str, what: str, text: str, longest: int) -> None:
    try:
        check_text(what, text, longest)
    except ImpossibleTextError as error:
        field = name if len(text) > longest else "text"
        said = str(error).rstrip(".")
        raise ImpossibleTextError(f"This is not the description of a run ({field} is not allowed: {said}).") from error


def shortened(sentence: str) -> str:
    """A sentence that quotes a value of any length, at a length that can be read."""
    return sentence if len(sentence) <= _LONGEST_SENTENCE else f"{sentence[:200]}…{sentence[-60:]}"
