"""New values of a numeric axis that are worth a race: halfway between the best one and its neighbours."""

from bgen_core.errors import UserInputError
from bgen_core.sweep.axes import Axis, Value

_DIGITS = 3  # of a number: finer ones look alike


def proposed_values(axis: Axis, best: int) -> list[Value]:
    """By rising value; empty for an axis without a scale, and where nothing lies between.

    Parameters
    ----------
    best
        Place of the best value.
    """
    parameter = axis.kind.parameter
    if not axis.is_scale or parameter is None:
        return []
    known = sorted(float(value) for value in axis.values)
    place = known.index(float(axis.values[best]))
    found: list[Value] = []
    for other in known[max(0, place - 1) : place] + known[place + 1 : place + 2]:
        middle = (known[place] + other) / 2
        value = float(round(middle)) if parameter.kind == "whole number" else float(f"{middle:.{_DIGITS}g}")
        if value in known:
            continue
        try:
            found.append(parameter.accepted(int(value) if parameter.kind == "whole number" else value))
        except UserInputError:  # such as sizes, which have steps
            continue
    return sorted(found, key=float)
