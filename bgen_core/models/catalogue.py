"""The models that the pages offer, and the backgrounds that need none. Any Hub id or local folder can be given instead;
adding one is one row here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bgen_core.models.backgrounds.families import BLURRED_PHOTO, CUT_OUT, OWN_PICTURE, PLAIN_COLOUR
from bgen_core.models.families import Family
from bgen_core.models.family_table import STABLE_DIFFUSION, STABLE_DIFFUSION_XL, family_titled

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
    licence
        Under which it is published, as far as that is known here.
    access
        "open", or "gated": the Hub gives it to accounts that have accepted its licence.
    billions
        Its parameters, without a safety checker; 0 where that is not known here.
    was_run
        Whether a release of this program was run with its weights.
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
    licence: str = ""
    access: Literal["open", "gated"] = "open"
    billions: float = 0.0
    was_run: bool = False

    @property
    def size(self) -> str:
        """Of its weights in half precision, in words; empty where that is not known."""
        return f"about {2 * self.billions:.2g} GB" if self.billions else ""

    @property
    def about(self) -> str:
        """What one should know before choosing it."""
        gate = "the Hub gives it to accounts that have accepted its licence" if self.access == "gated" else ""
        run = "" if self.was_run else "not yet run with its real weights by this program"
        size = f"{self.size} in half precision" if self.size else ""
        return " · ".join(filter(None, [self.title, f"licence: {self.licence}", size, gate, run]))


def _preset(
    name: str,
    source: str,
    title: str,
    family: Family,
    *,
    licence: str,
    billions: float,
    access: Literal["open", "gated"] = "open",
    scheduler: str = "default",
    guidance: float | None = None,
) -> ModelEntry:
    """A model that starts as its family does."""
    return ModelEntry(
        name=name,
        source=source,
        title=title,
        side=family.side,
        steps=family.steps,
        guidance=family.usual_guidance if guidance is None else guidance,
        scheduler=scheduler,
        examples=PHOTO_EXAMPLES,
        family=family,
        licence=licence,
        access=access,
        billions=billions,
    )


MODELS: tuple[ModelEntry, ...] = (
    ModelEntry(
        name="demo",
        source=str(DEMO_FOLDER),
        title="bgen demo: rendered scenes, made for CPUs, needs no download",
        side=256,
        steps=8,
        guidance=3.0,
        scheduler="unipc",
        examples=(
            "a tropical beach with palm trees at sunset",
            "an autumn park with golden trees",
            "a city skyline at night",
            "a sunny forest with tall trees",
            "a starry sky over hills",
            "pink studio backdrop",
        ),
        licence="this program's",
        was_run=True,
    ),
    _preset(
        "sd15-inpainting",
        "stable-diffusion-v1-5/stable-diffusion-inpainting",
        "Stable Diffusion 1.5 inpainting",
        STABLE_DIFFUSION,
        licence="CreativeML OpenRAIL-M",
        billions=1.07,
        scheduler="dpmpp_2m_karras",
    ),
    _preset(
        "sd2-inpainting",
        "sd2-community/stable-diffusion-2-inpainting",
        "Stable Diffusion 2 inpainting",
        STABLE_DIFFUSION,
        licence="CreativeML OpenRAIL++-M",
        billions=1.29,
        scheduler="dpmpp_2m_karras",
    ),
    _preset(
        "photo-background",
        "yahoo-inc/photo-background-generation",
        "Stable Diffusion 2 with a ControlNet that keeps the subject from growing",
        family_titled("Stable Diffusion, ControlNet"),
        licence="Apache-2.0",
        billions=1.65,
    ),
    _preset(
        "sdxl-inpainting",
        "diffusers/stable-diffusion-xl-1.0-inpainting-0.1",
        "SDXL 1.0 inpainting",
        STABLE_DIFFUSION_XL,
        licence="CreativeML OpenRAIL++-M",
        billions=3.47,
        scheduler="euler",
        guidance=6.0,
    ),
    _preset(
        "sd35-medium",
        "stabilityai/stable-diffusion-3.5-medium",
        "Stable Diffusion 3.5 Medium",
        family_titled("Stable Diffusion 3"),
        licence="Stability AI Community",
        access="gated",
        billions=8.1,
    ),
    _preset(
        "flux-fill",
        "black-forest-labs/FLUX.1-Fill-dev",
        "Flux Fill: sees the mask",
        family_titled("Flux Fill"),
        licence="FLUX.1 [dev] Non-Commercial",
        access="gated",
        billions=16.9,
    ),
    _preset(
        "flux-kontext",
        "black-forest-labs/FLUX.1-Kontext-dev",
        "Flux Kontext: edits pictures",
        family_titled("Flux Kontext"),
        licence="FLUX.1 [dev] Non-Commercial",
        access="gated",
        billions=16.9,
    ),
    _preset(
        "qwen-image",
        "Qwen/Qwen-Image",
        "Qwen-Image",
        family_titled("Qwen-Image"),
        licence="Apache-2.0",
        billions=28.9,
    ),
    _preset(
        "qwen-image-edit",
        "Qwen/Qwen-Image-Edit",
        "Qwen-Image-Edit: edits pictures",
        family_titled("Qwen-Image-Edit"),
        licence="Apache-2.0",
        billions=28.9,
    ),
    _preset(
        "z-image-turbo",
        "Tongyi-MAI/Z-Image-Turbo",
        "Z-Image Turbo",
        family_titled("Z-Image Turbo"),
        licence="Apache-2.0",
        billions=10.3,
    ),
)

BACKGROUNDS: tuple[ModelEntry, ...] = tuple(
    ModelEntry(
        name=name,
        source=name,
        title=title,
        side=family.side,
        steps=family.steps,
        guidance=family.usual_guidance,
        scheduler="default",
        family=family,
        licence="this program's",
        was_run=True,
    )
    for name, title, family in (
        ("plain-colour", "a colour or a gradient behind the subject", PLAIN_COLOUR),
        ("own-picture", "a picture of yours behind the subject, fitted to the photo", OWN_PICTURE),
        ("blurred-photo", "the photo's own background out of focus, as portrait modes do it", BLURRED_PHOTO),
        ("cut-out", "the subject alone, as a transparent PNG", CUT_OUT),
    )
)
OFFERED = (*MODELS, *BACKGROUNDS)


def describe_model(spec: str) -> ModelEntry:
    """The catalogue's entry of that name, or one with common defaults for any other Hub id or local folder."""
    for entry in OFFERED:
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
