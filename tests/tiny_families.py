"""Small random checkpoints of the families beyond Stable Diffusion, complete pipelines in diffusers' own classes."""

from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch

from bgen_core.models.catalogue import DEMO_FOLDER
from bgen_core.models.loading import quiet_libraries
from tests.tiny_models import text_encoder, tiny_pipeline

VAE_FACTOR = 2


def _diffusers() -> Any:
    return import_module("diffusers")


def _clip_tokenizer() -> Any:
    return import_module("transformers").CLIPTokenizer.from_pretrained(DEMO_FOLDER / "tokenizer")


def bytes_tokenizer(most: int) -> Any:
    """A token for each byte, as T5's and Qwen's tokenizers end up with for what they have never seen."""
    tokenizers: Any = import_module("tokenizers")
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate(["<pad>", "</s>", *letters])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    return import_module("transformers").PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        model_max_length=most,
        chat_template="{% for message in messages %}{{ message['content'] }}{% endfor %}",
    )


def _t5(tokenizer: Any) -> Any:
    transformers: Any = import_module("transformers")
    config = transformers.T5Config(vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    return transformers.T5EncoderModel(config).eval()


def _qwen3(tokenizer: Any, *, layers: int) -> Any:
    transformers: Any = import_module("transformers")
    config = transformers.Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=layers,
        num_attention_heads=2, num_key_value_heads=2, head_dim=8, max_position_embeddings=1024,
    )  # fmt: skip
    return transformers.Qwen3ForCausalLM(config).eval()


def _vae(*, shift: float | None = 0.1) -> Any:
    return _diffusers().AutoencoderKL(
        block_out_channels=(4, 4), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=16, norm_num_groups=1,
        use_quant_conv=False, use_post_quant_conv=False, shift_factor=shift, scaling_factor=1.5,
    ).eval()  # fmt: skip


def _sd3() -> Any:
    tokenizer, long_tokenizer = _clip_tokenizer(), bytes_tokenizer(512)
    return _diffusers().StableDiffusion3InpaintPipeline(
        transformer=_diffusers().SD3Transformer2DModel(
            sample_size=32, patch_size=2, in_channels=16, num_layers=1, attention_head_dim=8, num_attention_heads=4,
            joint_attention_dim=64, caption_projection_dim=32, pooled_projection_dim=64, out_channels=16,
        ).eval(),
        vae=_vae(), scheduler=_diffusers().FlowMatchEulerDiscreteScheduler(),
        text_encoder=text_encoder(tokenizer, projects=True), tokenizer=tokenizer,
        text_encoder_2=text_encoder(tokenizer, projects=True), tokenizer_2=tokenizer,
        text_encoder_3=_t5_for_sd3(long_tokenizer), tokenizer_3=long_tokenizer,
    )  # fmt: skip


def _t5_for_sd3(tokenizer: Any) -> Any:
    transformers: Any = import_module("transformers")
    config = transformers.T5Config(vocab_size=len(tokenizer), d_model=64, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    return transformers.T5EncoderModel(config).eval()


def _flux(pipeline_class: str = "FluxPipeline", *, channels: int = 64, guided: bool = True) -> Any:
    tokenizer, long_tokenizer = _clip_tokenizer(), bytes_tokenizer(512)
    transformer = _diffusers().FluxTransformer2DModel(
        in_channels=channels, out_channels=64, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=32, pooled_projection_dim=32, guidance_embeds=guided,
        axes_dims_rope=(4, 4, 8),
    ).eval()  # fmt: skip
    return getattr(_diffusers(), pipeline_class)(
        transformer=transformer, vae=_vae(), scheduler=_diffusers().FlowMatchEulerDiscreteScheduler(),
        text_encoder=text_encoder(tokenizer), tokenizer=tokenizer,
        text_encoder_2=_t5(long_tokenizer), tokenizer_2=long_tokenizer,
    )  # fmt: skip


def _klein(*, distilled: bool) -> Any:
    tokenizer = bytes_tokenizer(131_072)
    vae = _diffusers().AutoencoderKLFlux2(
        block_out_channels=(4, 4), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=4, norm_num_groups=1,
    ).eval()  # fmt: skip
    transformer = _diffusers().Flux2Transformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=48, timestep_guidance_channels=8, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=False,
    ).eval()  # fmt: skip
    return _diffusers().Flux2KleinPipeline(
        transformer=transformer, vae=vae, scheduler=_diffusers().FlowMatchEulerDiscreteScheduler(),
        text_encoder=_qwen3(tokenizer, layers=28), tokenizer=tokenizer, is_distilled=distilled,
    )  # fmt: skip


def _qwen_image() -> Any:
    transformers: Any = import_module("transformers")
    tokenizer = bytes_tokenizer(131_072)
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2}
    config = transformers.Qwen2_5_VLConfig(
        image_token_id=len(tokenizer) - 1,
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
            "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]}, **heads,
        },
        vision_config={
            "depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16,
        },
    )  # fmt: skip
    transformer = _diffusers().QwenImageTransformer2DModel(
        in_channels=64, out_channels=16, num_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=16, axes_dims_rope=(4, 4, 8),
    ).eval()  # fmt: skip
    vae = _diffusers().AutoencoderKLQwenImage(
        base_dim=4, z_dim=16, dim_mult=[1, 1], num_res_blocks=1, temperal_downsample=[False]
    ).eval()  # fmt: skip
    return _diffusers().QwenImagePipeline(
        transformer=transformer, vae=vae, scheduler=_diffusers().FlowMatchEulerDiscreteScheduler(),
        text_encoder=transformers.Qwen2_5_VLForConditionalGeneration(config).eval(), tokenizer=tokenizer,
    )  # fmt: skip


def _z_image() -> Any:
    tokenizer = bytes_tokenizer(131_072)
    transformer = _diffusers().ZImageTransformer2DModel(
        in_channels=16, dim=32, n_layers=1, n_refiner_layers=1, n_heads=2, n_kv_heads=2, cap_feat_dim=16,
        axes_dims=[4, 4, 8], axes_lens=[1024, 128, 128],
    ).eval()  # fmt: skip
    return _diffusers().ZImagePipeline(
        transformer=transformer, vae=_vae(), scheduler=_diffusers().FlowMatchEulerDiscreteScheduler(),
        text_encoder=_qwen3(tokenizer, layers=2).model, tokenizer=tokenizer,
    )  # fmt: skip


def _kandinsky() -> Any:
    transformers, diffusers = import_module("transformers"), _diffusers()
    tokenizer = _clip_tokenizer()
    image_config = transformers.CLIPVisionConfig(
        hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=32, patch_size=16,
        projection_dim=32,
    )  # fmt: skip
    prior = diffusers.PriorTransformer(
        num_attention_heads=2, attention_head_dim=8, num_layers=1, embedding_dim=32,
        num_embeddings=tokenizer.model_max_length,
    ).eval()  # fmt: skip
    unet = diffusers.UNet2DConditionModel(
        sample_size=16, in_channels=9, out_channels=8, block_out_channels=(32, 64), layers_per_block=1,
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        encoder_hid_dim=32, encoder_hid_dim_type="image_proj", cross_attention_dim=32, attention_head_dim=4,
        resnet_time_scale_shift="scale_shift", class_embed_type=None, addition_embed_type="image",
    ).eval()  # fmt: skip
    movq = diffusers.VQModel(
        block_out_channels=(32, 64), down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
        up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D"), latent_channels=4, layers_per_block=1,
        norm_num_groups=8, norm_type="spatial", num_vq_embeddings=12, vq_embed_dim=4,
    ).eval()  # fmt: skip
    with torch.no_grad():  # zeros in a new one: no prompt would reach the decoder
        prior.clip_std.fill_(1)
    return diffusers.KandinskyV22InpaintCombinedPipeline(
        unet=unet, movq=movq,
        scheduler=diffusers.DDIMScheduler(beta_schedule="linear", clip_sample=False, set_alpha_to_one=False),
        prior_prior=prior, prior_tokenizer=tokenizer, prior_text_encoder=text_encoder(tokenizer, projects=True),
        prior_image_encoder=transformers.CLIPVisionModelWithProjection(image_config).eval(),
        prior_scheduler=diffusers.UnCLIPScheduler(variance_type="fixed_small_log", prediction_type="sample"),
        prior_image_processor=transformers.CLIPImageProcessor(crop_size=32, size=32),
    )  # fmt: skip


def _of_stable_diffusion(family: str, pipeline_class: str, *, guided: bool = False) -> Any:
    plain = tiny_pipeline(family, middle=True)  # where perturbed attention acts
    parts = {**plain.components}
    if guided:
        config = {name: value for name, value in plain.unet.config.items() if not name.startswith("_")}
        parts["unet"] = _diffusers().UNet2DConditionModel(**config | {"time_cond_proj_dim": 8}).eval()
    own = {"requires_safety_checker": False} if "safety_checker" in parts else {"add_watermarker": False}
    return getattr(_diffusers(), pipeline_class)(**parts, **own)


def _controlnet(family: str, pipeline_class: str, *, sees_mask: bool = False) -> Any:
    """A ControlNet for the UNet; its last layers are zero in a new one, and would add nothing."""
    parts = {**tiny_pipeline(family, middle=True).components}
    net = _diffusers().ControlNetModel.from_unet(
        tiny_pipeline(family if sees_mask else family.replace("9", "4"), middle=True).unet,
        conditioning_embedding_out_channels=(16, 32),
    )
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for layer in (*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding.conv_out):
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) * 0.3)
    own = {"requires_safety_checker": False} if "safety_checker" in parts else {"add_watermarker": False}
    return getattr(_diffusers(), pipeline_class)(**parts, controlnet=net.eval(), **own)


BUILDERS: dict[str, Callable[[], Any]] = {
    "sd3": _sd3,
    "flux-dev": _flux,
    "flux-schnell": lambda: _flux(guided=False),
    "flux-fill": lambda: _flux("FluxFillPipeline", channels=64 + 64 + 4 * VAE_FACTOR**2),
    "flux-kontext": lambda: _flux("FluxKontextPipeline"),
    "klein": lambda: _klein(distilled=False),
    "klein-distilled": lambda: _klein(distilled=True),
    "qwen-image": _qwen_image,
    "z-image": _z_image,
    "kandinsky": _kandinsky,
    "controlnet": lambda: _controlnet("sd-9", "StableDiffusionControlNetInpaintPipeline"),
    "controlnet-9": lambda: _controlnet("sd-9", "StableDiffusionControlNetInpaintPipeline", sees_mask=True),
    "controlnet-xl": lambda: _controlnet("sdxl-4", "StableDiffusionXLControlNetInpaintPipeline"),
    "lcm": lambda: _of_stable_diffusion("sd-4", "StableDiffusionInpaintPipeline", guided=True),
    "sd-pag": lambda: _of_stable_diffusion("sd-4", "StableDiffusionPAGInpaintPipeline"),
    "sdxl-pag": lambda: _of_stable_diffusion("sdxl-4", "StableDiffusionXLPAGInpaintPipeline"),
}


@lru_cache(maxsize=len(BUILDERS))
def tiny_family(name: str) -> Any:
    """A pipeline as a checkpoint of that family is saved, its weights drawn from a fixed seed."""
    quiet_libraries()
    torch.manual_seed(5)
    pipeline = BUILDERS[name]()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


class PhotoReader:
    """As Qwen2VLProcessor, which needs torchvision, in what the pipeline sees of it: a photo becomes four tokens."""

    def __init__(self, tokenizer: Any, image_token: int) -> None:
        self._tokenizer, self._image_token = tokenizer, image_token

    def __call__(self, *, text: list[str], images: Any, padding: bool, return_tensors: str) -> Any:
        del padding
        before, after = (self._tokenizer(part)["input_ids"] for part in text[0].split("<|image_pad|>"))
        ids = torch.tensor([before + [self._image_token] * 4 + after])
        pixels = torch.tensor(np.asarray(images.resize((56, 56)), np.float32) / 255).flatten().repeat(2)
        return import_module("transformers").BatchFeature(
            {
                "input_ids": ids, "attention_mask": torch.ones_like(ids), "pixel_values": pixels.view(16, -1),
                "image_grid_thw": torch.tensor([[1, 4, 4]]),
            },
            tensor_type=return_tensors,
        )  # fmt: skip


def tiny_qwen_image_edit(dtype: torch.dtype = torch.float32) -> Any:
    """Its inpainting pipeline, which cannot be saved with a stand-in for a part; see `edit_small_photos`."""
    parts = {**tiny_family("qwen-image").components}
    for name in ("transformer", "vae", "text_encoder"):
        parts[name] = deepcopy(parts[name]).to(dtype)
    parts["processor"] = PhotoReader(parts["tokenizer"], parts["text_encoder"].config.image_token_id)
    pipeline = _diffusers().QwenImageEditInpaintPipeline(**parts)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def edit_small_photos(patch: pytest.MonkeyPatch) -> None:
    """Let both of Qwen-Image-Edit's own calls edit 40 x 32 pixels, and no megapixel."""
    for module in ("pipeline_qwenimage_edit", "pipeline_qwenimage_edit_inpaint"):
        patch.setattr(
            f"diffusers.pipelines.qwenimage.{module}.calculate_dimensions", lambda area, ratio: (40, 32, None)
        )
