"""From what a person gave to a plan: texts of axes, with the model's own defaults where nothing was given."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from bgen_core.errors import UserInputError
from bgen_core.ids import NO_SUBJECT, SubjectId
from bgen_core.limits import LONGEST_NAME, check_text
from bgen_core.models.catalogue import ModelEntry
from bgen_core.parameters import PARAMETERS, Parameter, Value
from bgen_core.sweep.axes import REPLACEMENTS, Axis, parse_axis
from bgen_core.sweep.pairs import paired_axes, read_pairs
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan


def default_of(parameter: Parameter, entry: ModelEntry) -> Value:
    """What a first picture with that model should have."""
    return getattr(entry, parameter.of_model) if parameter.of_model else parameter.default


def leading(models: Sequence[ModelEntry]) -> ModelEntry:
    """The model whose defaults count: the first one that paints, since what needs no model has none of its own."""
    return next((entry for entry in models if entry.family.backdrop is None), models[0])


def default_params(entry: ModelEntry) -> InpaintParams:
    """Where a first picture with that model should start."""
    values: dict[str, Any] = {parameter.field: default_of(parameter, entry) for parameter in PARAMETERS}
    return InpaintParams(**values)


def check_values(axis: Axis) -> None:
    """Refuse a value that no picture can have, whatever the other parameters are.

    Raises
    ------
    UserInputError
        Names the axis, the value and what is allowed.
    """
    if axis.kind.parameter is not None:
        for value in axis.values:
            axis.kind.parameter.accepted(value)


def build_plan(
    models: Sequence[ModelEntry],
    subjects: Mapping[SubjectId, str],
    given: Mapping[str, str | Sequence[str] | None],
    replacements: Sequence[str] = (),
    pairs: Sequence[str] = (),
) -> SweepPlan:
    """A plan from what a person gave, on a page or on the command line.

    Parameters
    ----------
    models
        The defaults of the first one that paints fill what is not given.
    subjects
        Id -> name; may be empty while a plan is checked before its photos are read.
    given
        Parameter's name -> text for `parse_axis`, or texts that stand for themselves; None where nothing was given.
    replacements
        Texts of replacements in the prompts, one for each axis.
    pairs
        Axes that change together; see `read_pairs`.

    Returns
    -------
    SweepPlan
        Axes of a single value are part of the base. Models vary slowest, then subjects, texts, replacements, and the
        other parameters in the order of their table.

    Raises
    ------
    UserInputError
        Names the axis, the piece or value, and what is allowed.
    """
    for entry in models:
        check_text("The model's name", entry.name, LONGEST_NAME)
    groups = read_pairs(pairs)
    parsed = list(_axes(models, subjects, given, replacements, {name for names in groups for name in names}))
    for axis in parsed:
        check_values(axis)
    axes = tuple(axis for axis in paired_axes(parsed, groups) if len(axis.values) > 1)
    # Values that stand together are checked together: a strength may need more steps than the model's default.
    first: dict[str, Any] = {axis.kind.field: axis.values[0] for axis in parsed if axis.kind.parameter is not None}
    base = replace(default_params(leading(models)), **first)
    for axis in axes:
        if axis.kind.parameter is not None:
            for row in zip(*(each.values for each in axis.together), strict=True):
                replace(base, **{each.kind.field: value for each, value in zip(axis.together, row, strict=True)})
    alone = {axis.name: str(axis.values[0]) for axis in parsed if len(axis.values) == 1}
    return SweepPlan(
        subject_id=SubjectId(alone["subject"]) if "subject" in alone else NO_SUBJECT,
        model=alone.get("model", models[0].name),
        base=base,
        axes=axes,
    )


def _axes(
    models: Sequence[ModelEntry],
    subjects: Mapping[SubjectId, str],
    given: Mapping[str, str | Sequence[str] | None],
    replacements: Sequence[str],
    paired: Set[str],
) -> Iterator[Axis]:
    yield Axis(name="model", values=tuple(dict.fromkeys(entry.name for entry in models)))
    if subjects:
        yield Axis(name="subject", values=tuple(subjects), names=tuple(subjects.values()))
    if not "".join(given.get("prompt") or "").strip() and any("prompt" not in each.family.ignored for each in models):
        raise UserInputError("The prompt is empty: say what to paint behind the subject.")
    yield from _parameter_axes(given, paired, texts=True)
    if len(replacements) > len(REPLACEMENTS):
        raise UserInputError(
            f"{len(replacements)} replacements in the prompts are given: at most {len(REPLACEMENTS)} are allowed."
        )
    yield from (parse_axis(name, text) for name, text in zip(REPLACEMENTS, replacements, strict=False))
    yield from _parameter_axes(given, paired, texts=False)


def _parameter_axes(
    given: Mapping[str, str | Sequence[str] | None], paired: Set[str], *, texts: bool
) -> Iterator[Axis]:  # fmt: skip
    for parameter in PARAMETERS:
        value = given.get(parameter.name)
        if value is None or (parameter.kind == "text") != texts:
            continue
        if not isinstance(value, str):
            yield Axis(name=parameter.name, values=tuple(value if parameter.name in paired else dict.fromkeys(value)))
        elif value.strip() or not texts:  # a field of numbers that was emptied is a mistake, one of texts is not
            yield parse_axis(parameter.name, value, repeats=parameter.name in paired)
