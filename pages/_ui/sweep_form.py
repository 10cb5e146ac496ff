"""The Sweep page's controls: every one is in the URL, and an error stands at the control that caused it."""

from collections.abc import Callable, Sequence

import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.models.catalogue import MODELS, ModelEntry, describe_model
from bgen_core.models.schedulers import scheduler_names
from bgen_core.runs.store import SubjectEntry
from bgen_core.sweep.axes import axis_kind, parse_axis
from bgen_core.sweep.build import build_plan, check_values
from bgen_core.sweep.plan import SweepPlan

AXIS_HELP = "One value, or several: `10,20,30` · `10..30:10` (from, to, step) · `1..9/5` (five values)"
LINES_HELP = "One per line; several lines make an axis."
# Widget key (and URL parameter) of each axis, where it differs from the axis's name.
KEYS = {"negative-prompt": "negative", "mask-grow": "grow", "mask-feather": "feather"}

# What a field of numbers holds before anyone types.
DEFAULTS: dict[str, Callable[[ModelEntry], str]] = {
    "steps": lambda entry: str(entry.steps),
    "guidance": lambda entry: f"{entry.guidance:g}",
    "seed": lambda entry: "0",
    "strength": lambda entry: "1",
    "mask-grow": lambda entry: "1.5",
    "mask-feather": lambda entry: "0",
}


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
        "mask-feather": f"{base.mask_feather:.12g}",
    }  # fmt: skip
    st.session_state["model"] = plan.model
    st.session_state["subject"] = plan.subject_id
    for name, text in single.items():
        labels = values.get(name, (text,))
        if name == "scheduler":
            st.session_state[key_of(name)] = list(labels)
        else:
            lines = [" ".join(label.split()) for label in labels]  # a line break would part a prompt in two
            st.session_state[key_of(name)] = ("\n" if "prompt" in name else ", ").join(lines)


def model_choice(default: str) -> ModelEntry:
    """The model; anything else than the catalogue's can be typed."""
    chosen = st.session_state.setdefault("model", st.query_params.get("model", default))
    names = list(dict.fromkeys([*(entry.name for entry in MODELS), default, chosen]))
    name = st.selectbox(
        "Model",
        names,
        key="model",
        bind="query-params",
        on_change=_take_defaults,
        accept_new_options=True,
        help="A name from the list, a Hub id such as owner/name, or a local folder.",
    )
    return describe_model(name)


def _take_defaults() -> None:
    """Another model starts with its own steps, guidance and scheduler."""
    entry = describe_model(st.session_state["model"])
    for name, text in DEFAULTS.items():
        if name in ("steps", "guidance"):
            st.session_state[key_of(name)] = text(entry)
    st.session_state["scheduler"] = [entry.scheduler]


def subject_choice(subjects: Sequence[SubjectEntry]) -> str:
    """The subject; the newest one at first. The URL names it by its id: names may be alike."""
    names = {entry.id: entry.name for entry in subjects}
    linked = st.query_params.get("subject")
    if linked in names and st.session_state.get("subject_linked") != linked:
        st.session_state["subject"] = linked
    if st.session_state.get("subject") not in names:  # a link may name one that is deleted
        st.session_state.pop("subject", None)
    chosen = st.selectbox(
        "Subject", list(names), format_func=lambda shown: names.get(shown, "gone"), key="subject",
        persist_state="session",
    )  # fmt: skip
    st.query_params["subject"] = st.session_state["subject_linked"] = chosen
    return chosen


def axis_controls(entry: ModelEntry) -> dict[str, str]:
    """The controls of every axis; returns axis name -> text."""
    # Set here and not as the widgets' own defaults: what is filled in from a link's sweep must not compete with them.
    st.session_state.setdefault("prompt", entry.examples[0] if entry.examples else "")
    st.session_state.setdefault("scheduler", [entry.scheduler])
    for name, text in DEFAULTS.items():
        st.session_state.setdefault(key_of(name), text(entry))
    texts = {
        "prompt": st.text_area(
            "Prompt", key="prompt", bind="query-params", height=96, placeholder="a beach at sunset", help=LINES_HELP
        )
    }
    _examples(entry)
    texts["negative-prompt"] = st.text_area(
        "Negative prompt", key="negative", bind="query-params", height=68, help=LINES_HELP
    )
    for name in ("steps", "guidance", "seed"):
        texts[name] = _axis_input(name)
    with st.expander("More"):
        # Names rather than labels, since a bound choice keeps in the URL what it shows.
        chosen = st.multiselect(
            "Scheduler", scheduler_names(), key="scheduler", bind="query-params",
            help="Also called sampler. Several make an axis.",
        )  # fmt: skip
        texts["scheduler"] = ",".join(chosen)
        for name in ("strength", "mask-grow", "mask-feather"):
            texts[name] = _axis_input(name)
    return texts


def _axis_input(name: str) -> str:
    text = st.text_input(axis_kind(name).label, key=key_of(name), bind="query-params", help=AXIS_HELP)
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


def read_plan(entry: ModelEntry, subject_id: str, texts: dict[str, str]) -> SweepPlan:
    """The plan that the controls describe.

    Raises
    ------
    UserInputError
        A control's text is not allowed.
    """
    prompts = [parse_axis("prompt", texts["prompt"])] if texts["prompt"].strip() else []
    if not prompts:
        raise UserInputError("The prompt is empty: say what to paint behind the subject.")
    if texts["negative-prompt"].strip():
        prompts.append(parse_axis("negative-prompt", texts["negative-prompt"]))
    rest = {name: text for name, text in texts.items() if "prompt" not in name}
    return build_plan(entry, rest, prompts, subject_id=subject_id)
