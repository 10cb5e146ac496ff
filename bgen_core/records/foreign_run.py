"""A run's description from outside: a PNG that somebody dropped, a ZIP from another store. Nothing in it is trusted."""

import math
from functools import lru_cache

from pydantic import TypeAdapter, ValidationError

from bgen_core.content_address import is_content_hash
from bgen_core.errors import UserInputError
from bgen_core.limits import LONGEST_NAME, LONGEST_OWNER, LONGEST_TEXT
from bgen_core.parameters import TEXTS
from bgen_core.records.run import RunRecord

_LONGEST_SENTENCE = 300
_MOST_ENTRIES = 50
_LARGEST_SIDE = 100_000


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[RunRecord]:
    return TypeAdapter(RunRecord)


def read_foreign_record(text: str | bytes) -> RunRecord:
    """The run that a JSON text describes, as `RunRecord.to_json` writes it; what a later version adds is left out.

    Raises
    ------
    UserInputError
        It is no run: a field is missing, or has a value that no run can have.
    """
    try:
        record = _adapter().validate_json(text)
    except UserInputError as error:  # a parameter's own sentence, with a number of any length in it
        raise UserInputError(shortened(str(error))) from error
    except ArithmeticError as error:  # a whole number that is greater than any float
        raise UserInputError("This is not the description of a run (a number is not allowed).") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "text"
        raise UserInputError(f"This is not the description of a run ({where}: {first['msg']}).") from error
    for name, is_right in _checks(record).items():
        if not is_right:
            raise UserInputError(f"This is not the description of a run ({name} is not allowed).")
    return record


def printable(text: str, most: int = 60) -> str:
    """A text of somebody else as it may stand in a sentence and on a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:most])


def _checks(record: RunRecord) -> dict[str, bool]:
    names = (record.subject_name, record.model, record.model_revision, record.device, *record.versions)
    texts = [getattr(record.params, parameter.field) for parameter in TEXTS]
    sizes = (record.extent, record.model_extent)
    amounts = (*record.seconds.values(), record.peak_memory_mb)
    return {
        "id": is_content_hash(record.id),
        "raw_id": is_content_hash(record.raw_id),
        "subject_id": is_content_hash(record.subject_id),
        "image": not record.image or is_content_hash(record.image),
        "raw": not record.raw or is_content_hash(record.raw),
        "created": record.created.tzinfo is not None and 1900 <= record.created.year <= 2900,
        "prompt": max(map(len, texts)) <= LONGEST_TEXT,
        "scheduler": len(record.params.scheduler) <= 64,
        "owner": len(record.owner) <= LONGEST_OWNER,
        "dtype": len(record.dtype) <= 16,
        "versions": len(record.versions) <= _MOST_ENTRIES and all(len(each) <= 64 for each in record.versions.values()),
        "seconds": len(record.seconds) <= _MOST_ENTRIES and all(len(stage) <= 64 for stage in record.seconds),
        "time or memory": all(math.isfinite(each) and each >= 0 for each in amounts),
        "name": all(len(name) <= LONGEST_NAME for name in names),
        "extent": all(0 < side <= _LARGEST_SIDE for size in sizes for side in (size.width, size.height)),
        "text": "\0" not in "".join((*names, record.owner, *texts)),
    }


def shortened(sentence: str) -> str:
    """A sentence that quotes a value of any length, at a length that can be read."""
    return sentence if len(sentence) <= _LONGEST_SENTENCE else f"{sentence[:200]}…{sentence[-60:]}"
