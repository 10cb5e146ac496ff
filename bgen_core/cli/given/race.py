"""`sweep --race AXIS --by METRIC --budget N`: further seeds only for values that may still be the best."""

from collections.abc import Mapping
from pathlib import Path

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


def read_race_from(
    axis: str | None, by: str | None, budget: int | None, spec: Path | None, typed: Mapping[str, object]
) -> RaceWish:
    """The options of a race from a sweep, whose plan it takes.

    Parameters
    ----------
    typed
        Name -> value of each option that says what is made; None where it is not given.

    Raises
    ------
    UserInputError
        One of them is missing, or something else is given that the plan says already.
    """
    others = [name for name, value in typed.items() if value is not None and name not in ("race", "by", "budget")]
    wish = read_race(axis, by, budget, explores=False)
    if wish is None or spec is not None or others:
        raise UserInputError(
            "--race-from takes the plan of that sweep: give --race AXIS, --by METRIC and --budget N with it, and "
            "beside them --out-dir, --previews, --here, --dry-run and --json alone."
        )
    return wish
