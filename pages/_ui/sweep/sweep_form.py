"""The Sweep page's controls: every one is in the URL, and an error stands at the control that caused it."""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from typing import TypeVar

import streamlit as st

from bgen_core.errors import ModelLoadError, UserInputError
from bgen_core.ids import BlobHash
from bgen_core.models.catalogue import ModelEntry, describe_model
from bgen_core.models.revision import fetch_entry, find_entry
from bgen_core.models.steering.loras import NEEDS_PEFT, can_be_applied
from bgen_core.parameters import BACKDROPS, PARAMETERS, PICTURES, PROMPTS, Parameter
from bgen_core.records.subject import SubjectEntry
from bgen_core.sweep.axes import REPLACEMENTS, parse_axis, write_replacement
from bgen_core.sweep.build import build_plan, check_values, default_of, leading
from bgen_core.sweep.explore import explored_plan
from bgen_core.sweep.family_rules import LORA_FIELDS, scheduler_refusal
from bgen_core.sweep.pairs import FORM, write_pairs
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.seeds.random_seeds import write_seeds
from bgen_core.sweep.seeds.redraw import MOST_ATTEMPTS, USUAL_ATTEMPTS, typed_redraw
from bgen_core.typed_lines import typed_lines, write_line
from bgen_core.wording import quoted
from pages._ui.app import resources
from pages._ui.app.faults import told
from pages._ui.shared.plain_text import plain
from pages._ui.shared.reference_pictures import show_references
from pages._ui.sweep.drawn_seeds import SEED_HELP, numbers_waiting, seed_buttons, seeds_drawn, write_numbers
from pages._ui.sweep.plan_text import read_values
from pages._ui.sweep.reference_choice import picture_upload

REPLACE_HELP = (
    "`red, blue, green` makes an axis of the prompt as it is, with blue for red, and with green for red. "
    "Each line is an axis of its own. A1111's Prompt S/R."
)
BEGINNING = "form_beginning"
PAIR_HELP = (
    "Axes whose values go together, the first with the first, instead of each with each: "
    f"`{FORM}` with 10, 20 and 3, 5 makes two pictures and not four. Several pairs are separated by commas."
)
AXIS_HELP = "One value, or several: `10,20,30` · `10..30:10` (from, to, step) · `1..9/5` (five values)"
LINES_HELP = r"One per line; several lines make an axis. `\n` is a line break inside one."
Held = TypeVar("Held", str, list[str])  # by a control: a text, or the names that were chosen
# Beside the prompts stands what tells pictures apart at a glance; the rest is under "More".
_AT_HAND = tuple(parameter for parameter in PARAMETERS if parameter.short)
_UNDER_MORE = tuple(parameter for parameter in PARAMETERS if parameter not in (*PROMPTS, *BACKDROPS, *_AT_HAND))
_CAPTIONS = {
    "place": "Composition: a larger canvas, and where the subject stands on it",
    "mask": "Mask that the model gets, in percent of its picture's side",
    "paste": "Pasting the subject back; these need no new picture of the model",
}


def fill_from_plan(plan: SweepPlan) -> None:
    """Set every control to what a plan says: for a link to a sweep, and for "use as base"."""
    st.session_state["subject"] = list(plan.subject_ids)
    _begin_with(form_of(plan))


def form_of(plan: SweepPlan) -> dict[str, str | list[str]]:
    """What the controls hold, by their keys, so that `read_plan` gives the same plan back."""
    replacements = [axis for axis in plan.axes if axis.name in REPLACEMENTS]
    filled: dict[str, str | list[str]] = {
        "model": list(plan.models),
        "explore": "",
        "replace": "\n".join(write_replacement(axis) for axis in replacements),
        "pair": write_pairs(plan.axes),
        "redraw": repr(plan.redraw.max_expansion).removesuffix(".0") if plan.redraw else "",
        "attempts": str(plan.redraw.attempts) if plan.redraw else "",
    }
    for parameter in PARAMETERS:
        texts = [parameter.write(value) for value in plan.values_of(parameter.field)]
        if parameter.kind == "name":
            filled[parameter.key] = texts
        else:
            filled[parameter.key] = ("\n" if parameter.kind == "text" else ", ").join(texts)
    return filled


def _begin_with(values: Mapping[str, str | list[str]]) -> None:
    """Set controls together with what they begin with.

    The browser draws a control with its default before it takes a value that the script has set; whatever makes the
    page run again in between would send the default back.
    """
    st.session_state[BEGINNING] = st.session_state.get(BEGINNING, {}) | values
    st.session_state.update(values)


def _beginning(key: str, otherwise: Held) -> Held:
    return st.session_state.get(BEGINNING, {}).get(key, otherwise)


def model_choice(default: str) -> list[ModelEntry]:
    """The models, the first of which gives the defaults; what the operator allows beside the list can be typed."""
    begin: list[str] = _beginning("model", [default])
    chosen: list[str] = st.session_state.get("model") or st.query_params.get_all("model")
    names = list(dict.fromkeys([*resources.allowed().offered(), *begin, *chosen]))
    picked = st.multiselect(
        "Model",
        names,
        default=begin,
        key="model",
        bind="query-params",
        on_change=_take_defaults,
        accept_new_options=True,
        help="A name from the list, or another that this server allows. Several make an axis.",
    )
    entries = [_entry(name) for name in picked or [default]]
    for entry in entries:
        if entry.size:  # of the catalogue and fetched: what others publish under is not known here
            st.caption(plain(entry.about))
    return entries


def _entry(name: str, read: Callable[[str], ModelEntry] = find_entry) -> ModelEntry:
    if not resources.allowed().holds(name):  # the forecast says so, and nothing is looked for
        return describe_model(name)
    try:
        return read(name)
    except ModelLoadError:  # the forecast says why it cannot be used
        return describe_model(name)


def _take_defaults() -> None:
    """Another model starts with its own steps, guidance and scheduler."""
    chosen = st.session_state["model"]
    if len(chosen) != 1:  # a second model joins the first one's settings
        return
    entry = _entry(chosen[0], fetch_entry)  # once, not at every rerun
    own = [parameter for parameter in PARAMETERS if parameter.of_model]
    _begin_with({parameter.key: _default(parameter, entry) for parameter in own})


def _default(parameter: Parameter, entry: ModelEntry) -> str | list[str]:
    """What a control holds before anyone touches it."""
    text = _written_default(parameter, entry)
    return [text] if parameter.kind == "name" else text


def _written_default(parameter: Parameter, entry: ModelEntry) -> str:
    return parameter.write(default_of(parameter, entry))


def subject_choice(subjects: Sequence[SubjectEntry]) -> list[SubjectEntry]:
    """The subjects; the newest one at first. The URL names them by their ids: names may be alike."""
    known = {entry.id: entry for entry in subjects}
    asked = st.query_params.get_all("subject")
    linked = [name for name in asked if name in known]
    if len(linked) < len(asked):
        st.toast("A subject that this link names is not in the library any more.")
    if linked and st.session_state.get("subject_linked") != linked:
        st.session_state["subject"] = linked
    wanted: list[str] = st.session_state.get("subject", [])
    kept = [name for name in wanted if name in known]
    if len(kept) < len(wanted) and len(linked) == len(asked):
        st.toast("A subject of this sweep is not in the library any more: it was left out.")
    st.session_state["subject"] = kept or [subjects[0].id]
    chosen = st.multiselect(
        "Subject", list(known), format_func=lambda shown: known[shown].name if shown in known else "gone",
        key="subject", persist_state="session", help="Several make an axis.",
    )  # fmt: skip
    chosen = chosen or [subjects[0].id]
    if asked != chosen:  # writing it at every run would overwrite what the browser has just written beside it
        st.query_params["subject"] = chosen
    st.session_state["subject_linked"] = chosen
    return [known[name] for name in chosen]


def axis_controls(models: Sequence[ModelEntry]) -> dict[str, str]:
    """The controls of every parameter, of replacements and of exploring; returns their names -> texts.

    What all models ignore has none, and its text is the default; the first model gives the defaults.
    """
    entry = leading(models)
    ignored = set(entry.family.ignored).intersection(*(other.family.ignored for other in models))
    hidden = ignored if _shows_loras() else ignored | set(LORA_FIELDS)
    first = entry.examples[0] if entry.examples else ""
    texts: dict[str, str] = {}
    for parameter in PROMPTS:
        if parameter.field == "prompt" and "prompt" not in ignored:
            texts[parameter.name] = _lines(parameter, first, height=96, placeholder="a beach at sunset")
            _examples(entry)
        elif parameter.field in ignored:
            texts[parameter.name] = str(parameter.default)
        else:
            texts[parameter.name] = _lines(parameter, str(parameter.default))
    for parameter in BACKDROPS:
        is_taken = parameter.field not in ignored
        texts[parameter.name] = _control(parameter, models) if is_taken else _written_default(parameter, entry)
    texts["replace"] = "" if "prompt" in ignored else st.text_area(
        "Replace in the prompts", _beginning("replace", ""), key="replace", bind="query-params", height=68,
        placeholder="red, blue, green", help=REPLACE_HELP,
    )  # fmt: skip
    for parameter in _AT_HAND:
        if parameter.field in ignored:
            texts[parameter.name] = _written_default(parameter, entry)
        else:
            texts[parameter.name] = _axis_input(parameter, entry)
    texts.update(_under_more(models, ignored, hidden))
    texts["pair"] = st.text_input(
        "Pair axes", _beginning("pair", ""), key="pair", bind="query-params", placeholder=FORM, help=PAIR_HELP
    )
    texts["explore"] = "" if "num_inference_steps" in ignored else st.text_input(
        "Explore with steps", key="explore", bind="query-params", placeholder="off",
        help="A number: all cells are made with so few steps first, and you finish the best of them with full steps.",
    )  # fmt: skip
    return texts | redraw_controls(can_grow=any(each.family.backdrop is None for each in models))


def redraw_controls(*, can_grow: bool) -> dict[str, str]:
    """Up to which expansion a picture holds, and how many seeds are tried; nothing where no model paints."""
    if not can_grow:
        return {"redraw": "", "attempts": ""}
    limit = st.text_input(
        "Redraw above an expansion of", _beginning("redraw", ""), key="redraw", bind="query-params", placeholder="off",
        help="In percent of the picture, such as 3: a cell whose person grew by more is drawn again with another seed, "
        "until one holds. All attempts are kept.",
    )  # fmt: skip
    if not limit.strip():
        return {"redraw": "", "attempts": ""}
    attempts = st.text_input(
        "Seeds at most", _beginning("attempts", ""), key="attempts", bind="query-params",
        placeholder=str(USUAL_ATTEMPTS), help=f"For each cell, its own included: 2 to {MOST_ATTEMPTS}.",
    )  # fmt: skip
    return {"redraw": limit, "attempts": attempts}


def _under_more(models: Sequence[ModelEntry], ignored: Set[str], hidden: Set[str]) -> dict[str, str]:
    """The controls that few people need. They are half of the form: drawn once opened, or where one of them is set."""
    entry = leading(models)
    more = st.expander("More", key="more", on_change="rerun")
    texts = {parameter.name: _written_default(parameter, entry) for parameter in _UNDER_MORE}
    shown = [parameter for parameter in _UNDER_MORE if parameter.field not in hidden]
    if not more.open and not any(_is_set(parameter, entry) for parameter in shown):
        return texts
    with more:
        for stage in ("place", "paint", "mask", "paste"):
            if stage in _CAPTIONS:
                st.caption(_CAPTIONS[stage])
            texts |= {each.name: _control(each, models) for each in shown if each.stage == stage}
            if stage == "paint" and hidden != ignored:
                st.caption(f"{NEEDS_PEFT}.")
    return texts


def _is_set(parameter: Parameter, entry: ModelEntry) -> bool:
    default = _default(parameter, entry)
    begin = st.session_state.get(BEGINNING, {}).get(parameter.key, default)
    return st.session_state.get(parameter.key, begin) != default or parameter.key in st.query_params


def _shows_loras() -> bool:
    """Not where none can be applied, unless a link names some: what is then said of the sweep says why."""
    return can_be_applied() or bool(st.session_state.get("lora") or st.query_params.get("lora"))


def _control(parameter: Parameter, models: Sequence[ModelEntry]) -> str:
    entry = leading(models)
    if parameter in PICTURES:
        picture_upload(parameter, _add_picture)
        text = _lines(parameter, _written_default(parameter, entry))
        show_references([line for line in typed_lines(text) if line])
        return text
    if parameter.kind == "text":
        return _lines(parameter, _written_default(parameter, entry))
    offered = parameter.names()
    if parameter.field == "scheduler":
        offered = tuple(name for name in offered if any(_takes(each, name) for each in models))
    return _names(parameter, entry, offered) if offered else _axis_input(parameter, entry)


def _takes(entry: ModelEntry, scheduler: str) -> bool:
    return "scheduler" not in entry.family.ignored and not scheduler_refusal(entry.family, scheduler)


def _add_picture(parameter: Parameter, name: BlobHash) -> None:
    """One more value of the axis."""
    held = str(st.session_state.get(parameter.key) or _beginning(parameter.key, ""))
    lines = dict.fromkeys([*(line for line in typed_lines(held) if line), name])
    _begin_with({parameter.key: "\n".join(lines)})


def _lines(parameter: Parameter, begin: str, *, height: int = 68, placeholder: str = "") -> str:
    return st.text_area(
        parameter.label, _beginning(parameter.key, begin), key=parameter.key, bind="query-params", height=height,
        placeholder=placeholder, help=f"{parameter.help} {LINES_HELP}",
    )  # fmt: skip


def _names(parameter: Parameter, entry: ModelEntry, offered: Sequence[str]) -> str:
    # Names rather than labels, since a bound choice keeps in the URL what it shows; other names can be typed.
    begin = _beginning(parameter.key, [_written_default(parameter, entry)])
    held: list[str] = st.session_state.get(parameter.key) or st.query_params.get_all(parameter.key)
    chosen = st.multiselect(
        parameter.label, list(dict.fromkeys([*offered, *begin, *held])), default=begin, key=parameter.key,
        bind="query-params", accept_new_options=True, help=f"{parameter.help} Several make an axis.",
    )  # fmt: skip
    return ",".join(chosen)


def _axis_input(parameter: Parameter, entry: ModelEntry) -> str:
    begin = _beginning(parameter.key, _written_default(parameter, entry))
    is_seed = parameter.field == "seed"
    if is_seed and (numbers := numbers_waiting()):
        _begin_with({parameter.key: numbers})
    text = st.text_input(
        parameter.label,
        begin,
        key=parameter.key,
        bind="query-params",
        help=f"{parameter.help} {AXIS_HELP}{SEED_HELP if is_seed else ''}",
    )
    if is_seed:
        write_numbers(text)
        seed_buttons(lambda words: _begin_with({parameter.key: write_seeds(words)}), text)
        text = seeds_drawn(text)
    try:
        pairs = str(st.session_state.get("pair") or st.query_params.get("pair") or "")
        axis = parse_axis(parameter.name, text, repeats=parameter.name in re.split(r"[+,\s]+", pairs))
        check_values(axis)
        if answer := read_values(text, axis):
            st.caption(answer)
    except UserInputError as error:
        st.error(plain(told(error)))
    return text


def _examples(entry: ModelEntry) -> None:
    """Prompts that the model does well: a click fills the prompt in."""
    if not entry.examples:
        return

    def use() -> None:
        if chosen := st.session_state.get("example"):
            st.session_state["prompt"] = write_line(chosen)
            st.session_state["example"] = None

    st.pills("Examples", entry.examples, key="example", on_change=use, label_visibility="collapsed")


def read_plan(models: Sequence[ModelEntry], subjects: Sequence[SubjectEntry], texts: dict[str, str]) -> SweepPlan:
    """The plan that the controls describe.

    Raises
    ------
    UserInputError
        A control's text is not allowed.
    """
    lines = [line for line in typed_lines(texts["replace"]) if line]
    plan = build_plan(models, {entry.id: entry.name for entry in subjects}, texts, lines, [texts["pair"]])
    plan = replace(plan, redraw=typed_redraw(texts["redraw"], texts["attempts"]))
    return explored_plan(plan, read_explore_steps(texts["explore"])) if texts["explore"].strip() else plan


def read_explore_steps(text: str) -> int:
    """The number of steps of the first pass.

    Raises
    ------
    UserInputError
        Not one whole number.
    """
    values = parse_axis("steps", text).values
    if len(values) != 1:
        raise UserInputError(f"Explore with steps {quoted(text)} gives {len(values)} values: write one number.")
    return int(values[0])
