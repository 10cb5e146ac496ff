"""Drawing a cell again, with another seed, until the subject does not grow beyond its mask.

Which seeds follow a cell's own is the same in every plan: so a further attempt is an ordinary cell with its own
address, and one that was ever made is not painted again.
"""

import re
from dataclasses import dataclass
from typing import Any

from bgen_core.errors import UserInputError
from bgen_core.parameters import MAX_SEED
from bgen_core.wording import quoted

EXPANSION = "expansion"  # the metric that decides, in percent of the picture
SEED_STEP = 1_000_000  # from one attempt's seed to the next: an axis of seeds seldom has both
USUAL_ATTEMPTS = 4
MOST_ATTEMPTS = 16


@dataclass(frozen=True, kw_only=True)
class Redraw:
    """When a cell is drawn again.

    Attributes
    ----------
    max_expansion
        The expansion, in percent of the picture, up to which a picture holds.
    attempts
        How many seeds a cell gets at most, its own included.
    """

    max_expansion: float
    attempts: int = USUAL_ATTEMPTS

    def __post_init__(self) -> None:
        if not 0 <= self.max_expansion <= 100:
            # A whole number of hundreds of digits is no float.
            given = f"{self.max_expansion:g}" if isinstance(self.max_expansion, float) else str(self.max_expansion)[:20]
            raise UserInputError(f"A largest expansion of {given} is not allowed: choose 0 to 100 % of the picture.")
        if not 2 <= self.attempts <= MOST_ATTEMPTS:
            raise UserInputError(
                f"{self.attempts} attempts are not allowed: choose 2 to {MOST_ATTEMPTS}, the first seed included."
            )

    def holds(self, expansion: float | None) -> bool:
        """Whether a picture is kept; one that cannot be measured is, since further seeds could not be either."""
        return expansion is None or expansion <= self.max_expansion

    @property
    def note(self) -> str:
        """What it means for a sweep, in a sentence."""
        return (
            f"A cell whose person grows by more than {self.max_expansion:g} % of the picture is drawn again with "
            f"another seed, up to {self.attempts} seeds for each; the first that holds is kept, else the best."
        )

    def to_json(self) -> dict[str, Any]:
        return {"max_expansion": self.max_expansion, "attempts": self.attempts}


def read_redraw(max_expansion: float | None, attempts: int | None) -> Redraw | None:
    """What a person gave, or None where nothing was.

    Raises
    ------
    UserInputError
        A value is not allowed, or attempts were given without a limit.
    """
    if max_expansion is None:
        if attempts is not None:
            raise UserInputError("attempts need a largest expansion: say up to which a picture holds, such as 3.")
        return None
    return Redraw(max_expansion=max_expansion, attempts=USUAL_ATTEMPTS if attempts is None else attempts)


def typed_redraw(limit: str, attempts: str) -> Redraw | None:
    """What two fields of a form say; an empty limit is none, and empty attempts are the usual number.

    Raises
    ------
    UserInputError
        Not a number, or one that is not allowed.
    """
    if not limit.strip():
        return None
    try:
        percent = float(limit.strip().removesuffix("%").replace(",", "."))
    except ValueError as error:
        raise UserInputError(
            f"Redraw above an expansion of {quoted(limit)} is not a number: write percent of the picture, such as 3."
        ) from error
    if not re.fullmatch("[0-9]{0,6}", attempts.strip(), re.ASCII):
        raise UserInputError(f"Seeds at most {quoted(attempts)} is not a whole number: write one, such as 4.")
    return read_redraw(percent, int(attempts) if attempts.strip() else None)


def redrawn_seed(seed: int, further: int) -> int:
    """The seed so many attempts after one."""
    return (seed + further * SEED_STEP) % (MAX_SEED + 1)
