"""The Sweep page's controls: every one is in the URL, and an error stands at the control that caused it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.models.catalogue import MODELS, ModelEntry, describe_model
from bgen_core.models.schedulers import scheduler_names
from bgen_core.store.subjects import SubjectEntry
from bgen_core.sweep.axes import REPLACEMENTS, Axis, axis_kind, parse_axis, write_replacement
from bgen_core.sweep.build import build_plan, check_values
from bgen_core.sweep.explore import explored_plan
from bgen_core.sweep.plan import SweepPlan

REPLACE_HELP = (
    "`red, blue, green` makes an axis of the prompt as it is, with blue for red, and with green for red. "
    "Each line is an axis of its own. A1111's Prompt S/R."
)
BEGINNING = "form_beginning"
AXIS_HELP = "One value, or several: `10,20,30` · `10..30:10` (from, to, step) · `1..9/5` (five values)"
LINES_HELP = "One per line; several lines make an axis."
# Widget key (and URL parameter) of each axis, where it differs from the axis's name.
KEYS = {"negative-prompt": "negative", "mask-grow": "grow", "mask-feather": "feather", "edge-softness": "edge"}
MASK_AXES = ("mask-grow", "mask-feather")
PASTING_AXES = ("edge-softness", "harmonisation", "shadow")

# What a field of numbers holds before anyone types.
DEFAULTS: dict[str, Callable[[ModelEntry], str]] = {
    "steps": lambda entry: str(entry.steps),
    "guidance": lambda entry: f"{entry.guidance:g}",
    "seed": lambda entry: "0",
    "strength": lambda entry: "1",
    "mask-grow": lambda entry: "1.5",
    "mask-feather": lambda entry: "0",
    **dict.fromkeys(PASTING_AXES, lambda entry: "0"),
}
# Axes that the form holds as text for the one parser.
PLAIN_AXES = (*DEFAULTS, "scheduler")


def key_of(axis: str) -> str:
    """Widget key and URL parameter of an axis."""
    return KEYS.get(axis, axis)


def fill_from_plan(plan: SweepPlan) -> None:
    """Set every control to what a plan says: for a link to a sweep, and for "use as base"."""
    values = {axis.name: axis.labels for axis in plan.axes}
    base = plan.base
    single = {
        "prompt": base.prompt, "negative-prompt": base.negative_prompt, "steps": str(base.num_inference_steps),
        "guidance": f"{base.guidance_scale:.12g}", "seed": str(base.seed), "strength": f"{base.strength:.12g}",
        "scheduler": base.scheduler, "mask-grow": f"{base.mask_grow:.12g}",
        "mask-feather": f"{base.mask_feather:.12g}", "edge-softness": f"{base.edge_softness:.12g}",
        "harmonisation": f"{base.harmonisation:.12g}", "shadow": f"{base.shadow:.12g}",
    }  # fmt: skip
    replacements = [axis for axis in plan.axes if axis.name in REPLACEMENTS]
    filled: dict[str, str | list[str]] = {
        "model": list(plan.models),
        "explore": "",
        "replace": "\n".join(write_replacement(axis) for axis in replacements),
    }
    for name, text in single.items():
        labels = values.get(name, (text,))
        if name == "scheduler":
            filled[name] = list(labels)
        else:
            lines = [" ".join(label.split()) for label in labels]  # a line break would part a prompt in two
            filled[key_of(name)] = ("\n" if "prompt" in name else ", ").join(lines)
    st.session_state["subject"] = list(plan.subject_ids)
    _begin_with(filled)


def _begin_with(values: Mapping[str, str | list[str]]) -> None:
    """Set controls together with what they begin with.

    The browser draws a control with its default before it takes a value that the script has set; whatever makes the
    page run again in between would send the default back.
    """
    st.session_state[BEGINNING] = st.session_state.get(BEGINNING, {}) | values
    st.session_state.update(values)


def _beginning(key: str, otherwise: Any) -> Any:
    return st.session_state.get(BEGINNING, {}).get(key, otherwise)


def model_choice(default: str) -> list[ModelEntry]:
    """The models, the first of which gives the defaults; any others than the catalogue's can be typed."""
    begin: list[str] = _beginning("model", [default])
    chosen: list[str] = st.session_state.get("model") or st.query_params.get_all("model")
    names = list(dict.fromkeys([*(entry.name for entry in MODELS), *begin, *chosen]))
    picked = st.multiselect(
        "Model",
        names,
        default=begin,
        key="model",
        bind="query-params",
        on_change=_take_defaults,
        accept_new_options=True,
        help="A name from the list, a Hub id such as owner/name, or a local folder. Several make an axis.",
    )
    return [describe_model(name) for name in picked or [default]]


def _take_defaults() -> None:
    """Another model starts with its own steps, guidance and scheduler."""
    chosen = st.session_state["model"]
    if len(chosen) != 1:  # a second model joins the first one's settings
        return
    entry = describe_model(chosen[0])
    own = {name: DEFAULTS[name](entry) for name in ("steps", "guidance")}
    _begin_with(own | {"scheduler": [entry.scheduler]})


def subject_choice(subjects: Sequence[SubjectEntry]) -> list[SubjectEntry]:
    """The subjects; the newest one at first. The URL names them by their ids: names may be alike."""
    known = {entry.id: entry for entry in subjects}
    linked = [name for name in st.query_params.get_all("subject") if name in known]
    if linked and st.session_state.get("subject_linked") != linked:
        st.session_state["subject"] = linked
    kept = [name for name in st.session_state.get("subject", ()) if name in known]  # a link may name deleted ones
    st.session_state["subject"] = kept or [subjects[0].id]
    chosen = st.multiselect(
        "Subject", list(known), format_func=lambda shown: known[shown].name if shown in known else "gone",
        key="subject", persist_state="session", help="Several make an axis.",
    )  # fmt: skip
    chosen = chosen or [subjects[0].id]
    st.query_params["subject"] = st.session_state["subject_linked"] = chosen
    return [known[name] for name in chosen]


def axis_controls(entry: ModelEntry) -> dict[str, str]:
    """The controls of every axis; returns axis name -> text."""
    first = entry.examples[0] if entry.examples else ""
    texts = {"prompt": _lines("Prompt", "prompt", first, height=96, placeholder="a beach at sunset", help=LINES_HELP)}
    _examples(entry)
    texts["negative-prompt"] = _lines("Negative prompt", "negative", "", help=LINES_HELP)
    texts["replace"] = _lines(
        "Replace in the prompts", "replace", "", placeholder="red, blue, green", help=REPLACE_HELP
    )
    for name in ("steps", "guidance", "seed"):
        texts[name] = _axis_input(name, entry)
    with st.expander("More"):
        # Names rather than labels, since a bound choice keeps in the URL what it shows.
        chosen = st.multiselect(
            "Scheduler", scheduler_names(), default=_beginning("scheduler", [entry.scheduler]), key="scheduler",
            bind="query-params", help="Also called sampler. Several make an axis.",
        )  # fmt: skip
        texts["scheduler"] = ",".join(chosen)
        texts["strength"] = _axis_input("strength", entry)
        st.caption("Mask that the model gets, in percent of its picture's side")
        for name in MASK_AXES:
            texts[name] = _axis_input(name, entry)
        st.caption("Pasting the subject back; these need no new picture of the model")
        for name in PASTING_AXES:
            texts[name] = _axis_input(name, entry)
    texts["explore"] = st.text_input(
        "Explore with steps", key="explore", bind="query-params", placeholder="off",
        help="A number: all cells are made with so few steps first, and you finish the best of them with full steps.",
    )  # fmt: skip
    return texts


def _lines(label: str, key: str, begin: str, *, height: int = 68, placeholder: str = "", help: str) -> str:
    return st.text_area(
        label, _beginning(key, begin), key=key, bind="query-params", height=height, placeholder=placeholder, help=help
    )


def _axis_input(name: str, entry: ModelEntry) -> str:
    begin = _beginning(key_of(name), DEFAULTS[name](entry))
    text = st.text_input(axis_kind(name).label, begin, key=key_of(name), bind="query-params", help=AXIS_HELP)
    try:
        check_values(parse_axis(name, text))
    except UserInputError as error:
        st.error(str(error))
    return text


def _examples(entry: ModelEntry) -> None:
    """Prompts that the model does well: a click fills the prompt in."""
    if not entry.examples:
        return

    def use() -> None:
        if chosen := st.session_state.get("example"):
            st.session_state["prompt"] = chosen
            st.session_state["example"] = None

    st.pills("Examples", entry.examples, key="example", on_change=use, label_visibility="collapsed")


def read_plan(models: Sequence[ModelEntry], subjects: Sequence[SubjectEntry], texts: dict[str, str]) -> SweepPlan:
    """The plan that the controls describe.

    Raises
    ------
    UserInputError
        A control's text is not allowed.
    """
    given = [Axis(name="model", values=tuple(dict.fromkeys(entry.name for entry in models)))]
    names = tuple(entry.name for entry in subjects)
    given.append(Axis(name="subject", values=tuple(entry.id for entry in subjects), names=names))
    if not texts["prompt"].strip():
        raise UserInputError("The prompt is empty: say what to paint behind the subject.")
    given.append(parse_axis("prompt", texts["prompt"]))
    if texts["negative-prompt"].strip():
        given.append(parse_axis("negative-prompt", texts["negative-prompt"]))
    lines = [line for line in texts["replace"].splitlines() if line.strip()]
    if len(lines) > len(REPLACEMENTS):
        raise UserInputError(f"{len(lines)} lines of replacements are too many: at most {len(REPLACEMENTS)}.")
    given += [parse_axis(name, line) for name, line in zip(REPLACEMENTS, lines, strict=False)]
    rest = {name: text for name, text in texts.items() if name in PLAIN_AXES}
    plan = build_plan(models[0], rest, given, subject_id="")
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
        raise UserInputError(f"Explore with steps {text!r} gives {len(values)} values: write one number.")
    return int(values[0])
