"""The families of models, one row each; `tests/models/test_family_table.py` runs over every row.

Classes, arguments and what they do are those of diffusers 0.42.1.
"""

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from bgen_core.models.families import (
    GUIDED_BY_ITS_CALL,
    OWN_SCHEDULER,
    WITHOUT_REFERENCE,
    Always,
    Cfg,
    ClipSkip,
    Configs,
    Distilled,
    Family,
    Ignored,
    NeedsSecond,
    Reader,
    Strength,
    configs_of_pipeline,
    of_checkpoint,
)

WITHOUT_GUIDANCE = Ignored(reason="was distilled to do without guidance")
WITHOUT_NEGATIVE = Ignored(reason="was distilled to do without a negative prompt")
# Of diffusers' schedulers for flow matching, these start from a photo, and take the noise levels that the call chooses.
FLOW_CHOICE = ("default", "euler", "lcm")
GUIDED_AS_TRAINED = Ignored(reason="was trained with its guidance, which is never switched off")
READ_BY_ITS_CALL = Ignored(reason="leaves the reading of prompts to its pipeline's own call")


def _classes(stem: str, *kinds: str) -> tuple[str, ...]:
    """_classes("Flux", "", "Img2Img") -> ("FluxPipeline", "FluxImg2ImgPipeline")."""
    return tuple(f"{stem}{kind}Pipeline" for kind in kinds or ("", "Img2Img", "Inpaint"))


def _has_few_steps(configs: Configs) -> bool:
    """SD-Turbo, SDXL-Turbo and their like: distilled to 1 to 4 steps from the last timestep on."""
    scheduler = configs.of("scheduler")
    return (
        scheduler.get("timestep_spacing") == "trailing"
        and scheduler.get("prediction_type", "epsilon") == "epsilon"
        and not scheduler.get("rescale_betas_zero_snr", False)
    )


def _takes_guidance_as_input(configs: Configs) -> bool:
    return configs.denoiser.get("time_cond_proj_dim") is not None


def _is_edm(configs: Configs) -> bool:
    """Playground 2.5: its scheduler has no betas, from which the others could be made."""
    return str(configs.of("scheduler").get("_class_name", "")).startswith("EDM")


def _wants_aesthetics_score(configs: Configs) -> bool:
    return bool(configs.index.get("requires_aesthetics_score", False))


def _decodes_with_the_photo(configs: Configs) -> bool:
    return configs.of("vae").get("_class_name") == "AsymmetricAutoencoderKL"


def _takes_no_guidance(configs: Configs) -> bool:
    return not configs.of("transformer").get("guidance_embeds", False)


def _is_distilled(configs: Configs) -> bool:
    return bool(configs.index.get("is_distilled", False))


def _twice(factor: int) -> int:
    return factor * 2


def _has_unknown_channels(configs: Configs) -> bool:
    channels = configs.of("unet").get("in_channels", 4)
    return channels not in (4, 9)


def _is_z_image_base(configs: Configs) -> bool:
    return configs.of("scheduler").get("shift") == 6.0


_SD = Family(
    title="Stable Diffusion",
    saved_as=_classes("StableDiffusion"),
    loads_as="StableDiffusionInpaintPipeline",
    engine="unet",
    strength=Strength(rounds="down"),
    guidance_end=None,
    clip_skip=ClipSkip(),
    prompt_syntax=None,
    reference=None,
    own_scheduler=None,
    half="float16",
    side=512,
    multiple=lambda factor: factor,
    reader=Reader(),
)
_SDXL = replace(
    _SD,
    title="Stable Diffusion XL",
    saved_as=_classes("StableDiffusionXL"),
    loads_as="StableDiffusionXLInpaintPipeline",
    clip_skip=ClipSkip(own=1),
    side=1024,
)
_FLUX = Family(
    title="Flux",
    saved_as=_classes("Flux"),
    loads_as="FluxInpaintPipeline",
    engine="flow",
    own_scheduler=None,
    schedulers=FLOW_CHOICE,
    guidance=Distilled(),
    negative=NeedsSecond(argument="true_cfg_scale", value=4.0),
    guidance_end=GUIDED_AS_TRAINED,
    flow_shift=None,
    latents=128,
    steps=28,
    usual_guidance=3.5,
    reader=Reader(folder="tokenizer_2", marks=1, most=512),
)
_KLEIN = Family(
    title="Flux.2 Klein",
    saved_as=_classes("Flux2Klein", "", "Inpaint"),
    loads_as="Flux2KleinInpaintPipeline",
    edits_as="Flux2KleinPipeline",
    engine="flow",
    own_scheduler=None,
    schedulers=FLOW_CHOICE,
    guidance_end=None,
    mapped=False,
    negative=Ignored(reason="takes no negative prompt"),
    flow_shift=None,
    latents=128,
    steps=50,
    usual_guidance=4.0,
)
_WITHOUT_ENGINE: Mapping[str, Any] = {
    "engine": None,
    "guidance_end": GUIDED_BY_ITS_CALL,
    "clip_skip": READ_BY_ITS_CALL,
    "prompt_syntax": READ_BY_ITS_CALL,
    "own_scheduler": OWN_SCHEDULER,
    "reference": WITHOUT_REFERENCE,
    "multiple": _twice,  # what these were painted at from the first version on
}

FAMILIES: tuple[Family, ...] = (
    # What stands first is told apart from what follows with the same classes.
    *(
        replace(
            family,
            title=f"{family.title} with other input channels",
            applies=_has_unknown_channels,
            refusal="needs another picture beside photo and mask: its UNet has neither 4 nor 9 input channels",
        )
        for family in (_SD, _SDXL)
    ),
    *(
        replace(
            family,
            title=f"{family.title}, latent consistency",
            saved_as=(*family.saved_as, *extra),
            applies=_takes_guidance_as_input,
            mapped=not extra,
            guidance=Distilled(),
            negative=WITHOUT_NEGATIVE,
            steps=4,
            usual_guidance=8.0,
            **_WITHOUT_ENGINE,
        )
        for family, extra in ((_SD, _classes("LatentConsistencyModel", "", "Img2Img")), (_SDXL, ()))
    ),
    replace(
        _SDXL,
        title="Stable Diffusion XL refiner",
        applies=_wants_aesthetics_score,
        **_WITHOUT_ENGINE,
    ),
    replace(
        _SD,
        title="Stable Diffusion that decodes with the photo",
        applies=_decodes_with_the_photo,
        tiles=False,
        **_WITHOUT_ENGINE,
    ),
    *(
        replace(
            family,
            title=f"{family.title}, EDM",
            applies=_is_edm,
            own_scheduler=Ignored(reason="has no betas, which other schedulers need"),
            usual_guidance=3.0,
        )
        for family in (_SD, _SDXL)
    ),
    *(
        replace(family, title=f"{family.title} Turbo", applies=_has_few_steps, steps=4, usual_guidance=0.0)
        for family in (_SD, _SDXL)
    ),
    _SD,
    _SDXL,
    *(
        replace(
            family,
            title=f"{family.title} with perturbed attention",
            saved_as=_classes(stem, "PAG", "PAGImg2Img", "PAGInpaint"),
            loads_as=f"{stem}PAGInpaintPipeline",
            **_WITHOUT_ENGINE,
        )
        for family, stem in ((_SD, "StableDiffusion"), (_SDXL, "StableDiffusionXL"))
    ),
    *(
        replace(
            family,
            title=f"{family.title}, ControlNet",
            saved_as=_classes(stem),
            loads_as=f"{stem}InpaintPipeline",
            control=None,
            **{**_WITHOUT_ENGINE, "reference": None},
        )
        for family, stem in ((_SD, "StableDiffusionControlNet"), (_SDXL, "StableDiffusionXLControlNet"))
    ),
    Family(
        title="Stable Diffusion 3 without T5",
        saved_as=_classes("StableDiffusion3"),
        loads_as="StableDiffusion3InpaintPipeline",
        engine="flow",
        own_scheduler=None,
        schedulers=(*FLOW_CHOICE, "heun"),
        guidance_end=None,
        clip_skip=ClipSkip(own=1),
        flow_shift=None,
        applies=lambda configs: (configs.index.get("text_encoder_3") or (None, None))[1] is None,
        half="float16",
        latents=128,
        steps=28,
        usual_guidance=7.0,
        reader=Reader(),
    ),
    Family(
        title="Stable Diffusion 3",
        saved_as=_classes("StableDiffusion3"),
        loads_as="StableDiffusion3InpaintPipeline",
        engine="flow",
        own_scheduler=None,
        schedulers=(*FLOW_CHOICE, "heun"),
        guidance_end=None,
        clip_skip=ClipSkip(own=1),
        flow_shift=None,
        half="float16",
        latents=128,
        steps=28,
        usual_guidance=7.0,
        reader=Reader(folder="tokenizer_3", marks=1, most=256),
    ),
    replace(
        _FLUX,
        title="Flux schnell",
        applies=_takes_no_guidance,
        guidance=WITHOUT_GUIDANCE,
        steps=4,
        usual_guidance=0.0,
    ),
    _FLUX,
    replace(
        _FLUX,
        title="Flux Fill",
        saved_as=("FluxFillPipeline",),
        loads_as="FluxFillPipeline",
        mapped=False,
        negative=Ignored(reason="takes no negative prompt"),
        steps=50,
        usual_guidance=30.0,
    ),
    replace(
        _FLUX,
        title="Flux Kontext",
        saved_as=_classes("FluxKontext", "", "Inpaint"),
        loads_as="FluxKontextInpaintPipeline",
        edits_as="FluxKontextPipeline",
        mapped=False,
        fixed=(("_auto_resize", False),),
    ),
    replace(
        _KLEIN,
        title="Flux.2 Klein, distilled",
        applies=_is_distilled,
        guidance=WITHOUT_GUIDANCE,
        guidance_end=GUIDED_AS_TRAINED,
        steps=4,
        usual_guidance=0.0,
    ),
    _KLEIN,
    Family(
        title="Qwen-Image",
        saved_as=_classes("QwenImage"),
        loads_as="QwenImageInpaintPipeline",
        engine="flow",
        own_scheduler=None,
        schedulers=FLOW_CHOICE,
        guidance_end=None,
        guidance=Cfg(argument="true_cfg_scale", blank=" "),
        flow_shift=None,
        latents=128,
        steps=50,
        usual_guidance=4.0,
        reader=Reader(marks=0, most=512),
    ),
    Family(
        title="Qwen-Image-Edit",
        saved_as=_classes("QwenImageEdit", "", "Inpaint"),
        loads_as="QwenImageEditInpaintPipeline",
        edits_as="QwenImageEditPipeline",
        engine="flow",
        own_scheduler=None,
        schedulers=FLOW_CHOICE,
        guidance_end=None,
        packages=("torchvision",),
        guidance=Cfg(argument="true_cfg_scale", blank=" "),
        flow_shift=None,
        latents=128,
        steps=50,
        usual_guidance=4.0,
        reader=Reader(marks=0, most=512),
    ),
    Family(
        title="Z-Image",
        saved_as=_classes("ZImage"),
        loads_as="ZImageInpaintPipeline",
        engine="flow",
        own_scheduler=None,
        schedulers=FLOW_CHOICE,
        applies=_is_z_image_base,
        guidance=Cfg(off_at=0.0),
        guidance_end=None,
        flow_shift=None,
        latents=128,
        steps=50,
        usual_guidance=4.0,
        reader=Reader(marks=0, most=512),
    ),
    Family(
        title="Z-Image Turbo",
        saved_as=_classes("ZImage"),
        loads_as="ZImageInpaintPipeline",
        engine="flow",
        own_scheduler=None,
        schedulers=FLOW_CHOICE,
        guidance=Cfg(off_at=0.0),
        guidance_end=None,
        flow_shift=None,
        latents=128,
        steps=9,
        usual_guidance=0.0,
        reader=Reader(marks=0, most=512),
    ),
    *(
        Family(
            title=f"Kandinsky {version}",
            saved_as=_classes(stem, "Combined", "Img2ImgCombined", "InpaintCombined", "", "Img2Img", "Inpaint"),
            loads_as=f"{stem}InpaintCombinedPipeline",
            negative=Always(),
            strength=Ignored(reason="paints from noise alone"),
            tiles=False,
            loras=Ignored(reason="takes no LoRAs"),
            half="float16",
            side=512,
            multiple=lambda factor: factor * factor,
            steps=50,
            usual_guidance=4.0,
            prior=f"kandinsky-community/kandinsky-{version.replace('.', '-')}-prior",
            reader=Reader(folder="prior_tokenizer"),
        )
        for version, stem in (("2.2", "KandinskyV22"), ("2.1", "Kandinsky"))
    ),
    Family(
        title="DeepFloyd IF",
        saved_as=("IFPipeline", "IFImg2ImgPipeline", "IFInpaintingPipeline"),
        loads_as="IFInpaintingPipeline",
        refusal="paints 64 × 64 pixels, for a second model that is not used here",
    ),
    Family(
        title="Flux Control",
        saved_as=_classes("FluxControl"),
        loads_as="FluxControlInpaintPipeline",
        refusal="needs a control picture, and none can be given here",
    ),
    *(
        Family(
            title=f"{title} ControlNet",
            saved_as=_classes(stem, *kinds),
            loads_as=f"{stem}{kinds[-1]}Pipeline",
            refusal="needs a control picture, and none can be given here",
        )
        for title, stem, kinds in (
            ("Stable Diffusion perturbed attention", "StableDiffusionControlNet", ("PAG", "PAGInpaint")),
            ("Stable Diffusion XL perturbed attention", "StableDiffusionXLControlNet", ("PAG", "PAGImg2Img")),
            ("Stable Diffusion XL union", "StableDiffusionXLControlNetUnion", ("", "Img2Img", "Inpaint")),
            ("Stable Diffusion 3", "StableDiffusion3ControlNet", ("", "Inpainting")),
            ("Flux", "FluxControlNet", ("", "Img2Img", "Inpaint")),
            ("Qwen-Image", "QwenImageControlNet", ("", "Inpaint")),
            ("Z-Image", "ZImageControlNet", ("", "Inpaint")),
        )
    ),
    Family(
        title="Chroma",
        saved_as=_classes("Chroma"),
        loads_as="ChromaInpaintPipeline",
        mapped=False,
        refusal="cannot be repainted with: the inpainting of diffusers 0.42.1 fails for it",
    ),
)
STABLE_DIFFUSION, STABLE_DIFFUSION_XL = _SD, _SDXL


def family_titled(title: str) -> Family:
    return next(family for family in FAMILIES if family.title == title)


def find_family(pipeline_class: str, configs: Configs) -> Family | None:
    """The row of a checkpoint, as far as it has what the row says; None where there is none for its class."""
    rows = (family for family in FAMILIES if pipeline_class in (*family.saved_as, family.loads_as))
    family = next((family for family in rows if family.applies(configs)), None)
    return None if family is None else of_checkpoint(family, configs)


def family_of(pipeline: Any) -> Family | None:
    """The row of a loaded pipeline."""
    return find_family(type(pipeline).__name__, configs_of_pipeline(pipeline))


def missing_packages(family: Family) -> tuple[str, ...]:
    return tuple(package for package in family.packages if find_spec(package) is None)


def working_classes() -> tuple[str, ...]:
    """One class of each family that works here, for a sentence: those of text to picture, which name the family."""
    names = (family.saved_as[0] for family in FAMILIES if not family.refusal and not missing_packages(family))
    return tuple(dict.fromkeys(names))
