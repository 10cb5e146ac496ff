"""What the compare page shows, as one value that lives in its URL."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.ids import RunId
from bgen_core.limits import LONGEST_SEARCH
from bgen_core.metrics import LIKENESS, METRICS
from bgen_core.runs.analysis.columns import RATING, SECONDS, SEED
from bgen_core.runs.run_columns import RUN_COLUMNS
from bgen_core.runs.run_filter import Condition, RunFilter
from bgen_core.sweep.axes import axis_kind
from pages._ui.app.faults import told
from pages._ui.shared.left_out import quoted_value, say_left_out

_STATE = "compare_view"
LIST_FOLDED = "compare_list_folded"  # whether the pictures have the window for themselves, as links with them begin
_SAID_OF_LINK = "compare_said_of_link"  # there while the link that was opened is first shown
_DIGITS = 12  # of a run's id in a link
_LETTERS = "ABCDEFGHIJKL"
PANELS = ("side", "slider", "flicker", "difference", "says", "vote")
SHAPES = ("gallery", "table", "grid")
# Names that links of the first versions hold.
_OLD_NAMES = {"models": "model", "subjects": "subject", "schedulers": "scheduler"}
_AT = re.compile(r"[01](\.\d{1,6})?,[01](\.\d{1,6})?,\d{1,4}(\.\d{1,4})?")
# What an address need not say, of the values that are one word.
_USUAL = {
    "list": "gallery", "sort": "", "group": "", "measure": "", "page": "1", "show": "side", "pair": "AB", "ends": "",
    "maps": "", "at": "", "meaning": "", "less": "",
}  # fmt: skip
_COLUMN_NAMES = frozenset(column.name for column in RUN_COLUMNS)
SORTED = tuple(column for column in RUN_COLUMNS if column.kind not in ("id", "picture", "link"))
GROUPED = tuple(
    column
    for column in RUN_COLUMNS
    if column.name == "rating" or (column.kind in ("choice", "number") and not column.is_metric)
    if column.name not in ("seconds", "peak_memory_mb")
)
_SORTED_NAMES = frozenset(column.name for column in SORTED)
_GROUPED_NAMES = frozenset(column.name for column in GROUPED)
_MEASURE_NAMES = frozenset({RATING.name, SECONDS.name, *(metric.name for metric in (*METRICS, LIKENESS))})


@dataclass(frozen=True, kw_only=True)
class CompareView:
    """The filter, the order, the part of the table and the chosen runs; empty where nothing was asked for.

    Attributes
    ----------
    text, conditions
        See `bgen_core.runs.run_filter`.
    sweep
        Only the runs of this sweep's grid.
    shape
        How the runs are listed, one of `SHAPES`.
    across, down
        Columns whose values are the headings of a grid of these runs; empty for those that differ first.
    meaning, less
        Words that the pictures are to be like, and what they are to show less of; see `bgen_core/runs/likeness.py`.
    like
        A run that they are to be like instead: an id or the beginning of one.
    sort
        Column to sort by, with a minus before it from large to small; empty for what is most alike, where something is
        looked for, else for the newest first.
    columns
        Columns of the table; empty for the usual ones.
    group
        Column to group by.
    measure
        Column that is averaged, charted, and by which the best is marked.
    page
        Part of the table, from 1.
    ids
        The chosen runs in their order; each an id or the beginning of one.
    baseline
        The run against which the others are measured: an id or the beginning of one, empty for none.
    panel
        What is shown of them, one of `PANELS`.
    pair
        Places of two of them, for the ways of comparing that take two.
    axis, against
        The swept parameter that is asked about, and another one, by their names in the plan.
    ends
        Places of two values of the axis that are weighed against each other; equal for its first and last.
    maps
        Whether maps show where in the picture each axis acts.
    at
        Where the pictures are looked at, as "x,y,zoom": the centre in shares of the picture, and the zoom, 1 for the
        whole picture; empty for that. The browser writes it into the address; here it is only handed on.
    """

    text: str = ""
    conditions: tuple[Condition, ...] = ()
    sweep: str = ""
    shape: str = "gallery"
    across: str = ""
    down: str = ""
    meaning: str = ""
    less: str = ""
    like: str = ""
    sort: str = ""
    columns: tuple[str, ...] = ()
    group: str = ""
    measure: str = ""
    page: int = 1
    ids: tuple[str, ...] = ()
    baseline: str = ""
    panel: str = "side"
    pair: tuple[int, int] = (0, 1)
    axis: str = ""
    against: str = ""
    ends: tuple[int, int] = (0, 0)
    maps: bool = False
    at: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, Sequence[str]]) -> "CompareView":
        """Read the URL's parameters; what it does not know or cannot read it leaves out (see `unread_conditions`)."""
        page, sort, pair = _last(query, "page"), _last(query, "sort"), _last(query, "pair")
        places = tuple(_LETTERS.find(letter) for letter in pair)
        across, _, down = _last(query, "grid").partition(",")
        meaning = words if len(words := _last(query, "meaning").strip()) <= LONGEST_SEARCH else ""
        return cls(
            text=_last(query, "q"),
            conditions=tuple(each for each in _conditions(query) if isinstance(each, Condition)),
            sweep=_last(query, "sweep"),
            shape=shape if (shape := _last(query, "list")) in SHAPES else "gallery",
            across=across if across in _GROUPED_NAMES else "",
            down=down if down in _GROUPED_NAMES else "",
            meaning=meaning,
            less=less if meaning and len(less := _last(query, "less").strip()) <= LONGEST_SEARCH else "",
            like="" if meaning else _last(query, "like"),
            sort=sort if sort.removeprefix("-") in _SORTED_NAMES else "",
            columns=tuple(name for name in _last(query, "cols").split(",") if name in _COLUMN_NAMES),
            group=group if (group := _last(query, "group")) in _GROUPED_NAMES else "",
            measure=measure if (measure := _last(query, "measure")) in _MEASURE_NAMES else "",
            page=max(1, _whole_number(page) or 1),
            ids=tuple(dict.fromkeys(run_id for run_id in _last(query, "ids").split(",") if run_id)),
            baseline=_last(query, "base"),
            panel=panel if (panel := _last(query, "show")) in PANELS else "side",
            pair=(places[0], places[1]) if len(places) == len(set(places)) == 2 and min(places) >= 0 else (0, 1),
            axis=_last(query, "axis"),
            against=_last(query, "against"),
            ends=_ends(_last(query, "ends")),
            maps=_last(query, "maps") == "1",
            at=_place(_last(query, "at")),
        )

    def to_query(self) -> dict[str, str | list[str]]:
        """The URL's parameters, without the empty ones."""
        # Not "model", "subject", "x": the sweep page's controls own these names, in every page's URL.
        query: dict[str, str | list[str]] = {
            "q": self.text,
            "f": [f"{condition.column}:{condition.piece}" for condition in self.conditions],
            "sweep": self.sweep,
            "list": self.shape if self.shape != "gallery" else "",
            "grid": f"{self.across},{self.down}" if self.across or self.down else "",
            "meaning": self.meaning,
            "less": self.less,
            "like": self.like[:_DIGITS],
            "sort": self.sort,
            "cols": ",".join(self.columns),
            "group": self.group,
            "measure": self.measure,
            "page": str(self.page) if self.page > 1 else "",
            "ids": ",".join(run_id[:_DIGITS] for run_id in self.ids),
            "base": self.baseline[:_DIGITS],
            "show": self.panel if self.panel != "side" else "",
            "pair": "".join(_LETTERS[place] for place in self.pair) if self.pair != (0, 1) else "",
            "axis": self.axis,
            "against": self.against,
            "ends": "{}-{}".format(*self.ends) if self.ends != (0, 0) else "",
            "maps": "1" if self.maps else "",
            "at": self.at,
        }
        return {name: value for name, value in query.items() if value}

    def pieces(self, column: str) -> tuple[str, ...]:
        """What the conditions allow in a column; empty where there is none for it."""
        return tuple(condition.piece for condition in self.conditions if condition.column == column)

    def with_pieces(self, column: str, pieces: Sequence[str]) -> "CompareView":
        """The same with other conditions for one column, on the first part of the table."""
        kept = [condition for condition in self.conditions if condition.column != column]
        added = [Condition(column=column, piece=piece) for piece in pieces]
        return replace(self, conditions=(*kept, *added), page=1)

    def run_filter(self, ids: frozenset[RunId] | None = None) -> RunFilter:
        """Its filter; `ids` are the runs of its sweep."""
        return RunFilter(text=self.text, conditions=self.conditions, ids=ids)

    def is_baseline(self, run_id: RunId) -> bool:
        """Whether the others are measured against this run."""
        return bool(self.baseline) and run_id.startswith(self.baseline)

    @property
    def is_searched(self) -> bool:
        """Whether the pictures are to be like something."""
        return bool(self.meaning or self.like)

    @property
    def order(self) -> str:
        """The column that the runs are sorted by, as `sort` writes it; empty for the newest first."""
        return self.sort or (f"-{LIKENESS.name}" if self.is_searched else "")

    @property
    def is_filtered(self) -> bool:
        return bool(self.text or self.conditions or self.sweep)


def unread_conditions(query: Mapping[str, Sequence[str]]) -> list[str]:
    """One sentence for each condition of an address that cannot be read."""
    return [each for each in _conditions(query) if isinstance(each, str)]


def unread_ids(query: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence where an address lists runs and names none: it would mean all of them."""
    given = _last(query, "ids")
    return [f"{quoted_value('ids', given)} names no run."] if given and not CompareView.from_query(query).ids else []


def unread_values(query: Mapping[str, Sequence[str]]) -> list[str]:
    """One sentence for each other value of an address that means nothing."""
    read = CompareView.from_query(query).to_query()
    unread = unread_ids(query)
    for name, usual in _USUAL.items():
        given = _last(query, name)
        if given and given != usual and read.get(name) != given:
            unread.append(f"{quoted_value(name, given)} is not known.")
    columns = dict.fromkeys(column for column in _last(query, "cols").split(",") if column)
    unread += [f"{quoted_value('The column', each)} is not known." for each in columns if each not in _COLUMN_NAMES]
    for name in ("axis", "against"):
        try:
            axis_kind(_last(query, name) or SEED)
        except UserInputError as error:
            unread.append(told(error))
    return unread


def current_view() -> CompareView:
    """The view of this visitor: what a link asks for, or else what they last looked at."""
    query = {name: st.query_params.get_all(name) for name in st.query_params}
    asked = CompareView.from_query(query)
    kept: CompareView | None = st.session_state.get(_STATE)
    st.session_state.pop(_SAID_OF_LINK, None)
    if kept is not None and not asked.to_query():
        return show(kept)
    if kept is not None and replace(asked, at=kept.at).to_query() == kept.to_query():
        return show(replace(kept, at=asked.at))
    st.session_state[_SAID_OF_LINK] = set[str]()
    st.session_state[LIST_FOLDED] = bool(asked.ids) and asked.panel not in ("says", "vote")
    for sentence in (*unread_conditions(query), *unread_values(query)):
        say_of_link(sentence)
    return show(asked)


def say_of_link(sentence: str) -> None:
    """Say what of the view is not there, if the view comes from a link that was opened just now.

    Later the same is no mistake of a link: what was there was deleted, or another sweep was chosen.
    """
    said: set[str] | None = st.session_state.get(_SAID_OF_LINK)
    if said is not None and sentence not in said:
        said.add(sentence)
        say_left_out(sentence)


def change(**fields: Any) -> None:
    """Alter the view: for callbacks of the page's controls."""
    at = "" if "ids" in fields else _place(st.query_params.get("at", ""))
    show(replace(cast(CompareView, st.session_state[_STATE]), at=at, **fields))


def change_pieces(column: str, pieces: Sequence[str]) -> None:
    """Alter what is allowed in a column: for callbacks of the page's controls."""
    show(cast(CompareView, st.session_state[_STATE]).with_pieces(column, pieces))


def show(view: CompareView) -> CompareView:
    st.session_state[_STATE] = view
    if {name: st.query_params.get_all(name) for name in st.query_params} != {
        name: [value] if isinstance(value, str) else value for name, value in view.to_query().items()
    }:
        st.query_params.from_dict(view.to_query())
    return view


def _conditions(query: Mapping[str, Sequence[str]]) -> list[Condition | str]:
    """Each condition of an address, or the sentence that says why it cannot be read."""
    asked = [tuple(text.partition(":")[::2]) for text in query.get("f", ())]
    asked += [(column, piece) for name, column in _OLD_NAMES.items() for piece in query.get(name, ())]
    found: list[Condition | str] = []
    for column, piece in dict.fromkeys(asked):
        try:
            found.append(Condition(column=column, piece=piece))
        except UserInputError as error:
            found.append(told(error))
    return found


def _ends(text: str) -> tuple[int, int]:
    first, _, second = (_whole_number(part) for part in text.partition("-"))
    return (first, second) if first is not None and second is not None and first != second else (0, 0)


def _whole_number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,9}", text) else None  # Python reads no more than 4300 digits


def _place(at: str) -> str:
    return at if _AT.fullmatch(at) else ""


def _last(query: Mapping[str, Sequence[str]], name: str) -> str:
    return query[name][-1] if query.get(name) else ""
