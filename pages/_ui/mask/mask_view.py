"""The picture beside the canvas: the mask in the form that shows what one wants to know."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from bgen_core.extent import Extent
from bgen_core.subject.decoding.image_io import encode_jpeg
from bgen_core.subject.previews import BACKDROPS, FILMS, as_grey, on_backdrop, on_checkerboard, side_by_side, under_film
from pages._ui.mask.canvas_look import PICTURE_PLACE, sized_place
from pages._ui.mask.mask_preview import Detail

VIEWS = (
    "Cut-out on checkerboard",
    *(f"Cut-out on {name}" for name in BACKDROPS),
    "Alpha",
    "Overlay",
    "Before and after",
)
_FILM, _OPACITY = "Red", 60
_DESCRIPTIONS = {
    "Overlay": "The photo, with what will be repainted under a coloured film",
    "Alpha": "The mask: white is kept",
    "Before and after": "The mask as it was found at the left, as it is now at the right",
}


@dataclass(frozen=True, kw_only=True)
class Film:
    """What lies over the photo: a colour (RGB) and an opacity in [0, 1] where it will be repainted, and hatches."""

    colour: tuple[int, int, int]
    opacity: float
    hatch: bool

    def over(self, image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        return under_film(image, alpha, colour=self.colour, opacity=self.opacity)


def film_in_use() -> Film:
    """The film as its controls say, which may be drawn later."""
    chosen = st.session_state
    colour, opacity = chosen.get("film_colour") or _FILM, chosen.get("film_opacity", _OPACITY)
    return Film(colour=FILMS[colour], opacity=opacity / 100, hatch=chosen.get("film_hatch", True))


def film_controls() -> None:
    """Draw the controls of the film over the canvas."""
    st.pills(
        "Film over what will be repainted", list(FILMS), default=_FILM, required=True, key="film_colour",
        persist_state="session",
    )  # fmt: skip
    st.slider(
        "Opacity", 10, 100, _OPACITY, step=5, format="%d %%", key="film_opacity", persist_state="session"
    )  # fmt: skip
    st.toggle(
        "Hatch what is unsure", value=True, key="film_hatch", persist_state="session",
        help="Where the networks doubt, until you have painted over it.",
    )  # fmt: skip


def view_choice() -> str:
    """Draw the choice of a view; returns its name."""
    view = st.selectbox(
        "Preview", VIEWS, key="mask_view", persist_state="session", label_visibility="collapsed",
    )  # fmt: skip
    return view or VIEWS[0]


def show_view(view: str, detail: Detail, film: Film, *, canvas: Extent) -> None:
    """Draw the chosen view of a part of the photo, as large as the canvas."""
    place, below = sized_place(PICTURE_PLACE, canvas), st.container()
    share = 0.5
    if view == "Before and after":
        share = below.slider("Line", 0, 100, 50, format="%d %%", key="mask_line", persist_state="session") / 100
    described = _DESCRIPTIONS.get(view, f"The subject {view.removeprefix('Cut-out ')}")
    place.image(encode_jpeg(_picture(view, detail, film, share)), width=canvas.width, alt=described)


def _picture(view: str, detail: Detail, film: Film, share: float) -> np.ndarray:
    image, alpha = detail.image, detail.alpha
    if view == "Alpha":
        return as_grey(alpha)
    if view == "Overlay":
        return film.over(image, alpha)
    if view == "Before and after":
        return side_by_side(film.over(image, detail.before), film.over(image, alpha), share)
    backdrop = BACKDROPS.get(view.removeprefix("Cut-out on "))
    return on_checkerboard(image, alpha) if backdrop is None else on_backdrop(image, alpha, backdrop)
