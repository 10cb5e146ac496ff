"""What a renderer hands back: a picture, and in words what is to be seen on it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from training.scenes.canvas import Array
from training.scenes.light import TimeOfDay


@dataclass(frozen=True, kw_only=True)
class Traits:
    """Everything about a scene that its captions may mention.

    Parameters
    ----------
    kind : str
        Key of `training.scenes.registry.SCENES`.
    time : TimeOfDay, optional
        None where there is no daylight to speak of.
    weather : {"fog", "rain", "snowfall"}, optional
        What is in the air.
    variant : str
        A kind's own subdivision, "" for the plain one.
    colours : tuple of str
        Colour words that the picture obeys, the main one first.
    extras : tuple of str
        Keys of things that are really in the picture, such as "palm".
    blurred : bool
        Whether the lens was focused in front of the scene.
    """

    kind: str
    time: TimeOfDay | None = None
    weather: str | None = None
    variant: str = ""
    colours: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    blurred: bool = False


@dataclass(frozen=True)
class Scene:
    """A rendered background, (256, 256, 3) in sRGB 0 to 1, and its traits."""

    picture: Array
    traits: Traits = field(kw_only=True)


Renderer = Callable[[np.random.Generator], Scene]
