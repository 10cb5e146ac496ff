"""`sweep --explore-steps N --keep K --by METRIC`: all cells with few steps first, then the best with full steps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bgen_core.cli.given.photos import SweepPhoto
from bgen_core.cli.inputs import say
from bgen_core.cli.running.here import SweepResult
from bgen_core.cli.running.place import Place
from bgen_core.errors import UserInputError
from bgen_core.jobs.measuring import best_cells, check_rankable
from bgen_core.jobs.submission import check_steps, describe_forecast
from bgen_core.settings import Settings
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.explore import STEPS, explored_plan, finish_plan
from bgen_core.sweep.plan import SweepPlan


@dataclass(frozen=True, kw_only=True)
class TwoPasses:
    """How many steps the first pass has, and how many of its cells are finished by which metric."""

    steps: int
    keep: int
    metric: str


def read_two_passes(steps: int | None, keep: int | None, metric: str | None, settings: Settings) -> TwoPasses | None:
    """The three options together, or None where none of them is given.

    Raises
    ------
    UserInputError
        One of them is missing or not allowed, or the metric cannot be measured here.
    """
    if steps is None and keep is None and metric is None:
        return None
    if steps is None or keep is None or metric is None:
        raise UserInputError("--explore-steps N, --keep K and --by METRIC belong together: give all three or none.")
    if keep < 1:
        raise UserInputError(f"--keep {keep} is not allowed: finish at least 1 cell.")
    check_rankable(metric, settings)
    return TwoPasses(steps=steps, keep=keep, metric=metric)


def explore(
    place: Place, plan: SweepPlan, passes: TwoPasses, photos: Sequence[SweepPhoto], *, dry_run: bool
) -> tuple[SweepPlan, dict[str, Any] | None] | SweepResult:
    """Make the first pass; returns the plan of the second, and what the first one was.

    A dry run makes nothing and returns the first pass's plan. What became of a first pass that was stopped is returned
    instead of a plan.

    Raises
    ------
    UserInputError
        Exploring would take more steps than finishing.
    """
    first = explored_plan(replace(plan, redraw=None), passes.steps)
    most = max(plan.values_of("num_inference_steps"))
    if passes.steps > most:
        raise UserInputError(
            f"--explore-steps {passes.steps} is not allowed: explore with at most the {most} steps that cells are "
            "finished with."
        )
    check_steps(plan)  # of the second pass, which would be refused when the first one is painted
    if dry_run:
        return first, None
    forecast = place.forecast(first, {photo.id: photo.extent for photo in photos})
    say(f"exploring with {passes.steps} steps: {describe_forecast(forecast)}")
    result = place.run(forecast)
    if result.state != "done":
        return result
    chosen = best_cells(place.store, place.settings, result.sweep_id, passes.metric, passes.keep)
    say(f"finishing {len(chosen)} of {len(first)} cells, the best by {passes.metric}")
    steps = Axis(name=STEPS, values=plan.values_of("num_inference_steps"))
    kept = [{"run": cell.run_id, "value": cell.value} for cell in chosen]
    explored = {"sweep": result.sweep_id, "steps": passes.steps, "by": passes.metric, "kept": kept}
    second = finish_plan(first, [cell.index for cell in chosen], steps)
    return replace(second, redraw=plan.redraw), explored
