"""What the compare page shows, as one value that lives in its URL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

_STATE = "compare_view"
_DIGITS = 12  # of a run's id in a link


@dataclass(frozen=True, kw_only=True)
class CompareView:
    """The filter, the part of the table and the chosen runs; empty where nothing was asked for.

    Attributes
    ----------
    page
        Part of the table, from 1.
    ids
        The runs side by side, in their order; each an id or the beginning of one.
    """

    text: str = ""
    models: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    schedulers: tuple[str, ...] = ()
    sweep: str = ""
    page: int = 1
    ids: tuple[str, ...] = ()

    @classmethod
    def from_query(cls, query: Mapping[str, Sequence[str]]) -> "CompareView":
        """Read the URL's parameters; what it does not know or cannot read it leaves out."""
        # Not "model", "subject", "scheduler": the sweep page's controls own these names, in every page's URL.
        page = _last(query, "page")
        return cls(
            text=_last(query, "q"),
            models=tuple(query.get("models", ())),
            subjects=tuple(query.get("subjects", ())),
            schedulers=tuple(query.get("schedulers", ())),
            sweep=_last(query, "sweep"),
            page=int(page) if page.isdecimal() and int(page) > 0 else 1,
            ids=tuple(dict.fromkeys(run_id for run_id in _last(query, "ids").split(",") if run_id)),
        )

    def to_query(self) -> dict[str, str | list[str]]:
        """The URL's parameters, without the empty ones."""
        query: dict[str, str | list[str]] = {
            "q": self.text,
            "models": list(self.models),
            "subjects": list(self.subjects),
            "schedulers": list(self.schedulers),
            "sweep": self.sweep,
            "page": str(self.page) if self.page > 1 else "",
            "ids": ",".join(run_id[:_DIGITS] for run_id in self.ids),
        }
        return {name: value for name, value in query.items() if value}


def current_view() -> CompareView:
    """The view of this visitor: what a link asks for, or else what they last looked at."""
    asked = CompareView.from_query({name: st.query_params.get_all(name) for name in st.query_params})
    kept: CompareView | None = st.session_state.get(_STATE)
    if kept is not None and asked.to_query() in ({}, kept.to_query()):
        return show(kept)
    return show(asked)


def change(**fields: Any) -> None:
    """Alter the view: for callbacks of the page's controls."""
    show(replace(st.session_state[_STATE], **fields))


def show(view: CompareView) -> CompareView:
    st.session_state[_STATE] = view
    if {name: st.query_params.get_all(name) for name in st.query_params} != {
        name: [value] if isinstance(value, str) else value for name, value in view.to_query().items()
    }:
        st.query_params.from_dict(view.to_query())
    return view


def _last(query: Mapping[str, Sequence[str]], name: str) -> str:
    return query[name][-1] if query.get(name) else ""
