"""What a family of models can do, told from its files before torch is imported. The rows are in `family_table.py`.

A family is one class of pipeline, or one kind of checkpoint in it: Flux schnell is saved by the same class as Flux dev,
and ignores the guidance that Flux dev follows.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bgen_core.json_value import NO_JSON, JsonValue
from bgen_core.models.schedulers import get_scheduler

# Pictures that a ControlNet can be shown
CONTROLS = ("mask", "edges", "depth")
# Those whose steps the batched engine takes, where they draw no noise
FLOW_SCHEDULERS = ("FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler")
NumberFormat = Literal["float32", "float16", "bfloat16"]
# What stands behind the subject without any diffusion; the values of the first three are parameters of their own
Backdrop = Literal["colour", "picture", "blur", "nothing"]
BACKDROP_FIELDS: dict[str, Backdrop] = {
    "background": "picture", "background_colour": "colour", "background_blur": "blur",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Cfg:
    """Classifier-free guidance: a second evaluation of the model, by the negative prompt.

    Attributes
    ----------
    argument
        Its name in the pipeline's call.
    off_at
        At this value and below it is off.
    blank
        What is given for an empty negative prompt, where a pipeline given none leaves guidance out; None where it does
        not.
    """

    argument: str = "guidance_scale"
    off_at: float = 1.0
    blank: str | None = None


@dataclass(frozen=True, kw_only=True)
class Distilled:
    """Guidance is an input of the model, which was trained with it: one evaluation, at any value."""

    argument: str = "guidance_scale"


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """It changes no pixel, or cannot be given; `reason` completes "Flux schnell …"."""

    reason: str


GUIDED_BY_ITS_CALL = Ignored(reason="is guided by its pipeline's own call, which guides every step")
SHIFTED_BY_SIZE = Ignored(reason="shifts its noise levels by the picture's size")
OWN_SCHEDULER = Ignored(reason="samples in its own way")
WITHOUT_REFERENCE = Ignored(reason="looks at no reference picture here")
EDITS_NOTHING = Ignored(reason="repaints by a mask, and edits no whole picture")
OTHER_BACKGROUND = Ignored(reason="puts another background behind the subject")
WITHOUT_BACKGROUND = Ignored(reason="has no background whose light it could take")
PAINTED_BY_ITS_CALL = Ignored(reason="is painted by its pipeline's own call, which refines no tiles")
WITHOUT_DIFFUSION = Ignored(reason="is made without a diffusion model")
_OF_DIFFUSION = ("prompt", "num_inference_steps", "seed", "side", "mask_grow", "mask_feather", "detail_strength")
_OF_ITS_LIGHT = ("harmonisation", "light")


@dataclass(frozen=True, kw_only=True)
class WithCfg:
    """A negative prompt acts where classifier-free guidance is on."""


@dataclass(frozen=True, kw_only=True)
class Always:
    """A negative prompt acts whatever the guidance is."""


@dataclass(frozen=True, kw_only=True)
class NeedsSecond:
    """A negative prompt acts through a guidance of its own, which is given with it, and costs a second evaluation."""

    argument: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Strength:
    """How many of the steps are computed: n × strength, rounded down or up."""

    rounds: Literal["down", "up"]


@dataclass(frozen=True, kw_only=True)
class ClipSkip:
    """Last layers of the CLIP text encoders can be left out.

    Attributes
    ----------
    own
        Layers that the family leaves out by itself.
    most
        How many more a checkpoint has; None where its files do not say.
    """

    own: int = 0
    most: int | None = None


@dataclass(frozen=True, kw_only=True)
class Reader:
    """The text encoder that reads most of a prompt.

    Attributes
    ----------
    folder
        Of its tokenizer.
    marks
        Tokens that mark the prompt's ends and take places of their own.
    most
        Tokens that the pipeline gives it; None where the tokenizer says that.
    """

    folder: str = "tokenizer"
    marks: int = 2
    most: int | None = None


@dataclass(frozen=True, kw_only=True)
class Configs:
    """What a checkpoint says about itself.

    Attributes
    ----------
    index
        Its `model_index.json`.
    of
        A component's configuration with its class as "_class_name"; empty where it has no such component.
    """

    index: Mapping[str, Any]
    of: Callable[[str], Mapping[str, Any]]

    @property
    def denoiser(self) -> Mapping[str, Any]:
        return self.of("unet") or self.of("transformer")


@dataclass(frozen=True, kw_only=True)
class Family:
    """One row of the table.

    Attributes
    ----------
    title
        What people call it.
    saved_as
        Classes of the pipelines that its checkpoints name.
    loads_as
        Class with the inpainting call.
    mapped
        Whether `AutoPipelineForInpainting` loads the first as the second (diffusers 0.42.1).
    applies
        Which checkpoints of these classes it is about; the first row that applies counts.
    refusal
        Why none of its checkpoints can be used: completes "Flux Control …". Empty where they can.
    packages
        Packages that it needs beyond those that are always here.
    engine
        Whether the batched engine paints it, by a UNet or as a flow; otherwise the pipeline's own call does, a cell at
        a time, with `fixed` arguments.
    guidance, negative, strength
        How it takes them.
    guidance_end
        None where guidance can be switched off after a part of the steps, or why it cannot.
    clip_skip
        Whose layers can be left out, or why none can.
    prompt_syntax
        None where weights in prompts and texts beyond one window can be read, or why they cannot.
    flow_shift
        None where the shift of the noise levels can be chosen, or why it cannot.
    own_shift
        The checkpoint's own; 0 where its files do not say.
    loras
        None where LoRAs can be applied, or why it takes none.
    control
        None where a ControlNet steers the painting, or why nothing does.
    reference
        None where an IP-Adapter can look at a reference picture, or why none is looked at.
    edits_as
        Class of the call that edits a whole picture by the prompt, without a mask; empty where there is none.
    tiles
        Whether its autoencoder can work in tiles.
    own_scheduler
        None where schedulers can be chosen, or why it samples with its own alone.
    schedulers
        Names of those that can be chosen; empty where that is every one. A checkpoint's own is "default" alone.
    half
        Half precision in which it works: float16 gives black pictures with models that were trained in bfloat16.
    side, latents
        Side of the square that it was trained on, in pixels, and in latents where its configuration does not say.
    multiple
        From the VAE's pixels per latent to what the picture's sides must divide by.
    steps, usual_guidance
        Where a first picture should start.
    fewest_steps
        Below these it gives no picture.
    prior
        The Hub's model that gives it what to paint, where it was saved without.
    reader
        Who reads the prompt; None where that is not known.
    backdrop
        What stands behind the subject where no diffusion model paints; None where one does.
    """

    title: str
    saved_as: tuple[str, ...]
    loads_as: str
    mapped: bool = True
    applies: Callable[[Configs], bool] = lambda configs: True
    refusal: str = ""
    packages: tuple[str, ...] = ()
    engine: Literal["unet", "flow"] | None = None
    fixed: tuple[tuple[str, Any], ...] = ()
    guidance: Cfg | Distilled | Ignored = Cfg()
    negative: WithCfg | Always | NeedsSecond | Ignored = WithCfg()
    strength: Strength | Ignored = Strength(rounds="up")
    guidance_end: Ignored | None = GUIDED_BY_ITS_CALL
    clip_skip: ClipSkip | Ignored = Ignored(reason="has no CLIP text encoder whose last layers could be left out")
    prompt_syntax: Ignored | None = Ignored(reason="reads its prompts as sentences, without weights")
    flow_shift: Ignored | None = Ignored(reason="has no flow-matching noise levels that could be shifted")
    own_shift: float = 0.0
    edits_as: str = ""
    tiles: bool = True
    own_scheduler: Ignored | None = OWN_SCHEDULER
    schedulers: tuple[str, ...] = ()
    loras: Ignored | None = None
    control: Ignored | None = Ignored(reason="has no ControlNet")
    reference: Ignored | None = WITHOUT_REFERENCE
    half: NumberFormat = "bfloat16"
    side: int = 1024
    latents: int | None = None
    multiple: Callable[[int], int] = lambda factor: factor * 2
    steps: int = 30
    fewest_steps: int = 1
    usual_guidance: float = 7.5
    prior: str = ""
    reader: Reader | None = None
    backdrop: Backdrop | None = None

    def number_format(self, of_device: str) -> str:
        """Number format on a device that computes in this one: half precision is the family's own.

        float16 stands for half precision of any kind, since it was the only one before this table; bfloat16 is what
        somebody asked for. "bfloat16+float8" computes in the first and keeps weights in the second. What no diffusion
        model paints is the same on every device.
        """
        if self.backdrop:
            return "uint8"
        if of_device in ("float8", "int8"):
            return f"{self.half}+{of_device}"
        return self.half if of_device == "float16" else of_device

    @property
    def ignored(self) -> dict[str, Ignored]:
        """Parameter's field -> why this family ignores it."""
        each: dict[str, object] = {
            "guidance_scale": self.guidance,
            "negative_prompt": self.negative,
            "strength": self.strength,
            "detail_strength": None if self.engine else PAINTED_BY_ITS_CALL,
            "scheduler": self.own_scheduler,
            "guidance_end": self.guidance_end,
            "clip_skip": self.clip_skip,
            "prompt_syntax": self.prompt_syntax,
            "flow_shift": self.flow_shift,
            "loras": self.loras,
            "lora_weight": self.loras,
            "control": self.control,
            "control_scale": self.control,
            "reference": self.reference,
            "ip_adapter": self.reference,
            "reference_scale": self.reference,
            "repaint": None if self.edits_as else EDITS_NOTHING,
            **{name: None if self.backdrop == own else OTHER_BACKGROUND for name, own in BACKDROP_FIELDS.items()},
        }
        if self.backdrop:
            each |= dict.fromkeys(_OF_DIFFUSION, WITHOUT_DIFFUSION)
        if self.backdrop == "nothing":
            each |= dict.fromkeys(_OF_ITS_LIGHT, WITHOUT_BACKGROUND)
        return {name: how for name, how in each.items() if isinstance(how, Ignored)}

    def guides(self, guidance: float) -> bool:
        """Whether classifier-free guidance is on at that value."""
        return isinstance(self.guidance, Cfg) and guidance > self.guidance.off_at


def configs_of_folder(folder: Path, index: Mapping[str, Any]) -> Configs:
    """What a saved pipeline says; a component's configuration that cannot be read counts as none."""

    def read(component: str) -> Mapping[str, Any]:
        kind = component.partition("_")[0]
        name = f"{kind}_config.json" if kind in ("scheduler", "tokenizer") else "config.json"
        try:
            content: JsonValue = json.loads((folder / component / name).read_text(encoding="utf-8"))
        except (OSError, *NO_JSON):
            return {}
        return content if isinstance(content, dict) else {}

    return Configs(index=index, of=read)


def configs_of_pipeline(pipeline: Any) -> Configs:
    """What a loaded pipeline says."""

    def read(component: str) -> Mapping[str, Any]:
        part = getattr(pipeline, component, None)
        if part is None:
            return {}
        config: Any = part.config  # diffusers' own, or one of transformers
        return {**(config if isinstance(config, Mapping) else config.to_dict()), "_class_name": type(part).__name__}

    return Configs(index=dict(pipeline.config), of=read)


def of_checkpoint(family: Family, configs: Configs) -> Family:
    """The row as far as one checkpoint of the family has what it says."""
    changes: dict[str, Any] = {"side": side_of(family, configs)}
    if isinstance(family.clip_skip, ClipSkip):
        encoders = (configs.of("text_encoder"), configs.of("text_encoder_2"))
        layers = [each["num_hidden_layers"] for each in encoders if isinstance(each.get("num_hidden_layers"), int)]
        if layers:
            changes["clip_skip"] = replace(family.clip_skip, most=max(0, min(layers) - family.clip_skip.own))
    scheduler = configs.of("scheduler")
    if family.flow_shift is None and scheduler.get("use_dynamic_shifting", False):
        changes["flow_shift"] = SHIFTED_BY_SIZE
    elif family.flow_shift is None and isinstance(shift := scheduler.get("shift"), int | float):
        changes["own_shift"] = float(shift)
    if scheduler.get("shift_terminal"):
        changes["fewest_steps"] = 2  # diffusers 0.42.1 stretches the noise levels between two: one alone divides by 0
    if family.engine == "flow":
        name = str(scheduler.get("_class_name", FLOW_SCHEDULERS[0]))
        if not name.startswith("FlowMatch"):
            changes["refusal"] = f"starts from a photo by flow matching alone, which its {name} cannot"
        elif name not in FLOW_SCHEDULERS or scheduler.get("stochastic_sampling", False):
            changes |= {"engine": None, "guidance_end": GUIDED_BY_ITS_CALL, "own_scheduler": OWN_SCHEDULER}
        else:
            # Heun chooses its noise levels itself, and is told of no shift by size.
            out = {name, *(FLOW_SCHEDULERS[1:] if scheduler.get("use_dynamic_shifting", False) else ())}
            kept = (each for each in family.schedulers if get_scheduler(each).flow_class_name not in out)
            changes["schedulers"] = tuple(kept)
    return replace(family, **changes)


def pixels_per_latent(configs: Configs) -> int:
    """Of the VAE, 8 for most."""
    vae = configs.of("vae") or configs.of("movq")
    halvings: JsonValue = vae.get("temperal_downsample")  # Qwen-Image's; diffusers spells it so
    if isinstance(halvings, list):
        return 2 ** len(halvings)
    levels: JsonValue | tuple[Any, ...] = vae.get("encoder_block_out_channels") or vae.get("block_out_channels")
    return 2 ** (len(levels) - 1) if isinstance(levels, list | tuple) and levels else 8


def side_of(family: Family, configs: Configs) -> int:
    """Side of the square that a checkpoint was trained on, in pixels."""
    latents = configs.denoiser.get("sample_size", family.latents)
    return latents * pixels_per_latent(configs) if isinstance(latents, int) and latents > 0 else family.side
