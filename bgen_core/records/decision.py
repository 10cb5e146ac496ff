"""What a sweep was made to find out, and what was decided by it."""

from dataclasses import dataclass
from datetime import datetime

from bgen_core.ids import NOBODY, VisitorId

LONGEST_QUESTION = 200


@dataclass(frozen=True, kw_only=True)
class SweepDecision:
    """A sweep's question and its answer; all empty where nobody asked.

    Attributes
    ----------
    question
        Such as "which prompt for the team page?".
    decision
        What was decided; empty as long as nothing is.
    evidence
        What votes and measures said at that moment, in sentences: it stays when they change.
    decided_by, decided
        Who decided, and when.
    """

    question: str = ""
    decision: str = ""
    evidence: str = ""
    decided_by: VisitorId = NOBODY
    decided: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.question or self.decision)


NOTHING_ASKED = SweepDecision()
