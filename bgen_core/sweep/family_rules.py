"""What a family of models makes of a cell's parameters: which act, which are refused, and how many steps they mean."""

from typing import Any

from bgen_core.models.backgrounds.canvas_text import canvas_named
from bgen_core.models.backgrounds.colour_text import read_gradient
from bgen_core.models.families import Cfg, ClipSkip, Family, Ignored, NeedsSecond, WithCfg
from bgen_core.parameters import BACKDROPS, PROMPT_SYNTAXES, REPAINTS, parameter_of
from bgen_core.subject.placing import AS_PHOTO
from bgen_core.sweep.params import InpaintParams
from bgen_core.wording import quoted

# What stands where a parameter changes no pixel.
NEUTRAL: dict[str, Any] = {
    "guidance_scale": 0.0, "negative_prompt": "", "strength": 1.0, "detail_strength": 0.0, "scheduler": "default",
    "guidance_end": 1.0, "clip_skip": 0, "prompt_syntax": "plain", "flow_shift": 0.0,
    "loras": "", "lora_weight": 1.0, "control": "mask", "control_scale": 1.0,
    "reference": "", "ip_adapter": "", "reference_scale": 0.6, "repaint": "background",
    **{each.field: each.default for each in BACKDROPS},
    **{field: parameter_of(field).default for field in (
        "prompt", "num_inference_steps", "seed", "side", "mask_grow", "mask_feather", "harmonisation", "light"
    )},
}  # fmt: skip
LORA_FIELDS = ("loras", "lora_weight")
PLACE_FIELDS = ("canvas", "anchor", "subject_scale")
NAMED_BY_FILE = ("loras", "ip_adapter")  # the same file under another name is the same run
REFERENCE_FIELDS = ("reference", "ip_adapter", "reference_scale")
# Larger pictures pass through the autoencoder in tiles: whole, one of side 2048 takes four times what one of 1024 does.
# By the side that somebody chose alone, so that a cell's pixels depend on nothing but the cell.
TILED_ABOVE = 1536
# What has no effect where the whole photo is edited, and what stands there instead.
WITHOUT_MASK: dict[str, float] = {
    "strength": 1.0,
    "detail_strength": 0.0,
    **{field: float(parameter_of(field).default) for field in ("mask_grow", "mask_feather")},
}


def refusal(family: Family, field: str, value: object) -> str:
    """One sentence for a parameter that the family ignores: why it does not act, and what to do."""
    if NEUTRAL[field] == "":
        remedy = "leave it empty"
    else:
        instead = family.usual_guidance if field == "guidance_scale" else NEUTRAL[field]
        remedy = f"choose the {parameter_of(field).label.lower()} {quoted(instead, 40)}, not {quoted(value, 40)}"
    return f"{family.title} {family.ignored[field].reason}: {remedy}."


def scheduler_refusal(family: Family, name: str) -> str:
    """Why a family of which some schedulers can be chosen is not painted with that one; empty where it is."""
    if not family.schedulers or name in family.schedulers:
        return ""
    *others, last = family.schedulers
    named = f"{', '.join(others)} or {last}" if others else quoted(last)
    return f"{family.title} is painted by flow matching: choose the scheduler {named}, not {quoted(name, 40)}."


def refusal_of(family: Family, params: InpaintParams) -> str:
    """Why a family cannot make the cell as it is asked for; empty where it can."""
    for field in family.ignored:
        value = getattr(params, field)
        if field != "guidance_scale" and value != NEUTRAL[field]:  # every cell has some guidance
            return refusal(family, field, value)
    if params.repaint not in REPAINTS:  # of a later version
        return f"repaint {quoted(params.repaint, 40)} is not known: choose {' or '.join(REPAINTS)}."
    if params.prompt_syntax not in PROMPT_SYNTAXES:  # of a later version
        return f"prompt syntax {quoted(params.prompt_syntax)} is not known: choose {' or '.join(PROMPT_SYNTAXES)}."
    return (
        scheduler_refusal(family, params.scheduler)
        or layers_refusal(family, params.clip_skip)
        or steps_refusal(family, params.num_inference_steps)
    )


def steps_refusal(family: Family, steps: int) -> str:
    """Why a checkpoint gives no picture with so few steps; empty where it does."""
    fewest = family.fewest_steps
    return "" if steps >= fewest else f"This {family.title} needs {fewest} steps or more: choose {fewest}, not {steps}."


def layers_refusal(family: Family, clip_skip: int) -> str:
    """Why a checkpoint cannot leave so many layers out; empty where it can, or where that is not known."""
    most = family.clip_skip.most if isinstance(family.clip_skip, ClipSkip) else None
    if most is None or clip_skip <= most:
        return ""
    return (
        f"The text encoder of this {family.title} has no {clip_skip} layers to leave out: choose clip skip 0 to {most}."
    )


def paints_in_tiles(family: Family, params: InpaintParams) -> bool:
    """Whether photo and picture pass through the autoencoder in tiles."""
    return family.tiles and params.side > TILED_ABOVE


def edits_whole(family: Family, params: InpaintParams) -> bool:
    """Whether the whole photo is edited, without a mask."""
    return params.edits_whole and bool(family.edits_as)


def effective_steps(family: Family, params: InpaintParams) -> int:
    """Steps that are really computed."""
    steps = params.num_inference_steps
    if isinstance(family.strength, Ignored) or edits_whole(family, params):
        return steps
    if family.strength.rounds == "down":
        return params.effective_steps
    return steps - int(steps - min(steps * params.strength, steps))


def reads_negative(family: Family, params: InpaintParams) -> bool:
    """Whether each step evaluates the negative prompt too, and so costs twice."""
    if isinstance(family.guidance, Cfg):
        return family.guides(params.guidance_scale)
    return isinstance(family.negative, NeedsSecond) and bool(params.negative_prompt)


def guided_evaluations(params: InpaintParams, evaluations: int) -> int:
    """How many of the evaluations, from the first on, are guided: rounded down, as diffusers' guiders round `stop`."""
    return int(params.guidance_end * evaluations)


def settled(family: Family, params: InpaintParams) -> InpaintParams:
    """The parameters with what changes no pixel at its neutral value, so that equal pictures are one cell.

    Guidance that is off stays as it is given for UNets: their addresses are older than the table.
    """
    changes = {field: NEUTRAL[field] for field in family.ignored}
    changes["canvas"] = canvas_named(params.canvas)
    if params.composition.is_photo:
        changes["anchor"] = AS_PHOTO.anchor
    if family.backdrop:
        if family.backdrop == "colour":
            changes["background_colour"] = read_gradient(params.background_colour).text
        return params.changed(changes)
    if edits_whole(family, params):
        changes |= WITHOUT_MASK
    if scheduler_refusal(family, params.scheduler):
        changes["scheduler"] = NEUTRAL["scheduler"]
    # What a model has by itself is chosen by 0 too.
    if params.side == family.side:
        changes["side"] = 0
    if params.flow_shift == family.own_shift:
        changes["flow_shift"] = NEUTRAL["flow_shift"]
    if params.control_scale == 0:
        changes["control"] = NEUTRAL["control"]
    if not params.weighed_loras:
        changes |= {field: NEUTRAL[field] for field in LORA_FIELDS}
    if not params.looks:
        changes |= {field: NEUTRAL[field] for field in REFERENCE_FIELDS}
    never = params.guidance_end == 0 and "guidance_end" not in changes
    is_off = isinstance(family.guidance, Cfg) and (never or not family.guides(params.guidance_scale))
    if is_off:
        changes["guidance_end"] = NEUTRAL["guidance_end"]
    if is_off and (never or family.engine != "unet"):
        changes["guidance_scale"] = NEUTRAL["guidance_scale"]
        if isinstance(family.negative, WithCfg):
            changes["negative_prompt"] = NEUTRAL["negative_prompt"]
    return params.changed(changes)


def could_be_settled(asked: InpaintParams, made: InpaintParams) -> bool:
    """Whether some model could have made a run with these parameters for a cell with those: see `settled`.

    Tells a run in the wrong place where nobody knows the family of its model, which may be on another machine, or the
    version that settled its parameters.

    Raises
    ------
    UserInputError
        The cell's canvas or its colours cannot be.
    """
    if made == asked:
        return True
    neutral = NEUTRAL | {"anchor": AS_PHOTO.anchor, "canvas": canvas_named(asked.canvas)}
    if made.background_colour not in (asked.background_colour, NEUTRAL["background_colour"]):
        neutral["background_colour"] = read_gradient(asked.background_colour).text
    if made.prompt:  # by a model that paints
        for field in ("prompt", "num_inference_steps", "seed"):
            del neutral[field]
    given = vars(asked)
    return all(
        value in (given[field], neutral.get(field, given[field]))
        for field, value in vars(made).items()
        if field not in NAMED_BY_FILE
    )
