"""What stands behind a subject without any diffusion: rows like those of models, so that both compare in one grid."""

from dataclasses import replace

from bgen_core.models.families import WITHOUT_DIFFUSION, Backdrop, Family

_PLAIN = Family(
    title="",
    saved_as=(),
    loads_as="",
    guidance=WITHOUT_DIFFUSION,
    negative=WITHOUT_DIFFUSION,
    strength=WITHOUT_DIFFUSION,
    guidance_end=WITHOUT_DIFFUSION,
    clip_skip=WITHOUT_DIFFUSION,
    prompt_syntax=WITHOUT_DIFFUSION,
    flow_shift=WITHOUT_DIFFUSION,
    own_scheduler=WITHOUT_DIFFUSION,
    loras=WITHOUT_DIFFUSION,
    control=WITHOUT_DIFFUSION,
    reference=WITHOUT_DIFFUSION,
    tiles=False,
    side=512,
    steps=20,
    usual_guidance=3.0,
)


def _row(title: str, backdrop: Backdrop) -> Family:
    return replace(_PLAIN, title=title, backdrop=backdrop)


PLAIN_COLOUR = _row("A plain colour", "colour")
OWN_PICTURE = _row("A picture of one's own", "picture")
BLURRED_PHOTO = _row("The photo, blurred", "blur")
CUT_OUT = _row("The subject alone", "nothing")
