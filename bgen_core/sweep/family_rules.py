"""What a family of models makes of a cell's parameters: which act, which are refused, and how many steps they mean."""

from dataclasses import replace
from typing import Any

from bgen_core.models.families import Cfg, Family, Ignored, NeedsSecond, WithCfg
from bgen_core.parameters import parameter_of
from bgen_core.sweep.params import InpaintParams
from bgen_core.wording import quoted

# What stands where a parameter changes no pixel.
NEUTRAL: dict[str, Any] = {
    "guidance_scale": 0.0, "negative_prompt": "", "strength": 1.0, "scheduler": "default",
    "loras": "", "lora_weight": 1.0, "control": "mask", "control_scale": 1.0,
}  # fmt: skip
LORA_FIELDS = ("loras", "lora_weight")


def refusal(family: Family, field: str, value: object) -> str:
    """One sentence for a parameter that the family ignores: why it does not act, and what to do."""
    if NEUTRAL[field] == "":
        remedy = "leave it empty"
    else:
        instead = family.guidance_scale if field == "guidance_scale" else NEUTRAL[field]
        remedy = f"choose the {parameter_of(field).label.lower()} {quoted(instead, 40)}, not {quoted(value, 40)}"
    return f"{family.title} {family.ignored[field].reason}: {remedy}."


def refusal_of(family: Family, params: InpaintParams) -> str:
    """Why a family cannot make the cell as it is asked for; empty where it can."""
    for field in family.ignored:
        value = getattr(params, field)
        if field != "guidance_scale" and value != NEUTRAL[field]:  # every cell has some guidance
            return refusal(family, field, value)
    return ""


def effective_steps(family: Family, params: InpaintParams) -> int:
    """Steps that are really computed."""
    steps = params.num_inference_steps
    if isinstance(family.strength, Ignored):
        return steps
    if family.strength.rounds == "down":
        return params.effective_steps
    return steps - int(steps - min(steps * params.strength, steps))


def reads_negative(family: Family, params: InpaintParams) -> bool:
    """Whether each step evaluates the negative prompt too, and so costs twice."""
    if isinstance(family.guidance, Cfg):
        return family.guides(params.guidance_scale)
    return isinstance(family.negative, NeedsSecond) and bool(params.negative_prompt)


def settled(family: Family, params: InpaintParams) -> InpaintParams:
    """The parameters with what changes no pixel at its neutral value, so that equal pictures are one cell.

    Guidance that is off stays as it is given for UNets: their addresses are older than the table.
    """
    changes = {field: NEUTRAL[field] for field in family.ignored}
    if params.control_scale == 0:
        changes["control"] = NEUTRAL["control"]
    if not params.weighed_loras:
        changes |= {field: NEUTRAL[field] for field in LORA_FIELDS}
    is_off = isinstance(family.guidance, Cfg) and not family.guides(params.guidance_scale)
    if is_off and family.engine != "unet":
        changes["guidance_scale"] = NEUTRAL["guidance_scale"]
        if isinstance(family.negative, WithCfg):
            changes["negative_prompt"] = NEUTRAL["negative_prompt"]
    return replace(params, **changes)
