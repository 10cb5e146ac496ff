"""Filter conditions as people read them, and the days that a table's runs were made on."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from bgen_core.errors import UserInputError
from bgen_core.runs.run_columns import RunColumn
from bgen_core.runs.run_filter import read_period

_LONGEST = 40
_NOTHING = {"rating": "not rated", "tags": "no tags", "number": "not known", "note": "none"}


def conditions_text(column: RunColumn, pieces: Sequence[str], zone: ZoneInfo) -> str:
    """What a column must hold: "Steps 10 to 30", "Tags good or print"."""
    if column.kind == "time":
        return f"{column.label} {' or '.join(period_text(piece, zone) for piece in pieces)}"
    label = column.label
    return f"{label} {' or '.join(_piece_text(column, piece) for piece in pieces)}"


def period_text(piece: str, zone: ZoneInfo) -> str:
    """A period as days of this zone where it is made of them: "Tue 2 Jan", "2 Jan to 8 Jan", else with hours."""
    if not piece:
        return "not known"
    first, end = (moment.astimezone(zone) for moment in read_period(piece))
    midnight = (0, 0, 0)
    if (first.hour, first.minute, first.second) == (end.hour, end.minute, end.second) == midnight:
        last = end - timedelta(days=1)
        return _day(first) if first.date() == last.date() else f"{_day(first)} to {_day(last)}"
    return f"{first:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"


def days_piece(first: datetime, last: datetime, zone: ZoneInfo) -> str:
    """The condition for all days from one to another, both included, in a zone."""
    start = datetime(first.year, first.month, first.day, tzinfo=zone)
    after = last + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=zone)
    return f"{start.isoformat(timespec='minutes')}..{end.isoformat(timespec='minutes')}"


def period_days(piece: str, zone: ZoneInfo) -> list[date]:
    """First and last day of a condition, as `days_piece` makes it; none where it is not one."""
    try:
        first, end = read_period(piece)
    except UserInputError:
        return []
    return [first.astimezone(zone).date(), (end.astimezone(zone) - timedelta(microseconds=1)).date()]


def days_with_runs(created: pd.Series, zone: ZoneInfo, *, most: int) -> dict[str, int]:
    """The newest days on which runs were made: condition -> number of runs, the newest first."""
    days = created.dt.tz_convert(zone).dt.normalize().value_counts().sort_index(ascending=False)
    return {
        days_piece(day.to_pydatetime(), day.to_pydatetime(), zone): int(count)
        for day, count in days.head(most).items()
        if isinstance(day, pd.Timestamp)
    }


def _day(moment: datetime) -> str:
    return f"{moment:%a} {moment.day} {moment:%b %Y}"


def _piece_text(column: RunColumn, piece: str) -> str:
    if not piece:
        return _NOTHING.get(column.kind, "none")
    if column.kind in ("number", "rating") and ".." in piece:
        low, _, high = piece.partition("..")
        return f"{low} to {high}" if low and high else f"{low} and more" if low else f"up to {high}"
    return piece if len(piece) <= _LONGEST else f"{piece[: _LONGEST - 1]}…"
