"""Which rows of the wide table are looked at, and in which order; written so that it fits into an address.

A condition is a column and a piece of text, which the column's kind reads::

    strength        0.5..1         numbers from 0.5 to 1, both included; 0.5.. and ..1 are open
    seed            42             this number
    model           demo           this text
    tags            good           runs that have this tag
    created         2026-01-02T00:00+01:00..2026-01-03T00:00+01:00
                                   from the first moment until just before the second
    rating                         nothing: runs without a value

Pieces for the same column are alternatives; different columns must all agree.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from bgen_core.errors import UserInputError
from bgen_core.ids import RunId
from bgen_core.limits import FIRST_YEAR, LAST_YEAR
from bgen_core.parameters import TEXTS
from bgen_core.runs.run_columns import RunColumn, run_column
from bgen_core.wording import quoted

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})?\.\.({_NUMBER})?")
_SEARCHED = (*(parameter.field for parameter in TEXTS), "subject", "notes")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What one column must hold; see above.

    Raises
    ------
    UserInputError
        No such column, or a piece that its kind cannot read.
    """

    column: str
    piece: str

    def __post_init__(self) -> None:
        kind = run_column(self.column).kind
        if kind in ("picture", "link"):
            raise UserInputError(
                f"column {quoted(self.column)} cannot be filtered: choose a parameter, a metric or a time."
            )
        if kind in ("number", "rating") and self.piece:
            read_range(self.piece)
        elif kind == "time" and self.piece:
            read_period(self.piece)


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """Which rows to show; an empty field lets everything pass.

    Attributes
    ----------
    text
        Words that must all occur in the prompts, the subject's name, the notes, the tags or the beginning of the id.
    conditions
        See above.
    ids
        Allowed runs, such as those of one sweep.
    """

    text: str = ""
    conditions: tuple[Condition, ...] = ()
    ids: frozenset[RunId] | None = None


def filter_runs(table: pd.DataFrame, wanted: RunFilter) -> pd.DataFrame:
    """The rows of a wide table that pass the filter, in their old order, numbered anew from 0."""
    keep = np.ones(len(table), bool)
    for name in dict.fromkeys(condition.column for condition in wanted.conditions):
        pieces = [condition.piece for condition in wanted.conditions if condition.column == name]
        keep &= _passing(table[name], run_column(name), pieces)
    if wanted.ids is not None:
        keep &= table["id"].isin(list(wanted.ids)).to_numpy(bool)
    if words := wanted.text.lower().split():
        keep &= _mentioning(table, words)
    return table.loc[keep].reset_index(drop=True)


def sort_runs(rows: pd.DataFrame, column: str, *, descending: bool = False) -> pd.DataFrame:
    """The rows by one column, numbered anew from 0; equal ones keep their order, empty ones come last."""
    values = rows[column]
    if isinstance(values.dtype, pd.StringDtype):
        values = values.str.lower().where(values != "")
    elif values.dtype == object:  # tags
        values = pd.Series([", ".join(tags).lower() or None for tags in values], dtype="str")
    order = values.sort_values(kind="stable", ascending=not descending, na_position="last").index
    return rows.loc[order].reset_index(drop=True)


def read_range(piece: str) -> tuple[float, float]:
    """Smallest and largest number of a piece such as 3..7, 3.., ..7 or 42; infinite where it is open.

    Raises
    ------
    UserInputError
        It is not written so, or the smallest is above the largest.
    """
    if re.fullmatch(_NUMBER, piece):
        return _number(piece), _number(piece)
    found = _RANGE.fullmatch(piece)
    if found is None or not any(found.groups()):
        raise UserInputError(f"{quoted(piece, 40)} is not a range of numbers: write 10..30, 10.., ..30 or 10.")
    low = _number(found[1]) if found[1] else -math.inf
    high = _number(found[2]) if found[2] else math.inf
    if low > high:
        raise UserInputError(f"{quoted(piece)} holds no number: write the smaller one first.")
    return low, high


def read_period(piece: str) -> tuple[datetime, datetime]:
    """First moment of a piece, and the moment before which it ends.

    Raises
    ------
    UserInputError
        It is not two moments in ISO 8601 of the years from 1900 to 2900, each with its distance from UTC, the earlier
        one first.
    """
    try:
        first, end = (datetime.fromisoformat(moment) for moment in piece.split(".."))
        is_period = first.tzinfo and end.tzinfo and first < end
        if is_period and first.year >= FIRST_YEAR and end.year <= LAST_YEAR:
            return first, end
    except (ValueError, TypeError):
        pass
    raise UserInputError(
        f"{quoted(piece, 80)} is not a period: "
        f"write 2026-01-02T00:00+01:00..2026-01-03T00:00+01:00, the earlier one first, of {FIRST_YEAR} to {LAST_YEAR}."
    )


def _number(text: str) -> float:
    # Whole numbers stay whole: a seed of 63 bits is no float. Python reads none of more than 4300 digits.
    return int(text) if re.fullmatch(r"[+-]?\d{1,20}", text) else float(text)


def _passing(values: pd.Series, column: RunColumn, pieces: Sequence[str]) -> np.ndarray:
    found = np.zeros(len(values), bool)
    given = [piece for piece in pieces if piece]
    if column.kind in ("number", "rating"):
        for low, high in map(read_range, given):
            found |= values.between(low, high).to_numpy(bool)
        missing = values.isna()
    elif column.kind == "time":
        for first, end in map(read_period, given):
            found |= ((values >= first) & (values < end)).to_numpy(bool)
        missing = values.isna()
    elif column.kind == "tags":
        wanted = set(given)
        found |= np.fromiter((not wanted.isdisjoint(tags) for tags in values), bool, len(values))
        missing = values.map(len) == 0
    else:
        found |= values.isin(given).to_numpy(bool)
        missing = values == ""
    return found | missing.to_numpy(bool) if len(given) < len(pieces) else found


def _mentioning(table: pd.DataFrame, words: Iterable[str]) -> np.ndarray:
    texts = [table[name].str.lower() for name in _SEARCHED]
    tags = pd.Series([" ".join(each).lower() for each in table["tags"]], dtype="str")
    found = np.ones(len(table), bool)
    for word in words:
        mentioned = table["id"].str.startswith(word).to_numpy(bool)
        for text in (*texts, tags):
            mentioned = mentioned | text.str.contains(word, regex=False).to_numpy(bool)
        found &= mentioned
    return found
