"""`--max-expansion PERCENT --attempts N`: cells are drawn again while the person grows beyond the mask."""

from typing import Any

from bgen_core.errors import UserInputError
from bgen_core.records.sweep import SweepCellRow
from bgen_core.sweep.seeds.redraw import MOST_ATTEMPTS, USUAL_ATTEMPTS, Redraw, read_redraw
from bgen_core.wording import quoted

LIMIT_HELP = "Draw again with another seed while the person grows by more than so many percent of the picture."
ATTEMPTS_HELP = f"Try so many seeds at most, the given one included: 2 to {MOST_ATTEMPTS}, usually {USUAL_ATTEMPTS}."


def given_redraw(limit: float | str | None, attempts: int | None, *, races: bool = False) -> Redraw | None:
    """Both options together, or None where neither is given.

    Parameters
    ----------
    limit
        A number, or a text from a file.
    races
        Whether values are raced too.

    Raises
    ------
    UserInputError
        A value is not allowed, attempts were given alone, or a race compares values at the same seeds.
    """
    try:
        number = None if limit is None else float(limit)
    except ValueError as error:
        raise UserInputError(f"max_expansion {quoted(limit)} is not a number: write percent, such as 3.") from error
    redraw = read_redraw(number, attempts)
    if redraw is not None and races:
        raise UserInputError("--race and --max-expansion do not go together: a race compares values at the same seeds.")
    return redraw


def told_attempts(cell: SweepCellRow) -> dict[str, Any]:
    """A cell's attempts for a JSON document; nothing where cells are not drawn again."""
    tried = [{"run": each.run_id, "expansion": each.expansion} for each in cell.attempts]
    return {"attempts": tried} if tried else {}
