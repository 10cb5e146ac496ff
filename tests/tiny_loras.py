"""Small random LoRAs for the tiny checkpoints, in the form that diffusers saves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")


def lora_of(part: Any, prefix: str, *, layers: Sequence[str] = ATTENTION, seed: int = 0) -> dict[str, torch.Tensor]:
    """Tensors of rank 2 for the linear layers of a part whose names end so."""
    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, torch.Tensor] = {}
    for name, layer in part.named_modules():
        if isinstance(layer, torch.nn.Linear) and name.endswith(tuple(layers)):
            tensors[f"{prefix}.{name}.lora_A.weight"] = torch.randn(2, layer.in_features, generator=generator)
            tensors[f"{prefix}.{name}.lora_B.weight"] = torch.randn(layer.out_features, 2, generator=generator) * 0.3
    return tensors


def save_lora(tensors: dict[str, torch.Tensor], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(path))
