"""The reference picture of one cell, pinned: what its address says of it, and what the model gets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bgen_core.models.steering.depth_model import DepthModel
from bgen_core.models.steering.ip_adapters import IPAdapter
from bgen_core.models.steering.light_model import LightModel
from bgen_core.sweep.params import InpaintParams


@dataclass(frozen=True, kw_only=True)
class AppliedReference:
    """A picture by its content address, what looks at it, and how strongly it acts."""

    picture: str
    adapter: IPAdapter
    scale: float

    @property
    def weight(self) -> tuple[IPAdapter, float]:
        """What cells must have in common to share a call of the network."""
        return self.adapter, self.scale

    @property
    def in_address(self) -> tuple[str, str, str, float]:
        """What can change a pixel: the bytes of picture, adapter and encoder, and not what they are called."""
        return self.picture, self.adapter.content, self.adapter.encoder_content, self.scale


@dataclass(frozen=True, kw_only=True, eq=False)
class Steering:
    """What cells name beside their prompts, found.

    Attributes
    ----------
    ip_adapters
        Name -> IP-Adapter.
    pictures
        Content address of a reference picture -> uint8, HWC, RGB.
    depth
        What tells depth, where a cell shows it.
    background
        Gives a background picture by its content address: uint8, HWC, RGB. They are as large as photos, so that each
        is read when its cell is.
    light
        What tells the subject's light before a background, where a cell has some and the deployment such a model.
    """

    ip_adapters: Mapping[str, IPAdapter]
    pictures: Mapping[str, np.ndarray]
    depth: DepthModel | None
    background: Callable[[str], np.ndarray] | None = None
    light: LightModel | None = None


LIGHT_MODEL = "light model"  # in what a run records: without the model, its picture is another one
WITHOUT_STEERING = Steering(ip_adapters={}, pictures={}, depth=None)


def applied_reference(params: InpaintParams, adapters: Mapping[str, IPAdapter]) -> AppliedReference | None:
    """A cell's reference; None where none acts.

    Parameters
    ----------
    adapters
        Name -> adapter, of all that the cell names.
    """
    if not params.looks:
        return None
    return AppliedReference(
        picture=params.reference, adapter=adapters[params.ip_adapter], scale=params.reference_scale
    )  # fmt: skip


def steering_versions(params: InpaintParams, steering: Steering) -> dict[str, str]:
    """What a run's record says beside its libraries: the bytes of adapter and encoder, what told depth and light."""
    found: dict[str, str] = {}
    if reference := applied_reference(params, steering.ip_adapters):
        adapter = reference.adapter
        found[f"IP-Adapter {adapter.name}"] = adapter.content[:12]
        if adapter.encoder_content:
            found["image encoder"] = adapter.encoder_content[:12]
    if steering.depth and params.control == "depth":
        found["depth model"] = steering.depth.content[:12]
    if steering.light and params.light:
        found[LIGHT_MODEL] = steering.light.told
    return found
