"""Checkpoints as they are published in one file: weights under their authors' names, and no configuration."""

import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

Weights = dict[str, torch.Tensor]

_RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
    "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
}  # fmt: skip
_UNET = {
    "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
}  # fmt: skip
_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def unet_weights(unet: Any) -> Weights:
    """A UNet's weights as Stable Diffusion's authors name them."""
    layers = unet.config.layers_per_block
    return {_unet_name(name, layers, unet): tensor for name, tensor in unet.state_dict().items()}


def _unet_name(name: str, layers: int, unet: Any) -> str:
    for own, theirs in _UNET.items():
        if name.startswith(f"{own}."):
            return "model.diffusion_model." + name.replace(own, theirs, 1)
    block = re.fullmatch(r"(down_blocks|mid_block|up_blocks)\.(?:(\d+)\.)?(\w+)\.(\d+)\.(.+)", name)
    assert block is not None, name
    side, number, kind, index, rest = block[1], int(block[2] or 0), block[3], int(block[4]), block[5]
    if kind == "resnets":
        layer, _, end = rest.partition(".")
        rest = f"{_RESNET[layer]}.{end}"
    if side == "mid_block":
        place = f"middle_block.{2 * index if kind == 'resnets' else 1}"
    elif side == "down_blocks":
        place = f"input_blocks.{1 + number * (layers + 1) + (layers if kind == 'downsamplers' else index)}"
        place += ".1" if kind == "attentions" else ".0"
        rest = rest.replace("conv.", "op.") if kind == "downsamplers" else rest
    else:
        place = f"output_blocks.{number * (layers + 1) + (layers if kind == 'upsamplers' else index)}"
        attends = hasattr(unet.up_blocks[number], "attentions")
        place += {"resnets": ".0", "attentions": ".1", "upsamplers": ".2" if attends else ".1"}[kind]
    return f"model.diffusion_model.{place}.{rest}"


def vae_weights(vae: Any, *, prefix: str = "first_stage_model.") -> Weights:
    """An autoencoder's weights under their names: blocks of its decoder are counted from the other end."""
    levels = len(vae.config.block_out_channels)
    named: Weights = {}
    for name, tensor in vae.state_dict().items():
        name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
        name = re.sub(r"mid_block\.resnets\.(\d)", lambda found: f"mid.block_{int(found[1]) + 1}", name)
        if "mid_block.attentions.0." in name:
            head, _, layer = name.partition("mid_block.attentions.0.")
            own = next(own for own in _ATTENTION if layer.startswith(f"{own}."))
            name = f"{head}mid.attn_1.{_ATTENTION[own]}{layer.removeprefix(own)}"
            tensor = tensor[:, :, None, None] if tensor.ndim == 2 else tensor
        name = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", name)
        name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
        name = re.sub(r"up_blocks\.(\d)\.resnets", lambda found: f"up.{levels - 1 - int(found[1])}.block", name)
        name = re.sub(
            r"up_blocks\.(\d)\.upsamplers\.0", lambda found: f"up.{levels - 1 - int(found[1])}.upsample", name
        )
        named[prefix + name] = tensor
    return named


def clip_weights(encoder: Any, prefix: str = "cond_stage_model.transformer.") -> Weights:
    names = encoder.state_dict()
    return {prefix + ("" if name.startswith("text_") else "text_model.") + name: names[name] for name in names}


def flux_weights(transformer: Any) -> Weights:
    """As Black Forest Labs name them: query, key and value in one, and shift before scale at the end."""
    own: Weights = dict(transformer.state_dict())
    named: Weights = {}
    for ours, theirs in {
        "time_text_embed.timestep_embedder": "time_in", "time_text_embed.text_embedder": "vector_in",
        "time_text_embed.guidance_embedder": "guidance_in",
    }.items():  # fmt: skip
        for end in ("weight", "bias"):
            for ours_layer, theirs_layer in (("linear_1", "in_layer"), ("linear_2", "out_layer")):
                if f"{ours}.{ours_layer}.{end}" in own:
                    named[f"{theirs}.{theirs_layer}.{end}"] = own[f"{ours}.{ours_layer}.{end}"]
    for end in ("weight", "bias"):
        named[f"txt_in.{end}"], named[f"img_in.{end}"] = own[f"context_embedder.{end}"], own[f"x_embedder.{end}"]
        named[f"final_layer.linear.{end}"] = own[f"proj_out.{end}"]
        named[f"final_layer.adaLN_modulation.1.{end}"] = torch.cat(own[f"norm_out.linear.{end}"].chunk(2)[::-1])
    for number in range(len(transformer.transformer_blocks)):
        ours, theirs = f"transformer_blocks.{number}", f"double_blocks.{number}"
        for end in ("weight", "bias"):
            for kind, queries, mod, ff, out in (
                ("img", ("to_q", "to_k", "to_v"), "norm1", "ff", "to_out.0"),
                ("txt", ("add_q_proj", "add_k_proj", "add_v_proj"), "norm1_context", "ff_context", "to_add_out"),
            ):
                named[f"{theirs}.{kind}_attn.qkv.{end}"] = torch.cat(
                    [own[f"{ours}.attn.{name}.{end}"] for name in queries]
                )
                named[f"{theirs}.{kind}_attn.proj.{end}"] = own[f"{ours}.attn.{out}.{end}"]
                named[f"{theirs}.{kind}_mod.lin.{end}"] = own[f"{ours}.{mod}.linear.{end}"]
                named[f"{theirs}.{kind}_mlp.0.{end}"] = own[f"{ours}.{ff}.net.0.proj.{end}"]
                named[f"{theirs}.{kind}_mlp.2.{end}"] = own[f"{ours}.{ff}.net.2.{end}"]
        for kind, query, key in (("img", "norm_q", "norm_k"), ("txt", "norm_added_q", "norm_added_k")):
            named[f"{theirs}.{kind}_attn.norm.query_norm.scale"] = own[f"{ours}.attn.{query}.weight"]
            named[f"{theirs}.{kind}_attn.norm.key_norm.scale"] = own[f"{ours}.attn.{key}.weight"]
    for number in range(len(transformer.single_transformer_blocks)):
        ours, theirs = f"single_transformer_blocks.{number}", f"single_blocks.{number}"
        for end in ("weight", "bias"):
            parts = ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp")
            named[f"{theirs}.linear1.{end}"] = torch.cat([own[f"{ours}.{part}.{end}"] for part in parts])
            named[f"{theirs}.linear2.{end}"] = own[f"{ours}.proj_out.{end}"]
            named[f"{theirs}.modulation.lin.{end}"] = own[f"{ours}.norm.linear.{end}"]
        named[f"{theirs}.norm.query_norm.scale"] = own[f"{ours}.attn.norm_q.weight"]
        named[f"{theirs}.norm.key_norm.scale"] = own[f"{ours}.attn.norm_k.weight"]
    return named


def write_single_file(path: Path, *weights: Weights) -> Path:
    save_file({name: tensor.contiguous() for each in weights for name, tensor in each.items()}, path)
    return path


def without_weights(folder: Path, *parts: str) -> Path:
    """What is left of a saved pipeline where it is a configuration alone."""
    for part in parts:
        for file in (folder / part).glob("*.safetensors"):
            file.unlink()
    return folder
