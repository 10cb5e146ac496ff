"""From a cell's parameters to how its subject is pasted back."""

from bgen_core.subject.pasting.compositing import CompositeOptions
from bgen_core.sweep.params import COMPOSITING_DEFAULTS, InpaintParams


def pasting_options(params: InpaintParams) -> CompositeOptions:
    """What happens after the diffusion model."""
    return CompositeOptions(**{name: getattr(params, name) for name in COMPOSITING_DEFAULTS})
