"""The LoRAs of one cell, pinned: what its address says of them, and what the model gets."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

from bgen_core.models.steering.loras import LoraFile
from bgen_core.sweep.params import InpaintParams


@dataclass(frozen=True, kw_only=True)
class AppliedLora:
    """A file and the weight that it acts with."""

    file: LoraFile
    weight: float

    @property
    def in_address(self) -> tuple[str, float]:
        """What can change a pixel: its bytes and its weight, and not what it is called."""
        return self.file.content, self.weight


def applied_loras(params: InpaintParams, files: Mapping[str, LoraFile]) -> tuple[AppliedLora, ...]:
    """A cell's LoRAs in an order that follows from their bytes alone; one that is named twice has both weights.

    Parameters
    ----------
    files
        Name -> file, of all that the cell names.
    """
    weights: dict[str, AppliedLora] = {}
    for each in params.weighed_loras:
        file = files[each.name]
        before = weights[file.content].weight if file.content in weights else 0.0
        weights[file.content] = AppliedLora(file=file, weight=before + each.weight)
    return tuple(sorted((each for each in weights.values() if each.weight), key=lambda each: each.in_address))


def lora_versions(loras: tuple[AppliedLora, ...]) -> dict[str, str]:
    """What a run's record says of them beside its libraries: that which applies them, and each one's bytes."""
    if not loras:
        return {}
    return {"peft": version("peft")} | {f"LoRA {each.file.name}": each.file.content[:12] for each in loras}
