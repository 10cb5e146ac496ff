"""The options by which somebody points at objects: --click X,Y and --box LEFT,TOP,RIGHT,BOTTOM."""

import math
from collections.abc import Iterable
from pathlib import Path

from bgen_core.errors import UserInputError
from bgen_core.subject.prompted.prompt import Prompt
from bgen_core.wording import quoted


def prompts_of(clicks: Iterable[str], boxes: Iterable[str], photos: list[Path]) -> list[Prompt]:
    """Where the options point.

    Raises
    ------
    UserInputError
        Not as many numbers as needed, or several photos.
    """
    prompts: list[Prompt] = []
    for click in clicks:
        x, y = _numbers("--click", click, "two numbers, X,Y", 2)
        prompts.append(Prompt(points=((x, y),)))
    for box in boxes:
        left, top, right, bottom = _numbers("--box", box, "four numbers, LEFT,TOP,RIGHT,BOTTOM", 4)
        if right <= left or bottom <= top:
            raise UserInputError(f"--box {quoted(box, 80)} is empty: RIGHT must be above LEFT, and BOTTOM above TOP.")
        prompts.append(Prompt(points=((left, top), (right, bottom))))
    if prompts and len(photos) > 1:
        raise UserInputError(f"--click and --box point into one photo, not {len(photos)}: call it once for each.")
    return prompts


def _numbers(option: str, text: str, needed: str, count: int) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise UserInputError(f"{option} {quoted(text, 80)} is not understood: give {needed} in pixels of the photo.")
    return numbers
