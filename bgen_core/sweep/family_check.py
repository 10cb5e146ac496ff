"""Before a sweep runs: what a plan asks of models whose family ignores it, and what is to be known of the rest."""

from collections.abc import Iterator, Sequence

from bgen_core.errors import UserInputError
from bgen_core.models.catalogue import ModelEntry
from bgen_core.models.families import BACKDROP_FIELDS, Cfg, NeedsSecond, WithCfg
from bgen_core.parameters import Value, parameter_of
from bgen_core.sweep.build import default_of
from bgen_core.sweep.family_rules import (
    NEUTRAL,
    WITHOUT_MASK,
    layers_refusal,
    reads_negative,
    refusal,
    scheduler_refusal,
    steps_refusal,
)
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import quoted

# What somebody asked for wherever it is not off: no model has it by itself, and no other form fills it in.
_ALWAYS_MEANT = ("detail_strength", "harmonisation", "light")


def check_families(plan: SweepPlan, entries: Sequence[ModelEntry]) -> None:
    """Refuse a plan that asks one of its models for what the model's family ignores.

    The default of another model of the plan is not asked for: it fills what nobody typed (`family_notes` says so).

    Raises
    ------
    UserInputError
        Names the family, why it ignores the parameter, and what to choose.
    """
    for entry in entries:
        for field in entry.family.ignored:
            values = plan.values_of(field)
            if entry.family.backdrop or field in BACKDROP_FIELDS:
                _check_beside_others(plan, entry, field, entries)
                continue
            for value in values:
                if not _is_own(entry, field, value) and (len(values) > 1 or not _fills(field, value, entries)):
                    raise UserInputError(refusal(entry.family, field, value))
        schedulers = plan.values_of("scheduler")
        for name in schedulers:
            said = scheduler_refusal(entry.family, name)
            if said and (len(schedulers) > 1 or not _fills("scheduler", name, entries)):
                raise UserInputError(said)
        for value in plan.values_of("num_inference_steps"):
            if said := steps_refusal(entry.family, value):
                raise UserInputError(said)
        if "clip_skip" not in entry.family.ignored:
            for value in plan.values_of("clip_skip"):
                if said := layers_refusal(entry.family, value):
                    raise UserInputError(said)
    _check_mask(plan)


def family_notes(plan: SweepPlan, entry: ModelEntry, entries: Sequence[ModelEntry]) -> Iterator[str]:
    """What has no effect on a model of the plan, or acts in another way than elsewhere: a sentence each."""
    family = entry.family
    for field, how in family.ignored.items():
        if field in BACKDROP_FIELDS:  # its control says whose it is
            continue
        value = plan.values_of(field)[0]
        if not _is_own(entry, field, value) and _fills(field, value, entries):
            label = parameter_of(field).label.lower()
            yield f"{family.title} {how.reason}: the {label} {quoted(value, 40)} has no effect on its pictures."
    scheduler = plan.values_of("scheduler")[0]
    if scheduler_refusal(family, scheduler) and _fills("scheduler", scheduler, entries):
        why = f"{family.title} is painted by flow matching"
        yield f"{why}: the scheduler {quoted(scheduler)} has no effect on its pictures."
    negatives = [cell.params for cell in plan.cells() if cell.model == entry.name and cell.params.negative_prompt]
    unheard = isinstance(family.negative, WithCfg) and not all(reads_negative(family, each) for each in negatives)
    if isinstance(family.guidance, Cfg) and unheard:
        off = f"Guidance {family.guidance.off_at:g} and below switches guidance off"
        yield f"{off}: the negative prompt has no effect there."
    repaints = plan.values_of("repaint")
    if family.edits_as and "whole" in repaints and len(repaints) > 1:
        yield (
            "Where the whole photo is edited there is no mask: strength, mask grow and mask feather have no effect, "
            "nor has a detail pass."
        )
    if family.edits_as and "whole" in repaints and not all(cell.params.composition.is_photo for cell in plan.cells()):
        yield "Where the whole photo is edited, no mask says that a larger canvas is to be painted beside it."
    if isinstance(family.negative, NeedsSecond) and negatives:
        yield (
            f"A negative prompt makes {family.title} evaluate the model twice a step, "
            f"with classifier-free guidance {family.negative.value:g} beside the guidance that was chosen."
        )


def backdrop_notes(entries: Sequence[ModelEntry]) -> Iterator[str]:
    """What is to be known of backgrounds without diffusion beside models that paint."""
    names = [entry.name for entry in entries if entry.family.backdrop]
    if 0 < len(names) < len(entries):
        yield (
            f"Made without a diffusion model: {', '.join(names)}. Prompt, seed, steps and the like do not act there: "
            "cells that differ in them alone show one picture."
        )


def _check_beside_others(plan: SweepPlan, entry: ModelEntry, field: str, entries: Sequence[ModelEntry]) -> None:
    """Between diffusion and backgrounds without it: refused is what none of the plan's models takes."""
    if any(field not in other.family.ignored for other in entries):
        return
    values = plan.values_of(field)
    copies = entry.family.backdrop and len(values) > 1
    unheard = field in (*BACKDROP_FIELDS, *_ALWAYS_MEANT) and any(value != NEUTRAL[field] for value in values)
    if copies or unheard:
        asked = next(value for value in values if value != NEUTRAL[field])
        raise UserInputError(refusal(entry.family, field, asked))


def _check_mask(plan: SweepPlan) -> None:
    """Refuse what would change no pixel because every cell edits the whole photo; the mask's defaults are nobody's."""
    if set(plan.values_of("repaint")) != {"whole"}:
        return
    for field, neutral in WITHOUT_MASK.items():
        if plan.values_of(field) != (neutral,):
            label = parameter_of(field).label.lower()
            raise UserInputError(
                f"The {label} has no effect where the whole photo is edited, without a mask: "
                f"leave it at {quoted(neutral, 40)}, or choose the repaint 'background'."
            )


def _is_own(entry: ModelEntry, field: str, value: Value) -> bool:
    return value in (NEUTRAL[field], default_of(parameter_of(field), entry))


def _fills(field: str, value: Value, entries: Sequence[ModelEntry]) -> bool:
    return any(value == default_of(parameter_of(field), entry) for entry in entries)
