# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""Pipelines of the true sizes with random weights: speed does not depend on what the weights say."""

from importlib import import_module
from typing import Any

import torch

from bgen_core.errors import UserInputError
from bgen_core.models.catalogue import DEMO_FOLDER
from bgen_core.models.devices import Device
from bgen_core.models.loading import quiet_libraries
from bgen_core.wording import quoted

# Side of the pictures in pixels, by shape.
SHAPES = {"sd15": 512, "sdxl": 1024}


def random_pipeline(shape: str, device: Device) -> Any:
    """An inpainting pipeline with nine input channels in the published configuration of its family.

    Parameters
    ----------
    shape
        One of `SHAPES`.
    """
    if shape not in SHAPES:
        raise UserInputError(f"shape {quoted(shape)} is not known: choose {', '.join(SHAPES)}.")
    quiet_libraries()
    diffusers: Any = import_module("diffusers")  # its classes are exported by name at run time alone
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(DEMO_FOLDER / "tokenizer")
    is_xl = shape == "sdxl"
    torch.manual_seed(0)
    with torch.device(device.kind):
        unet = diffusers.UNet2DConditionModel(**_unet_configuration(is_xl)).to(device.dtype).eval()
        vae = (
            diffusers.AutoencoderKL(
                block_out_channels=(128, 256, 512, 512),
                down_block_types=("DownEncoderBlock2D",) * 4,
                up_block_types=("UpDecoderBlock2D",) * 4,
                latent_channels=4,
                layers_per_block=2,
                sample_size=SHAPES[shape],
                scaling_factor=0.13025 if is_xl else 0.18215,
            )
            .to(device.dtype)
            .eval()
        )  # as from_pretrained leaves it, whatever its pipeline then does with it
        text = _text_encoder(tokenizer, width=768, layers=12, heads=12).to(device.dtype)
        text_2 = _text_encoder(tokenizer, width=1280, layers=32, heads=20, projects=True).to(device.dtype)
    scheduler = diffusers.DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False,
        steps_offset=1,
    )  # fmt: skip
    parts: dict[str, Any] = {"unet": unet, "vae": vae, "scheduler": scheduler, "tokenizer": tokenizer}
    if is_xl:
        pipeline = diffusers.StableDiffusionXLInpaintPipeline(
            **parts, text_encoder=text, text_encoder_2=text_2, tokenizer_2=tokenizer, add_watermarker=False
        )
    else:
        pipeline = diffusers.StableDiffusionInpaintPipeline(
            **parts, text_encoder=text, safety_checker=None, feature_extractor=None, requires_safety_checker=False
        )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _unet_configuration(is_xl: bool) -> dict[str, Any]:
    if is_xl:
        return {
            "sample_size": 128,
            "in_channels": 9,
            "block_out_channels": (320, 640, 1280),
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            "transformer_layers_per_block": (1, 2, 10),
            "attention_head_dim": (5, 10, 20),
            "cross_attention_dim": 2048,
            "use_linear_projection": True,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": 2816,
        }
    return {"sample_size": 64, "in_channels": 9, "cross_attention_dim": 768}  # the class's defaults are SD 1.5's


def _text_encoder(tokenizer: Any, *, width: int, layers: int, heads: int, projects: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        max_position_embeddings=tokenizer.model_max_length,
        projection_dim=width,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return (CLIPTextModelWithProjection if projects else CLIPTextModel)(config).eval()
