"""The networks as they start: the autoencoder as a small picture, the schedule down to pure noise."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from training.config import Config, TextConfig, UnetConfig, VaeConfig
from training.device import calling
from training.train_vae import contrast_loss, psnr
from training.unet import build_scheduler, build_unet, deepen_unet, layers_of
from training.vae import build_vae, deepen


@torch.no_grad()
def test_the_untrained_encoder_holds_the_block_means() -> None:
    # Smooth colours, which a 4 x 4 mean describes.
    picture = F.interpolate(
        torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1, (64, 64), mode="bilinear"
    )
    vae = build_vae(VaeConfig())
    latents = vae.encode(picture).latents
    luma = torch.einsum("nchw,c->nhw", F.avg_pool2d(picture / 2 + 0.5, 4), torch.tensor([0.3, 0.59, 0.11])) * 4 - 2
    # The residual blocks start small but not at nothing, hence a tolerance of a tenth of the range of 4.
    assert (latents[:, 0] - luma).abs().mean() < 0.4
    # A default initialisation gives below 8 dB here.
    assert psnr(vae.decode(latents).sample, picture) > 14


@torch.no_grad()
def test_a_deeper_autoencoder_begins_with_the_same_latents_and_the_same_picture() -> None:
    vae = build_vae(
        VaeConfig(encoder_channels=8, decoder_channels=8, encoder_blocks=(0, 2, 2, 3), decoder_blocks=(4, 3, 2, 1))
    )
    deeper = deepen(vae, seed=4, encoder_blocks=(0, 2, 3, 5), decoder_blocks=(5, 3, 4, 1))
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    latents = vae.encode(picture).latents
    assert torch.equal(deeper.encode(picture).latents, latents)
    assert torch.equal(deeper.decode(latents).sample, vae.decode(latents).sample)
    assert len(deeper.encoder.layers) == len(vae.encoder.layers) + 3
    assert len(deeper.decoder.layers) == len(vae.decoder.layers) + 3
    with pytest.raises(
        ValueError, match=r"decoder blocks must be at least \(4, 3, 2, 1\) size by size, not \(4, 3, 1, 1\)"
    ):
        deepen(vae, seed=4, decoder_blocks=(4, 3, 1, 1))
    with pytest.raises(ValueError, match=r"encoder blocks must be at least .*, not \(1, 2, 2, 3\)"):
        deepen(vae, seed=4, encoder_blocks=(1, 2, 2, 3), decoder_blocks=(4, 3, 2, 1))


def test_other_grain_of_the_same_strength_costs_little_contrast_and_a_blur_costs_much() -> None:
    first, second = torch.randn(2, 1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.2
    flat = torch.zeros_like(first)
    assert contrast_loss(first, first) == 0
    # The strength of a window of 64 random differences is known to about a tenth.
    assert contrast_loss(second, first) < 0.2 * contrast_loss(flat, first)


def test_the_schedule_ends_in_pure_noise() -> None:
    scheduler = build_scheduler()
    assert scheduler.alphas_cumprod[-1] == 0
    scheduler.set_timesteps(20)
    assert int(scheduler.timesteps[0]) == 999


def test_the_unet_is_an_inpainting_unet_that_reads_words() -> None:
    unet = build_unet(UnetConfig(channels=(8, 16), layers_per_block=(1, 1), heads=2, groups=4), TextConfig(width=16))
    words = torch.randn(1, 6, 16)
    with torch.no_grad():
        out = unet(torch.randn(1, 9, 32, 32), torch.tensor([999]), words).sample
    assert out.shape == (1, 4, 32, 32)


@torch.no_grad()
def test_a_deeper_unet_begins_with_the_same_prediction() -> None:
    text = TextConfig(width=16)
    smaller = UnetConfig(channels=(8, 16, 24, 32), layers_per_block=(1, 3, 2, 1), heads=2, groups=4)
    unet = build_unet(smaller, text).eval()
    larger = replace(smaller, layers_per_block=(2, 4, 4, 2), seed=9)
    deeper = deepen_unet(unet, larger, text).eval()
    numbers = torch.Generator().manual_seed(0)
    inputs, words = torch.randn(2, 9, 32, 32, generator=numbers), torch.randn(2, 6, 16, generator=numbers)
    timesteps = torch.tensor([3, 900])
    expected = unet(inputs, timesteps, words).sample
    # Zeros are added, and a 1 x 1 convolution adds them in an order of its own.
    torch.testing.assert_close(deeper(inputs, timesteps, words).sample, expected, rtol=1e-5, atol=1e-5)
    assert layers_of(deeper) == (2, 4, 4, 2)
    with pytest.raises(ValueError, match=r"layers must be at least \(1, 3, 2, 1\) size by size, not \(1, 2, 2, 1\)"):
        deepen_unet(unet, replace(smaller, layers_per_block=(1, 2, 2, 1)), text)


def test_mixed_precision_on_a_processor_normalises_and_attends_in_float32() -> None:
    numbers = torch.Generator().manual_seed(0)
    picture, weight = torch.randn(1, 8, 6, 6, generator=numbers), torch.randn(8, generator=numbers)
    query, key, value = torch.randn(3, 1, 2, 5, 8, generator=numbers)
    with calling(Config(mixed=True), torch.device("cpu")):
        convolved = F.conv2d(picture, torch.randn(8, 8, 3, 3, generator=numbers))
        normal = F.group_norm(convolved, 4, weight)
        attended = F.scaled_dot_product_attention(query.bfloat16(), key.bfloat16(), value.bfloat16())
    assert convolved.dtype == normal.dtype == attended.dtype == torch.bfloat16
    assert torch.equal(normal, F.group_norm(convolved.float(), 4, weight).bfloat16())
    rounded = (each.bfloat16().float() for each in (query, key, value))
    assert torch.equal(attended, F.scaled_dot_product_attention(*rounded).bfloat16())
