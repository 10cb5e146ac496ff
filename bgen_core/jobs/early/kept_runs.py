"""What kept runs say of stopping cells early, for a plan that is to be run."""

from collections.abc import Iterable

from bgen_core.errors import UserInputError
from bgen_core.metrics import METRICS, Metric, find_metric
from bgen_core.models.model_source import ModelSource
from bgen_core.models.revision import find_model
from bgen_core.records.early_stop import LOOK_AT, EarlyValue, EarlyWish
from bgen_core.runs.analysis.racing.early import FEWEST_GROUPS, GROUP, MOST_LOST, Calibration, Foreseen, calibrate
from bgen_core.store.store import Store
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import counted, listed, quoted

PREVIEWED = tuple(metric for metric in METRICS if metric.of_previews)
_LOOKS_VERSION = 1  # raised with every change that gives other values for the same preview
_MOST_SAID = 3


def early_wish(by: str, *, stops: bool) -> EarlyWish:
    """A wish that can be followed.

    Raises
    ------
    UserInputError
        The metric cannot be taken from a preview.
    """
    if by not in [metric.name for metric in PREVIEWED]:
        allowed = ", ".join(metric.name for metric in PREVIEWED)
        raise UserInputError(f"metric {quoted(by)} cannot be taken from a preview: choose {allowed}.")
    return EarlyWish(by=by, stops=stops)


def looks_version(metric: Metric) -> int:
    """Of the values of previews by a metric, as they are kept."""
    return 1000 * metric.version + _LOOKS_VERSION


def towards_lower(metric: Metric, value: float) -> float:
    """The value such that lower is better."""
    return value if metric.direction == "lower" else -value


def calibration_for(store: Store, by: str, *, model_revision: str, steps: int) -> Calibration:
    """What kept runs of a model and number of steps say."""
    metric = find_metric(by)
    kept = store.early_values.alike(by=by, version=looks_version(metric), model_revision=model_revision, steps=steps)
    return calibrate([_foreseen(metric, value) for value in kept], looked_at=LOOK_AT)


def _foreseen(metric: Metric, value: EarlyValue) -> Foreseen:
    return Foreseen(
        sweep=f"{value.sweep_id} {value.subject_id}",
        preview=towards_lower(metric, value.foreseen),
        final=towards_lower(metric, value.final),
    )


def describe_calibration(calibration: Calibration) -> str:
    """How many kept runs there are, what that would lose and save, and whether anything is stopped."""
    kept = counted(calibration.kept, "kept run")
    if calibration.groups < FEWEST_GROUPS:
        needed = FEWEST_GROUPS * GROUP
        return f"{kept} of the {needed} that are needed, from sweeps of at least {GROUP} cells: nothing is stopped."
    among = "on sweeps that were left out" if calibration.by_sweep else "on kept runs that were left out"
    figures = (
        f"{100 * calibration.lost:.1f} % of winners are lost and {100 * calibration.saved:.0f} % of the steps saved"
    )
    if calibration.bound is not None:
        return f"{kept}: {among} {figures}."
    return (
        f"{kept}: {among} {figures} ({100 * MOST_LOST:.0f} % may be lost, for at least that saved): nothing is stopped."
    )


def early_note(store: Store, plan: SweepPlan, wish: EarlyWish) -> str:
    """What to say before a plan is run, in sentences."""
    metric = find_metric(wish.by)
    sources = {model: find_model(model) for model in plan.models}
    blind = [source.entry.name for source in sources.values() if source.family.engine is None]
    said = [f"{listed(blind)} makes no previews: none of its cells is stopped."] if blind else []
    if not wish.stops:
        return " ".join([f"What previews say of {metric.label.lower()} is kept; nothing is stopped.", *said])
    kinds = list(_kinds(plan, sources))
    for model, steps in kinds[:_MOST_SAID]:
        found = calibration_for(store, wish.by, model_revision=sources[model].revision, steps=steps)
        kind = f"{sources[model].entry.name} at {counted(steps, 'step')}"
        said.append(f"{kind}, by {metric.label.lower()}: {describe_calibration(found)}")
    if len(kinds) > _MOST_SAID:
        said.append(f"The other {len(kinds) - _MOST_SAID} models and numbers of steps have kept runs of their own.")
    return " ".join(said)


def _kinds(plan: SweepPlan, sources: dict[str, ModelSource]) -> Iterable[tuple[str, int]]:
    return dict.fromkeys(
        (cell.model, cell.params.effective_steps)
        for cell in plan.cells()
        if sources[cell.model].family.engine is not None
    )
