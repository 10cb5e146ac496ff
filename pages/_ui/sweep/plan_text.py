"""What a plan is, in the few words that stand beside Run."""

import re

from bgen_core.jobs.submission import SweepForecast, describe_forecast
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import counted

_MOST_VALUES = 12
_AS_A_DECIMAL = re.compile(r"0,\d+|\d\d?,\d", re.ASCII)


def read_values(text: str, axis: Axis) -> str:
    """What a field was read as, "2, 4, 6"; empty where that is what was typed, and cannot have meant a decimal."""
    if axis.kind.kind == "number" and len(axis.values) == 2 and _AS_A_DECIMAL.fullmatch(text.strip()):
        return f"{' and '.join(axis.labels)}, two values: a decimal is written {text.strip().replace(',', '.')}"
    typed = [piece.strip() for piece in text.split(",") if piece.strip()]
    if typed == list(axis.labels):
        return ""
    shown = ", ".join(axis.labels[:_MOST_VALUES])
    return shown if len(axis.labels) <= _MOST_VALUES else f"{shown} … {axis.labels[-1]} ({len(axis.labels)} values)"


def plan_status(plan: SweepPlan | None, forecast: SweepForecast | None, *, in_hand: bool) -> str:
    """ "2 × 3 = 6 cells: 4 known, 2 to make, about 40 s"."""
    if plan is None:
        return "Not ready"
    sizes = [f"{len(axis.values)}{' (paired)' if axis.paired else ''}" for axis in plan.axes]
    product = f"{' × '.join(sizes)} = " if len(sizes) > 1 and plan.only is None else ""
    if in_hand:
        return f"{product}{counted(len(plan), 'cell')} being made"
    if forecast is None:
        return f"{product}{counted(len(plan), 'cell')} · the engine is starting"
    return product + describe_forecast(forecast)
