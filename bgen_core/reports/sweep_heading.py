"""What a sweep is, in one line: whose background, by which model, what was varied."""

from collections.abc import Sequence

from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import counted


def sweep_heading(plan: SweepPlan, subjects: Sequence[str]) -> str:
    """ "Ada · demo · Steps × Guidance × Seed"; what there are several of is counted."""
    axes = [axis.label for axis in plan.axes if len(axis.values) > 1]
    parts = [_one_or_counted(subjects, "subject"), _one_or_counted(plan.models, "model"), " × ".join(axes)]
    return " · ".join(part for part in parts if part)


def axes_in_name(plan: SweepPlan) -> str:
    """The same for a file's name: "steps-guidance-seed", every axis that varies, or "sweep" where none does."""
    return "-".join(each.name for axis in plan.axes if len(axis.values) > 1 for each in axis.together) or "sweep"


def _one_or_counted(names: Sequence[str], what: str) -> str:
    known = list(dict.fromkeys(names))
    return known[0] if len(known) == 1 else counted(len(known), what) if known else ""
