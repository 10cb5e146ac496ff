"""The autoencoder: a tiny one that starts as "a small picture in the latents"."""

from collections.abc import Iterable, Sequence

import torch
from diffusers import AutoencoderTiny
from diffusers.models.autoencoders.vae import AutoencoderTinyBlock
from torch import nn

from training.config import VaeConfig

_LUMA_AND_DIFFERENCES = torch.tensor([[0.3, 0.59, 0.11], [0.5, 0.0, -0.5], [-0.25, 0.5, -0.25]])
_STRENGTHS = torch.tensor([4.0, 10.0, 14.0])
_OFFSETS = torch.tensor([-2.0, 0.0, 0.0])


def build_vae(config: VaeConfig) -> AutoencoderTiny:
    """Make the untrained model with its structured initialisation."""
    torch.manual_seed(config.seed)
    vae = AutoencoderTiny(
        encoder_block_out_channels=(config.encoder_channels,) * len(config.encoder_blocks),
        decoder_block_out_channels=(config.decoder_channels,) * len(config.decoder_blocks),
        num_encoder_blocks=config.encoder_blocks,
        num_decoder_blocks=config.decoder_blocks,
    )
    start_as_small_picture(vae)
    return vae


@torch.no_grad()
def deepen(
    vae: AutoencoderTiny, *, seed: int, encoder_blocks: Sequence[int] | None = None, decoder_blocks: Sequence[int]
) -> AutoencoderTiny:
    """The same autoencoder with more residual blocks, which at first has the same latents and pictures.

    Every new block follows old ones of its size. What enters it has gone through a ReLU and so passes
    unchanged while its last convolution is nothing.

    Parameters
    ----------
    vae
        Is left as it is.
    seed
        Of the new blocks' other convolutions.
    encoder_blocks, decoder_blocks
        Residual blocks at each size, in the networks' order; the encoder's as they are by default.

    Raises
    ------
    ValueError
        There are fewer than before at some size, or some where there was none.
    """
    settings = vae.config
    encoder_blocks = tuple(encoder_blocks or settings.num_encoder_blocks)
    for what, before, after in (
        ("encoder", settings.num_encoder_blocks, encoder_blocks),
        ("decoder", settings.num_decoder_blocks, decoder_blocks),
    ):
        sizes = list(zip(before, after, strict=False))
        if len(before) != len(after) or any(new < old or (new and not old) for old, new in sizes):
            raise ValueError(f"{what} blocks must be at least {tuple(before)} size by size, not {tuple(after)}")
    torch.manual_seed(seed)
    deeper = AutoencoderTiny(
        encoder_block_out_channels=settings.encoder_block_out_channels,
        decoder_block_out_channels=settings.decoder_block_out_channels,
        num_encoder_blocks=encoder_blocks,
        num_decoder_blocks=tuple(decoder_blocks),
        scaling_factor=settings.scaling_factor,
    )
    for old, new in ((vae.encoder, deeper.encoder), (vae.decoder, deeper.decoder)):
        _take_over(list(old.layers), new.layers)
    return deeper


def _take_over(old: list[nn.Module], layers: Iterable[nn.Module]) -> None:
    for layer in layers:
        if isinstance(layer, AutoencoderTinyBlock) and not isinstance(old[0], AutoencoderTinyBlock):
            layer.conv[4].weight.zero_()
            layer.conv[4].bias.zero_()
        else:
            layer.load_state_dict(old.pop(0).state_dict())


@torch.no_grad()
def start_as_small_picture(vae: AutoencoderTiny) -> None:
    """Route the picture's own colours through the first three channels of every layer.

    Three latents then hold luma and two colour differences of each 4 x 4 block's mean, the decoder
    enlarges them again, and everything else starts small: training begins at 24 dB instead of noise.
    Colours are 0 to 1 inside the model, so that the ReLUs let them pass.
    """
    for module in vae.modules():
        if isinstance(module, AutoencoderTinyBlock):
            last = module.conv[4]
            last.weight.mul_(0.15)
            last.bias.zero_()
    mixing = _LUMA_AND_DIFFERENCES * _STRENGTHS[:, None]
    first, *shrinking, to_latents = [m for m in vae.encoder.layers if isinstance(m, nn.Conv2d)]
    first.weight[:3] = 0
    first.bias[:3] = 0
    for layer in shrinking:
        layer.weight[:3] = 0
    for channel in range(3):
        first.weight[channel, channel, 1, 1] = 1
        for layer in shrinking:
            # Stride 2 with padding 1: these four taps are exactly the mean of a 2 x 2 block.
            layer.weight[channel, channel, 1:, 1:] = 0.25
    to_latents.weight[:3] = 0
    to_latents.weight[:3, :3, 1, 1] = mixing
    to_latents.bias[:3] = _OFFSETS
    to_latents.weight[3] *= 4
    from_latents, *growing = [m for m in vae.decoder.layers if isinstance(m, nn.Conv2d)]
    unmixing = torch.linalg.inv(mixing)
    from_latents.weight[:3] = 0
    from_latents.weight[:3, :3, 1, 1] = unmixing
    from_latents.bias[:3] = -(unmixing @ _OFFSETS)
    for layer in growing:
        layer.weight[:3] = 0
        for channel in range(3):
            layer.weight[channel, channel, 1, 1] = 1
    growing[-1].weight[:, 3:] *= 0.2
    growing[-1].bias.zero_()
