"""The models that the pages offer. Any Hub id or local folder can be given instead; adding one is one row here."""

from dataclasses import dataclass
from pathlib import Path

from bgen_core.models.families import Family
from bgen_core.models.family_table import STABLE_DIFFUSION, STABLE_DIFFUSION_XL

DEMO_FOLDER = Path(__file__).parent / "demo"

PHOTO_EXAMPLES = (
    "a tropical beach at golden hour, photo, 35 mm",
    "a cosy bookshop with warm lamps, shallow depth of field",
    "snowy mountains under a clear sky, photo",
    "a city street at night in the rain, neon lights, bokeh",
)


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """One model with the settings that it does well with.

    Attributes
    ----------
    name
        What a person types.
    source
        Hub id, or the folder of a saved pipeline.
    title
        One line for the list.
    side
        Side of the square that it was trained on, in pixels.
    steps, guidance, scheduler
        Where a first picture should start.
    examples
        Prompts that it does well.
    family
        What it can do. Of a model outside the catalogue this is known once its files are read.
    """

    name: str
    source: str
    title: str
    side: int
    steps: int
    guidance: float
    scheduler: str
    examples: tuple[str, ...] = ()
    family: Family = STABLE_DIFFUSION


MODELS: tuple[ModelEntry, ...] = (
    ModelEntry(
        name="demo",
        source=str(DEMO_FOLDER),
        title="bgen demo: rendered scenes, made for CPUs, needs no download",
        side=256,
        steps=20,
        guidance=3.0,
        scheduler="ddim",
        examples=(
            "a tropical beach with palm trees at sunset",
            "an autumn park with golden trees",
            "a city skyline at night",
            "a sunny forest with tall trees",
            "a starry sky over hills",
            "pink studio backdrop",
        ),
    ),
    ModelEntry(
        name="sd15-inpainting",
        source="stable-diffusion-v1-5/stable-diffusion-inpainting",
        title="Stable Diffusion 1.5 inpainting",
        side=512,
        steps=30,
        guidance=7.5,
        scheduler="dpmpp_2m_karras",
        examples=PHOTO_EXAMPLES,
    ),
    ModelEntry(
        name="sd2-inpainting",
        source="sd2-community/stable-diffusion-2-inpainting",
        title="Stable Diffusion 2 inpainting",
        side=512,
        steps=30,
        guidance=7.5,
        scheduler="dpmpp_2m_karras",
        examples=PHOTO_EXAMPLES,
    ),
    ModelEntry(
        name="sdxl-inpainting",
        source="diffusers/stable-diffusion-xl-1.0-inpainting-0.1",
        title="SDXL 1.0 inpainting",
        side=1024,
        steps=30,
        guidance=6.0,
        scheduler="euler",
        examples=PHOTO_EXAMPLES,
        family=STABLE_DIFFUSION_XL,
    ),
)


def describe_model(spec: str) -> ModelEntry:
    """The catalogue's entry of that name, or one with common defaults for any other Hub id or local folder."""
    for entry in MODELS:
        if spec in (entry.name, entry.source):
            return entry
    return ModelEntry(
        name=spec,
        source=spec,
        title=spec,
        side=512,
        steps=30,
        guidance=7.5,
        scheduler="default",
        examples=PHOTO_EXAMPLES,
    )
