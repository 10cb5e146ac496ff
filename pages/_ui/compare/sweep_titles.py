"""Sweeps by name, so that those of one prompt can be told apart."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bgen_core.records.sweep import SweepRecord
from bgen_core.store.store import SeenStore
from bgen_core.sweep.axes import axis_kind
from pages._ui.shared.browser import zone


def sweep_titles(store: SeenStore, *, also: str = "") -> dict[str, str]:
    """Sweeps that have a picture, by their id, newest first: when, what they vary, how many cells, and the prompt.

    Parameters
    ----------
    also
        A sweep that is named in any case.
    """
    made = store.sweeps.with_runs() | {also}
    titles: dict[str, str] = {}
    for sweep in reversed(store.sweeps.select()):
        if sweep.id in made:
            title = sweep_title(sweep)
            titles[sweep.id] = f"{title} · {sweep.id[:6]}" if title in titles.values() else title
    return titles


def sweep_title(sweep: SweepRecord) -> str:
    """ "23 Nov 07:19 · guidance × seed · 16 · a tropical beach"."""
    created, now = sweep.created.astimezone(zone()), datetime.now(zone())
    day = f"{created.day} {created:%b}" if created.year == now.year else f"{created.day} {created:%b %Y}"
    parts = [f"{day} {created:%H:%M}", _varied(sweep.plan), f"{sweep.total}", sweep.title]
    return " · ".join(part for part in parts if part)


def _varied(plan: Mapping[str, Any]) -> str:
    return " × ".join(
        " + ".join(axis_kind(each["name"]).label.lower() for each in (axis, *axis.get("paired", ())))
        for axis in plan["axes"]
        if len(axis["values"]) > 1
    )
