"""Before a run: whether the seeds that are asked for suffice to tell its values apart, by what earlier sweeps say."""

import streamlit as st

from bgen_core.ids import VisitorId
from bgen_core.metrics import JUDGING
from bgen_core.runs.analysis.columns import SEED, Measure
from bgen_core.runs.analysis.earlier_sweeps import Earlier, earlier, seeds_text
from bgen_core.store.store import SeenStore
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.plan import SweepPlan
from pages._ui.shared.plain_text import plain

_USUAL = "seam"  # the measure that every run has, and that asks most
_SECONDS = 60  # for which what earlier sweeps say is kept


def seeds_note(store: SeenStore, plan: SweepPlan, badge: str) -> None:
    """Draw one quiet line, or nothing where nothing is varied beside the seed, or no earlier sweep was like it.

    Parameters
    ----------
    badge
        The metric that stands on the cells, by which seeds are counted; another word for the usual one.
    """
    axis = next((each for each in plan.axes if len(each.values) > 1 and each.name != SEED), None)
    if axis is None:
        return
    judged = {metric.name: metric for metric in JUDGING}
    measure = Measure.of(judged.get(badge, judged[_USUAL]))
    known = _earlier(store.visitor.id, axis.kind.field, measure.name, axis, measure, store)
    if known is not None and (text := seeds_text(plan, axis, known)):
        st.caption(plain(text))


@st.cache_resource(ttl=_SECONDS, max_entries=32, show_spinner=False)
def _earlier(
    visitor: VisitorId, field: str, name: str, _axis: Axis, _measure: Measure, _store: SeenStore
) -> Earlier | None:  # fmt: skip
    """By who looks, the swept parameter, and the measure."""
    return earlier(_store, _axis, _measure)
