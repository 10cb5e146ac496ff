"""Axes that change together: the first value with the first, instead of each with each."""

from collections.abc import Sequence
from dataclasses import replace

from bgen_core.errors import UserInputError
from bgen_core.sweep.axes import REPLACEMENTS, Axis, axis_kind
from bgen_core.wording import quoted

FORM = "steps+guidance"


def read_pairs(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """Groups of axes, as "steps+guidance"; several in one text are separated by commas.

    Raises
    ------
    UserInputError
        A group of one, a name that is not known, cannot be paired, or stands in two places.
    """
    groups = [group for text in texts for group in text.split(",") if group.strip()]
    read = [tuple(name.strip().lower() for name in group.split("+")) for group in groups]
    seen: set[str] = set()
    for group, names in zip(groups, read, strict=True):
        if len(names) < 2:
            raise UserInputError(f"pair {quoted(group.strip())} is one axis: write two or more, such as {FORM}.")
        for name in names:
            if axis_kind(name).kind in ("model", "subject") or name in REPLACEMENTS:
                raise UserInputError(f"pair {quoted(group.strip())} holds {name}: only parameters can be paired.")
            if name in seen:
                raise UserInputError(f"pair {quoted(group.strip())} holds {name} again: an axis has one place.")
            seen.add(name)
    return read


def paired_axes(axes: Sequence[Axis], groups: Sequence[tuple[str, ...]]) -> list[Axis]:
    """The axes with those of a group in one, at the place of the group's first; pairs that come again are kept once.

    Raises
    ------
    UserInputError
        An axis of a group has no values, one value, or another number of values than the others.
    """
    by_name = {axis.name: axis for axis in axes}
    made: dict[str, Axis | None] = {}
    for names in groups:
        for name in names:
            if name not in by_name or len(by_name[name].values) < 2:
                raise UserInputError(
                    f"pair {'+'.join(names)}: {name} has not several values, so nothing goes with them."
                )
        first, *others = (by_name[name] for name in names)
        together = replace(first, paired=tuple(others))
        made |= dict.fromkeys(names)
        made[min(names, key=list(by_name).index)] = _without_repeats(together)
    return [found for axis in axes for found in (made.get(axis.name, axis),) if found is not None]


def _without_repeats(axis: Axis) -> Axis:
    rows = list(dict.fromkeys(zip(*(each.values for each in axis.together), strict=True)))
    first, *others = (
        replace(each, values=values, paired=())
        for each, values in zip(axis.together, zip(*rows, strict=True), strict=True)
    )
    return replace(first, paired=tuple(others))


def write_pairs(axes: Sequence[Axis]) -> str:
    """The groups as `read_pairs` reads them."""
    return ", ".join("+".join(each.name for each in axis.together) for axis in axes if axis.paired)
