"""The UNet and the noise schedule."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import nn

from training.config import TextConfig, UnetConfig


def build_unet(config: UnetConfig, text: TextConfig) -> UNet2DConditionModel:
    """Make the untrained inpainting UNet: nine channels in (noisy, mask, masked picture), four out.

    Words are attended to at the two coarsest levels: at finer ones attention costs most, and layout is settled.
    """
    torch.manual_seed(config.seed)
    finest = len(config.channels) - 2
    return UNet2DConditionModel(
        sample_size=64,
        in_channels=9,
        out_channels=4,
        down_block_types=(*("DownBlock2D",) * finest, "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", *("UpBlock2D",) * finest),
        block_out_channels=config.channels,
        layers_per_block=tuple(config.layers_per_block),
        time_embedding_dim=4 * config.channels[1],
        cross_attention_dim=text.width,
        attention_head_dim=config.heads,
        norm_num_groups=config.groups,
        use_linear_projection=True,
    )


@torch.no_grad()
def deepen_unet(unet: UNet2DConditionModel, config: UnetConfig, text: TextConfig) -> UNet2DConditionModel:
    """The same UNet with more layers, which at first predicts the same.

    A layer is a residual block and, where words are read, a transformer. A new one passes what enters it unchanged
    while its last convolution is nothing. On the way down it follows the old ones; on the way up it stands behind the
    first, so that each old one joins with what it joined with before.

    Parameters
    ----------
    unet
        Is left as it is.
    config
        Its `layers_per_block` says how many there are to be at each size, the largest first, its `seed` what the new
        ones begin as; the other sizes are the UNet's own.

    Raises
    ------
    ValueError
        There are fewer than before at some size.
    """
    sizes = unet.config.block_out_channels
    before, after = layers_of(unet), tuple(config.layers_per_block)
    if len(before) != len(after) or any(new < old for old, new in zip(before, after, strict=False)):
        raise ValueError(f"layers must be at least {before} size by size, not {after}")
    deeper = build_unet(replace(config, channels=tuple(sizes)), text)
    for name, module in deeper.named_children():
        if name not in ("down_blocks", "up_blocks"):
            module.load_state_dict(unet.get_submodule(name).state_dict())
    for level, more in enumerate(new - old for old, new in zip(before, after, strict=True)):
        _take_over(unet.down_blocks[level], deeper.down_blocks[level], first_new=before[level], more=more)
        _take_over(unet.up_blocks[-1 - level], deeper.up_blocks[-1 - level], first_new=1, more=more)
    return deeper


def layers_of(unet: UNet2DConditionModel) -> tuple[int, ...]:
    """Layers at each size, the largest first."""
    layers: int | Sequence[int] = unet.config.layers_per_block
    return (layers,) * len(unet.down_blocks) if isinstance(layers, int) else tuple(layers)


def _take_over(old: nn.Module, deeper: nn.Module, *, first_new: int, more: int) -> None:
    for name, part in deeper.named_children():
        known = list(old.get_submodule(name).children())
        for i, layer in enumerate(part.children()):
            if name in ("resnets", "attentions") and first_new <= i < first_new + more:
                _pass_unchanged(layer)
            else:
                layer.load_state_dict(known[i - more if i >= first_new + more else i].state_dict())


def _pass_unchanged(layer: nn.Module) -> None:
    """Let a new layer's output be the first channels of what enters it; the rest is what an earlier layer left."""
    last = layer.conv2 if hasattr(layer, "conv2") else layer.proj_out
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    if (shortcut := getattr(layer, "conv_shortcut", None)) is not None:
        nn.init.dirac_(shortcut.weight)
        nn.init.zeros_(shortcut.bias)


def build_scheduler() -> DDIMScheduler:
    """DDIM on a schedule that begins as Stable Diffusion's and ends stronger, down to pure noise.

    A latent stands for 4 x 4 pixels here, not for 8 x 8, and the mean of four noises is half as strong: layout would be
    decided in too few steps (Hoogeboom et al., "simple diffusion", 2023).
    Without zero terminal SNR a sample's mean brightness leaks from the noise and nights turn grey
    (Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", 2023); that needs
    v-prediction and trailing steps.
    """
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.0185,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
    )
