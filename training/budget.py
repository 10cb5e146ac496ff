"""How far a stage has come, by its steps or by the time that it has learned."""

import time
from dataclasses import dataclass, field

from training.workers import Team


@dataclass(kw_only=True)
class Budget:
    """What a stage may take, and what it has taken, over all calls of the program.

    Parameters
    ----------
    steps
        Steps in all; they do not count where there are seconds.
    seconds
        Time in all, or None.
    step, spent
        Steps done, and seconds that earlier calls took.
    """

    steps: int
    seconds: float | None = None
    step: int = 0
    spent: float = 0.0
    _began: float = field(default_factory=time.monotonic, init=False)
    _first: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._first = self.step

    @property
    def seconds_spent(self) -> float:
        """Seconds learned so far, earlier calls included."""
        return self.spent + time.monotonic() - self._began

    def share(self, team: Team) -> float:
        """Share of the budget that is used, 1 at its end; the same for all workers, who stop together."""
        if self.seconds is None:
            return self.step / self.steps
        return min(1.0, team.leader_says(self.seconds_spent / self.seconds))

    def minutes_left(self, share: float) -> float:
        """Estimate from this call's pace."""
        if self.seconds is not None:
            return max(0.0, self.seconds - self.seconds_spent) / 60
        pace = (time.monotonic() - self._began) / max(1, self.step - self._first)
        return pace * (self.steps - self.step) / 60 if share < 1 else 0.0
