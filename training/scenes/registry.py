"""The table of scene kinds, and one function that renders any of them.

Adding a kind is one renderer, one row here, one row in `training.vocabulary.WORDS` and none elsewhere.
"""

from dataclasses import replace

import numpy as np

from training.scenes.backdrops import bokeh, brick, studio
from training.scenes.canvas import X, Y, blur, mix, smoothstep
from training.scenes.coast import beach, sea, underwater
from training.scenes.land import desert, mountains, snow
from training.scenes.light import PALETTES
from training.scenes.rooms import kitchen, living_room, office
from training.scenes.scene import Renderer, Scene
from training.scenes.shelves import bookshelf
from training.scenes.space import clouds, galaxy, stars
from training.scenes.town import city, street
from training.scenes.woods import autumn_park, forest, meadow

SCENES: dict[str, Renderer] = {
    "beach": beach,
    "sea": sea,
    "mountains": mountains,
    "forest": forest,
    "meadow": meadow,
    "desert": desert,
    "snow": snow,
    "city": city,
    "street": street,
    "stars": stars,
    "galaxy": galaxy,
    "studio": studio,
    "brick": brick,
    "bokeh": bokeh,
    "bookshelf": bookshelf,
    "office": office,
    "kitchen": kitchen,
    "living_room": living_room,
    "underwater": underwater,
    "clouds": clouds,
    "autumn_park": autumn_park,
}

KINDS = tuple(SCENES)

_FOGGY_KINDS = frozenset({"mountains", "street", "autumn_park", "meadow", "city", "sea"})
_NEVER_BLURRED = frozenset({"bokeh", "studio", "stars", "galaxy", "clouds"})


def render(rng: np.random.Generator, kind: str) -> Scene:
    """Render one scene of a kind, then put it through weather, lens and film.

    Parameters
    ----------
    rng : numpy.random.Generator
        The picture is a function of its state alone.
    kind : str
        Key of `SCENES`.

    Returns
    -------
    Scene
        Picture clipped to 0 to 1; the traits tell of fog and defocus too.
    """
    scene = SCENES[kind](rng)
    picture, traits = np.clip(scene.picture, 0, 1), scene.traits
    if kind in _FOGGY_KINDS and traits.weather is None and rng.random() < 0.08:
        haze = PALETTES[traits.time or "overcast"].haze
        thickness = 0.62 * smoothstep(1.05, 0.35, Y)
        picture, traits = mix(picture, np.broadcast_to(haze, picture.shape), thickness), replace(traits, weather="fog")
    if kind not in _NEVER_BLURRED and rng.random() < 0.12:
        picture, traits = blur(picture, rng.uniform(1.6, 3.5)), replace(traits, blurred=True)
    vignette = 1 - rng.uniform(0, 0.2) * smoothstep(0.35, 0.85, np.hypot(X - 0.5, Y - 0.5))
    picture = picture * vignette[..., None]
    picture = (picture - 0.5) * rng.uniform(0.95, 1.1) + 0.5 + rng.normal(0, 0.01)
    grey = picture.mean(-1, keepdims=True)
    picture = grey + (picture - grey) * rng.uniform(0.95, 1.15)
    return Scene(np.clip(picture, 0, 1).astype(np.float32), traits=traits)
