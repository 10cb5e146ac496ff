"""`sweep --race AXIS --by METRIC --budget N`: further seeds only for values that may still be the best."""

from bgen_core.errors import UserInputError
from bgen_core.jobs.racing.beginning import RaceWish
from bgen_core.records.race import BY_VOTES


def read_race(axis: str | None, by: str | None, budget: int | None, *, explores: bool) -> RaceWish | None:
    """The options of a race together, or None where neither `--race` nor `--budget` is given.

    Parameters
    ----------
    explores
        Whether two passes are asked for.

    Raises
    ------
    UserInputError
        One of them is missing, people shall decide, who vote on the page, or it is to be two passes too.
    """
    if axis is None and budget is None:
        return None
    if axis is None or by is None or budget is None:
        raise UserInputError("--race AXIS, --by METRIC and --budget N belong together: give all three or none.")
    if explores:
        raise UserInputError("--race and --explore-steps do not go together: race first, or explore first.")
    if by == BY_VOTES:
        raise UserInputError("--by votes is not allowed here: start a race by votes on the Sweep page.")
    return RaceWish(axis=axis, by=by, budget=budget)
