from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from bgen_core.runs.run_columns import run_column
from bgen_core.runs.run_filter import read_period
from pages._ui.compare.condition_text import conditions_text, days_piece, days_with_runs, period_text

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("column", "pieces", "text"),
    [
        ("num_inference_steps", ["10..30"], "Steps 10 to 30"),
        ("num_inference_steps", ["10", "30"], "Steps 10 or 30"),
        ("guidance_scale", ["3.."], "Guidance 3 and more"),
        ("guidance_scale", ["..3", ""], "Guidance up to 3 or not known"),
        ("rating", [""], "Rating not rated"),
        ("tags", ["good", "print"], "Tags good or print"),
        ("tags", [""], "Tags no tags"),
        ("negative_prompt", [""], "Negative prompt none"),
        ("prompt", ["x" * 50], f"Prompt {'x' * 39}…"),
        ("created", ["2026-01-02T00:00+01:00..2026-01-03T00:00+01:00"], "Made Fri 2 Jan 2026"),
    ],
)
def test_conditions_read_like_words(column: str, pieces: list[str], text: str) -> None:
    assert conditions_text(run_column(column), pieces, BERLIN) == text


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Europe/Berlin", "Fri 2 Jan 2026 to Sun 4 Jan 2026"),
        ("UTC", "2026-01-01 23:00 to 2026-01-04 23:00"),
    ],
)
def test_days_of_another_zone_are_told_by_the_hour(zone: str, text: str) -> None:
    piece = "2026-01-02T00:00+01:00..2026-01-05T00:00+01:00"
    assert period_text(piece, ZoneInfo(zone)) == text


def test_a_day_begins_and_ends_at_midnight_when_the_clock_changes() -> None:
    day = datetime(2026, 3, 29, 15, tzinfo=BERLIN)  # the day has 23 hours
    piece = days_piece(day, day, BERLIN)
    assert piece == "2026-03-29T00:00+01:00..2026-03-30T00:00+02:00"
    first, end = read_period(piece)
    assert (end - first).total_seconds() == 23 * 3600


def test_days_are_counted_in_the_zone() -> None:
    moments = [datetime(2026, 1, 1, 22, 59, tzinfo=UTC), datetime(2026, 1, 1, 23, 1, tzinfo=UTC)] * 2
    counted = days_with_runs(pd.Series(pd.to_datetime(moments)), BERLIN, most=1)
    assert counted == {"2026-01-02T00:00+01:00..2026-01-03T00:00+01:00": 2}
