"""A run's description from outside: a PNG that somebody dropped, a ZIP from another store. Nothing in it is trusted."""

import math
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bgen_core.content_address import is_content_hash
from bgen_core.errors import UserInputError
from bgen_core.limits import LONGEST_NAME, LONGEST_OWNER, LONGEST_TEXT
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
    UserInputError
        It is no run: a field is missing, or has a value that no run can have.
    """
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
    return run


def printable(text: str, most: int = 60) -> str:
    """A text of somebody else as it may stand in a sentence and on a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:most])


def _checks(run: MadeRun) -> dict[str, bool]:
    names = (run.subject_name, run.model, run.model_revision, run.device, *run.versions)
    texts = [getattr(run.params, parameter.field) for parameter in TEXTS]
    sizes = (run.extent, run.model_extent)
    amounts = (*run.seconds.values(), run.peak_memory_mb)
    return {
        "id": is_content_hash(run.id),
        "raw_id": is_content_hash(run.raw_id),
        "subject_id": is_content_hash(run.subject_id),
        "image": not isinstance(run, RunRecord) or is_content_hash(run.image),
        "raw": not isinstance(run, RunRecord) or is_content_hash(run.raw),
        "created": run.created.tzinfo is not None and 1900 <= run.created.year <= 2900,
        "prompt": max(map(len, texts)) <= LONGEST_TEXT,
        "scheduler": len(run.params.scheduler) <= 64,
        "owner": len(run.owner) <= LONGEST_OWNER,
        "dtype": len(run.dtype) <= 16,
        "versions": len(run.versions) <= _MOST_ENTRIES and all(len(each) <= 64 for each in run.versions.values()),
        "seconds": len(run.seconds) <= _MOST_ENTRIES and all(len(stage) <= 64 for stage in run.seconds),
        "time or memory": all(math.isfinite(each) and each >= 0 for each in amounts),
        "name": all(len(name) <= LONGEST_NAME for name in names),
        "extent": all(0 < side <= _LARGEST_SIDE for size in sizes for side in (size.width, size.height)),
        "text": "\0" not in "".join((*names, run.owner, *texts)),
    }


def shortened(sentence: str) -> str:
    """A sentence that quotes a value of any length, at a length that can be read."""
    return sentence if len(sentence) <= _LONGEST_SENTENCE else f"{sentence[:200]}…{sentence[-60:]}"
