"""What makes one picture: the parameters of an inpainting call, in diffusers' words."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from bgen_core.errors import UserInputError

MAX_STEPS = 1000
MAX_GUIDANCE = 100.0
MAX_SEED = 2**63 - 1
MAX_MASK_PERCENT = 25.0
MAX_EDGE_SOFTNESS = 5.0

# Parameters of pasting the subject back: the diffusion model's own picture does not depend on them. Those that a later
# version adds have defaults that change no pixel, and are left out of an address at these.
COMPOSITING_DEFAULTS = {"edge_softness": 0.0, "harmonisation": 0.0, "shadow": 0.0}

_LONGEST_SHOWN = 40


@dataclass(frozen=True, kw_only=True)
class InpaintParams:
    """One picture's parameters as the person gives them; every field can be swept.

    Attributes
    ----------
    prompt, negative_prompt
        What to paint, and what to avoid. The negative prompt has no effect where `guidance_scale` ≤ 1.
    scheduler
        A name from the catalogue of schedulers [A1111: Sampler].
    num_inference_steps
        1 … 1000 [Steps].
    guidance_scale
        0 … 100 [CFG scale]; 1 and below switch classifier-free guidance off.
    strength
        Above 0, up to 1 [Denoising strength]; below 1 the painting starts from the photo.
    seed
        0 … 2^63 - 1.
    mask_grow
        How far the repainted region reaches into the subject's edge, in percent of the model's shorter side, 0 … 25.
    mask_feather
        Gaussian sigma that rounds the repainted region's border, in percent of the model's shorter side, 0 … 25.
    edge_softness
        Gaussian sigma by which the subject's edge is softened when it is pasted back, in percent of the photo's shorter
        side, 0 … 5.
    harmonisation
        How far the subject's light is moved to the new background's, 0 … 1; above 0 its own pixels change.
    shadow
        Darkness of a soft shadow of the subject on the new background, 0 … 1.
    """

    prompt: str
    negative_prompt: str = ""
    scheduler: str = "ddim"
    num_inference_steps: int = 20
    guidance_scale: float = 3.0
    strength: float = 1.0
    seed: int = 0
    mask_grow: float = 1.5
    mask_feather: float = 0.0
    edge_softness: float = 0.0
    harmonisation: float = 0.0
    shadow: float = 0.0

    def __post_init__(self) -> None:
        for name in ("guidance_scale", "strength", "mask_grow", "mask_feather", *COMPOSITING_DEFAULTS):
            object.__setattr__(self, name, _number(name, getattr(self, name)))  # 7 and 7.0 are the same
        for name in ("num_inference_steps", "seed"):
            object.__setattr__(self, name, _whole_number(name, getattr(self, name)))
        _check_range("steps", self.num_inference_steps, 1, MAX_STEPS)
        _check_range("guidance", self.guidance_scale, 0, MAX_GUIDANCE)
        _check_range("seed", self.seed, 0, MAX_SEED)
        _check_range("mask grow", self.mask_grow, 0, MAX_MASK_PERCENT)
        _check_range("mask feather", self.mask_feather, 0, MAX_MASK_PERCENT)
        _check_range("edge softness", self.edge_softness, 0, MAX_EDGE_SOFTNESS)
        _check_range("harmonisation", self.harmonisation, 0, 1)
        _check_range("shadow", self.shadow, 0, 1)
        if not 0 < self.strength <= 1:
            raise UserInputError(f"strength {self.strength:g} is not allowed: choose a number above 0, up to 1.")
        if self.effective_steps < 1:
            needed = math.ceil(1 / self.strength)
            raise UserInputError(
                f"{self.num_inference_steps} steps at strength {self.strength:g} leave 0 effective steps: "
                + (f"choose at least {needed} steps or a higher strength." if needed <= MAX_STEPS else "raise it.")
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
    def as_painted(self) -> "InpaintParams":
        """The same without what happens after the diffusion model: cells that share these share its picture."""
        return replace(self, **COMPOSITING_DEFAULTS)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "InpaintParams":
        return cls(**content)


def _number(name: str, value: object) -> float:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:  # a whole number beyond all floats
        pass
    raise UserInputError(f"{_shown(name)} {_written(value)} is not allowed: give a finite number.")


def _whole_number(name: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = _number(name, value)
    if number != int(number):
        raise UserInputError(f"{_shown(name)} {_written(value)} is not allowed: give a whole number.")
    return int(number)


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        shown = [_written(number) if isinstance(number, int) else f"{number:g}" for number in (value, low, high)]
        raise UserInputError(f"{name} {shown[0]} is not allowed: choose {shown[1]} to {shown[2]}.")


def _written(value: object) -> str:
    """A value for a sentence: not more of it than can be read."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than 4300 digits
        return "of thousands of digits"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _shown(field: str) -> str:
    """The field's name as the pages and the command line write it."""
    return {"num_inference_steps": "steps", "guidance_scale": "guidance"}.get(field, field.replace("_", " "))
