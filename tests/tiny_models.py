"""Small random checkpoints of every family that the engine knows, complete pipelines in diffusers' own classes."""

from functools import lru_cache
from typing import Any

import torch

from bgen_core.models.catalogue import DEMO_FOLDER
from bgen_core.models.loading import quiet_libraries

FAMILIES = ("sd-9", "sd-4", "sdxl-9", "sdxl-4")
TOKENS = 48


@lru_cache(maxsize=4)
def tiny_pipeline(family: str, *, middle: bool = False, factor: int = 2) -> Any:
    """A pipeline of 32-pixel-wide UNets with a KL autoencoder of a factor, its weights drawn from a fixed seed.

    Without the UNet's middle, which has nothing that its other blocks do not have, an evaluation takes a third less.
    """
    quiet_libraries()
    import diffusers
    from transformers import CLIPTokenizer

    torch.manual_seed(len(family))
    is_xl = family.startswith("sdxl")
    tokenizer = CLIPTokenizer.from_pretrained(DEMO_FOLDER / "tokenizer")
    unet_size: dict[str, Any] = {"cross_attention_dim": 32}
    if is_xl:
        unet_size = {
            "cross_attention_dim": 64,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 6 * 8 + 32,
            "transformer_layers_per_block": (1, 2),
        }
    unet = diffusers.UNet2DConditionModel(
        sample_size=16,
        in_channels=int(family[-1]),
        out_channels=4,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        mid_block_type="UNetMidBlock2DCrossAttn" if middle else None,
        attention_head_dim=8,
        norm_num_groups=8,
        **unet_size,
    )
    blocks = factor.bit_length()
    vae = diffusers.AutoencoderKL(
        block_out_channels=(*(16,) * (blocks - 1), 32),
        down_block_types=("DownEncoderBlock2D",) * blocks,
        up_block_types=("UpDecoderBlock2D",) * blocks,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=32,
    )
    scheduler = diffusers.PNDMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1
    )
    text = text_encoder(tokenizer)
    parts: dict[str, Any] = {"unet": unet, "vae": vae, "scheduler": scheduler, "tokenizer": tokenizer}
    if is_xl:
        pipeline = diffusers.StableDiffusionXLInpaintPipeline(
            **parts, text_encoder=text, text_encoder_2=text_encoder(tokenizer, projects=True),
            tokenizer_2=tokenizer, add_watermarker=False,
        )  # fmt: skip
    else:
        pipeline = diffusers.StableDiffusionInpaintPipeline(
            **parts, text_encoder=text, safety_checker=None, feature_extractor=None, requires_safety_checker=False
        )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def text_encoder(tokenizer: Any, *, projects: bool = False) -> Any:
    """A small CLIP text model, with its projection where the family reads the pooled text."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=TOKENS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        projection_dim=32,
    )
    return (CLIPTextModelWithProjection if projects else CLIPTextModel)(config).eval()
