"""Small random IP-Adapters for the tiny checkpoints, in the form that their authors publish, with an image encoder."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

WIDTH, PROJECTION, IMAGE_SIDE = 16, 24, 16


def save_encoder(folder: Path, *, seed: int = 0) -> None:
    """A CLIP image encoder of one layer, beside which an adapter may lie."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(seed)
    config = CLIPVisionConfig(
        hidden_size=WIDTH, intermediate_size=32, projection_dim=PROJECTION, num_hidden_layers=2, num_attention_heads=2,
        image_size=IMAGE_SIDE, patch_size=8,
    )  # fmt: skip
    CLIPVisionModelWithProjection(config).save_pretrained(folder / "image_encoder")


def adapter_of(unet: Any, *, kind: str = "base", seed: int = 0) -> dict[str, torch.Tensor]:
    """Tensors for all layers of a UNet's cross-attention; `kind` is "base", "full" or "plus"."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    wide = unet.config.cross_attention_dim
    tensors: dict[str, torch.Tensor] = {}
    if kind == "base":
        tensors |= {"proj.weight": draw(4 * wide, PROJECTION), "proj.bias": draw(4 * wide)}
        tensors |= {"norm.weight": draw(wide), "norm.bias": draw(wide)}
    elif kind == "full":
        tensors |= {"proj.0.weight": draw(WIDTH, WIDTH), "proj.0.bias": draw(WIDTH)}
        tensors |= {"proj.2.weight": draw(wide, WIDTH), "proj.2.bias": draw(wide)}
        tensors |= {"proj.3.weight": draw(wide), "proj.3.bias": draw(wide)}
    else:
        tensors |= {"latents": draw(1, 3, 64), "proj_in.weight": draw(64, WIDTH), "proj_in.bias": draw(64)}
        tensors |= {"proj_out.weight": draw(wide, 64), "proj_out.bias": draw(wide)}
        tensors |= {"norm_out.weight": draw(wide), "norm_out.bias": draw(wide)}
        for layer in (f"layers.{number}" for number in range(4)):
            for name in ("0.norm1", "0.norm2", "1.0"):
                tensors |= {f"{layer}.{name}.weight": draw(64), f"{layer}.{name}.bias": draw(64)}
            tensors |= {f"{layer}.0.to_q.weight": draw(64, 64), f"{layer}.0.to_kv.weight": draw(128, 64)}
            tensors |= {f"{layer}.0.to_out.weight": draw(64, 64), f"{layer}.1.1.weight": draw(256, 64)}
            tensors |= {f"{layer}.1.3.weight": draw(64, 256)}
    found = {f"image_proj.{name}": tensor * 0.3 for name, tensor in tensors.items()}
    key = 1
    for name, layer in unet.named_modules():
        if name.endswith("attn2"):
            for part in ("to_k_ip", "to_v_ip"):
                found[f"ip_adapter.{key}.{part}.weight"] = draw(layer.to_k.out_features, wide) * 0.3
            key += 2
    return found


def save_adapter(tensors: dict[str, torch.Tensor], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, str(path))


def save_headers(folder: Path, *, with_encoder: bool = True) -> None:
    """What can be found and is never loaded: the adapter `style`, and an encoder that fits it."""
    (folder / "image_encoder").mkdir(parents=True)
    tensors = {"ip_adapter.1.to_k_ip.weight": (4, 8), "image_proj.proj.weight": (32, 6)}
    save_adapter({name: torch.zeros(shape) for name, shape in tensors.items()}, folder / "style.safetensors")
    if with_encoder:
        (folder / "image_encoder" / "config.json").write_text('{"projection_dim": 6}')
        save_adapter({"weights": torch.zeros(3)}, folder / "image_encoder" / "model.safetensors")
