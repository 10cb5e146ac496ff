"""How the grid is arranged: which axes lie across and down, what is hidden, how large; kept in the address."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

import streamlit as st

from bgen_core.sweep.axes import AXIS_KINDS
from bgen_core.sweep.grid import default_axes
from bgen_core.sweep.plan import SweepPlan
from pages._ui.shared.left_out import quoted_value, say_left_out

Size = Literal["fit", "s", "m", "l"]
ALL = "all"  # values of an axis, as grids one below the other
MOST_NESTED = 2
_SIDES = {"x": "across", "y": "down"}
_LABELS = {kind.name: kind.label for kind in AXIS_KINDS}
_NAMES = {label: name for name, label in _LABELS.items()}


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """Where everything lies.

    Attributes
    ----------
    across, down
        Names of up to two axes each, the outer one first.
    at
        For each other axis: the place of its value that is shown, or `ALL`.
    hide
        Axis -> places of values that are not shown.
    size
        Of the cells.
    badge
        What stands on the cells: "stars", a metric's name, or nothing.
    """

    across: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    at: Mapping[str, int | Literal["all"]] = field(default_factory=dict[str, int | Literal["all"]])
    hide: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    size: Size = "fit"
    badge: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the component takes and tells it."""
        return {
            "across": list(self.across),
            "down": list(self.down),
            "at": dict(self.at),
            "hide": {name: list(places) for name, places in self.hide.items()},
            "size": self.size,
            "badge": self.badge,
        }


def arrangement_in_address(plan: SweepPlan, *, badges: Sequence[str] = ()) -> Arrangement:
    """What the address asks for, as far as this plan has it; what it has not is said once."""
    across, down = _lying(plan)
    sizes = {axis.name: len(axis.values) for axis in plan.axes}
    at: dict[str, int | Literal["all"]] = {}
    for name in sizes:
        if name not in (*across, *down):
            asked = st.query_params.get(f"at_{name}", "1")
            at[name] = ALL if asked == ALL else _places(asked, sizes[name])[0] if _places(asked, sizes[name]) else 0
    hide = {name: _places(st.query_params.get(f"hide_{name}", ""), count) for name, count in sizes.items()}
    size, badge = st.query_params.get("cells", "fit"), st.query_params.get("badge", "")
    return Arrangement(
        across=across,
        down=down,
        at=at,
        hide={name: places for name, places in hide.items() if places and len(places) < sizes[name]},
        size=cast("Size", size) if size in get_args(Size) else "fit",
        badge=badge if badge in badges else "",
    )


def _places(text: str, count: int) -> tuple[int, ...]:
    """Places from 0, as an address has them from 1; what is none is left out."""
    numbers = (int(piece) for piece in text.split(",") if piece.isascii() and piece.isdigit() and len(piece) < 7)
    return tuple(sorted({number - 1 for number in numbers if 1 <= number <= count}))


def _lying(plan: SweepPlan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    offered = [axis.name for axis in plan.axes]
    first_across, first_down = default_axes(plan)
    asked = {key: _asked(key, offered) for key in _SIDES}
    across = asked["x"] or [name for name in (first_across, first_down) if name and name not in asked["y"]][:1]
    down = [name for name in asked["y"] if name not in across]
    if asked["y"] != down:
        say_once(f"{quoted_value('y', _LABELS[asked['y'][0]])} lies across already.")
    if not down and len(across) == 1 and len(offered) > 1:
        down = [next(name for name in (first_down, first_across, *offered) if name and name not in across)]
    return tuple(across), tuple(down)


def _asked(key: str, offered: Sequence[str]) -> list[str]:
    """The axes that the address names for one side, once each; those that are not there are said and left out."""
    found: list[str] = []
    for label in st.query_params.get_all(key)[:MOST_NESTED]:
        name = _NAMES.get(label)
        if name is None:
            say_once(f"{quoted_value(key, label)} is not known.")
        elif name in offered:
            found += [name] if name not in found else []
        elif len(offered) > 1:  # what lay there when more was varied may still stand in the address
            say_once(f"{quoted_value(key, label)} is not varied here.")
    return found


def say_once(sentence: str) -> None:
    """Say what of the address means nothing, unless this session has heard it."""
    heard: set[str] = st.session_state.setdefault("grid_left_out", set())
    if sentence not in heard:
        say_left_out(sentence)
    heard.add(sentence)


def keep_in_address(shown: Arrangement) -> None:
    """Write the whole arrangement into the address, so that a reload, Back and another browser show the same."""
    wanted = dict(_address_of(shown))
    for key in list(st.query_params):
        is_own = key in ("x", "y", "cells", "badge") or key.startswith(("at_", "hide_"))
        if is_own and key not in wanted:
            del st.query_params[key]
    for key, value in wanted.items():
        if st.query_params.get_all(key) != ([value] if isinstance(value, str) else value):
            st.query_params[key] = value


def _address_of(shown: Arrangement) -> Iterator[tuple[str, str | list[str]]]:
    if len(shown.across) + len(shown.down) + len(shown.at) > 1:
        for key, names in (("x", shown.across), ("y", shown.down)):
            if names:
                yield key, [_LABELS[name] for name in names]
    for name, place in shown.at.items():
        if place != 0:
            yield f"at_{name}", ALL if place == ALL else str(int(place) + 1)
    for name, places in shown.hide.items():
        yield f"hide_{name}", ",".join(str(place + 1) for place in places)
    if shown.size != "fit":
        yield "cells", shown.size
    if shown.badge:
        yield "badge", shown.badge


def told_arrangement(told: Mapping[str, Any]) -> Arrangement:
    """What the component told; whoever sends something else gets the usual arrangement of it."""
    try:
        return Arrangement(
            across=tuple(name for name in told["across"] if name in _LABELS)[:MOST_NESTED],
            down=tuple(name for name in told["down"] if name in _LABELS)[:MOST_NESTED],
            at={name: ALL if place == ALL else int(place) for name, place in told["at"].items() if name in _LABELS},
            hide={name: tuple(map(int, places)) for name, places in told["hide"].items() if name in _LABELS},
            size=told["size"],
            badge=str(told["badge"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return Arrangement()
