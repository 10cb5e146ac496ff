"""What makes one picture: the parameters of an inpainting call, in diffusers' words."""

import math
from collections.abc import Hashable, Mapping
from copy import copy
from dataclasses import asdict, dataclass, fields
from typing import Any

from bgen_core.errors import UserInputError
from bgen_core.models.steering.loras import WeighedLora, read_loras, weigh
from bgen_core.parameters import MAX_STEPS, PARAMETERS, PICTURES, parameter_of
from bgen_core.subject.pasting.compositing import CompositeOptions
from bgen_core.subject.placing import Composition
from bgen_core.wording import counted


@dataclass(frozen=True, kw_only=True)
class InpaintParams:
    """One picture's parameters as the person gives them; every field can be swept.

    What each means and which values it takes stands in its row of `parameters.PARAMETERS`.
    """

    prompt: str
    negative_prompt: str = ""
    num_inference_steps: int = 20
    guidance_scale: float = 3.0
    seed: int = 0
    strength: float = 1.0
    detail_strength: float = 0.0
    scheduler: str = "ddim"
    guidance_end: float = 1.0
    clip_skip: int = 0
    prompt_syntax: str = "plain"
    flow_shift: float = 0.0
    side: int = 0
    loras: str = ""
    lora_weight: float = 1.0
    control: str = "mask"
    control_scale: float = 1.0
    reference: str = ""
    ip_adapter: str = ""
    reference_scale: float = 0.6
    background: str = ""
    background_colour: str = "#ffffff"
    background_blur: float = 2.0
    repaint: str = "background"
    canvas: str = "photo"
    anchor: str = "bottom"
    subject_scale: float = 1.0
    mask_grow: float = 1.5
    mask_feather: float = 0.0
    edge_softness: float = 0.0
    harmonisation: float = 0.0
    light: float = 0.0
    shadow: float = 0.0
    ground_shadow: float = 0.0

    def __post_init__(self) -> None:
        for parameter in PARAMETERS:
            object.__setattr__(self, parameter.field, parameter.checked(getattr(self, parameter.field)))
        self._check_effective_steps()

    def changed(self, changes: Mapping[str, Any]) -> "InpaintParams":
        """As `dataclasses.replace`, but only what is new is checked: thousands of cells share the rest."""
        made = copy(self)
        for field, value in changes.items():
            object.__setattr__(made, field, parameter_of(field).checked(value))
        made._check_effective_steps()
        return made

    @property
    def but_guidance(self) -> Hashable:
        """Equal for pictures that differ in guidance alone: the engine evaluates their first step once for all."""
        return tuple(value for field, value in vars(self).items() if field != "guidance_scale")

    def _check_effective_steps(self) -> None:
        if self.effective_steps < 1:
            needed = math.ceil(1 / self.strength)
            raise UserInputError(
                f"{counted(self.num_inference_steps, 'step')} at strength {self.strength:g} leave 0 effective steps: "
                + (f"choose at least {needed} steps or a higher strength." if needed <= MAX_STEPS else "raise it.")
            )

        if self.detail_strength and int(self.num_inference_steps * self.detail_strength) < 1:
            needed = math.ceil(1 / self.detail_strength)
            raise UserInputError(
                f"{counted(self.num_inference_steps, 'step')} at detail strength {self.detail_strength:g} "
                "leave 0 effective steps: "
                + (f"choose at least {needed} steps or a higher one." if needed <= MAX_STEPS else "raise it.")
            )

    @property
    def effective_steps(self) -> int:
        """Steps that are really computed: min(int(steps x strength), steps), as diffusers counts them."""
        return min(int(self.num_inference_steps * self.strength), self.num_inference_steps)

    @property
    def uses_guidance(self) -> bool:
        """Whether classifier-free guidance is on, and so whether the negative prompt has an effect."""
        return self.guidance_scale > 1

    @property
    def edits_whole(self) -> bool:
        """Whether the whole photo is edited, without a mask."""
        return self.repaint == "whole"

    @property
    def refines(self) -> bool:
        """Whether a detail pass follows."""
        return self.detail_strength > 0 and not self.edits_whole

    @property
    def of_tile(self) -> "InpaintParams":
        """What a tile of the detail pass is painted with."""
        return self.changed({"strength": self.detail_strength, "detail_strength": 0.0})

    @property
    def weighed_loras(self) -> tuple[WeighedLora, ...]:
        """The LoRAs that act, with the weights that they act with."""
        return weigh(read_loras(self.loras), self.lora_weight)

    @property
    def looks(self) -> bool:
        """Whether a reference picture acts."""
        return bool(self.reference and self.ip_adapter and self.reference_scale)

    @property
    def pictures(self) -> tuple[str, ...]:
        """Content addresses of the pictures that it names."""
        return tuple(name for each in PICTURES if (name := str(getattr(self, each.field))))

    @property
    def composition(self) -> Composition:
        """Where the subject stands on its picture."""
        return Composition(canvas=self.canvas, anchor=self.anchor, scale=self.subject_scale)

    @property
    def pasting(self) -> CompositeOptions:
        """How the subject is put back after the diffusion model."""
        return CompositeOptions(**{field.name: getattr(self, field.name) for field in fields(CompositeOptions)})

    @property
    def in_short(self) -> tuple[str, ...]:
        """What tells pictures apart at a glance: ("20 steps", "guidance 3", "seed 0")."""
        return tuple(
            parameter.short.format(f"{value:.6g}" if isinstance(value, float) else value)
            for parameter in PARAMETERS
            if parameter.short
            for value in (getattr(self, parameter.field),)
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
