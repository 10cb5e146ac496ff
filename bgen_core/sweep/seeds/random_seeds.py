"""Seeds that are drawn: what is kept and shown are the numbers.

-1          one by chance, as in A1111
random 4    four by chance
vary 4      the four next to the seed before it, or next to the usual one where none stands there
"""

import re
import secrets

from bgen_core.parameters import parameter_of
from bgen_core.sweep.axes import MOST_DRAWN, NUMBER, hyphens

RANDOM_SEED = -1
_SEEDS = 2**32  # as many as A1111 draws from: they can be typed there too
_WORDS = re.compile(r"(random|vary)\s*[x×*]?\s*(\d{1,4})?", re.IGNORECASE)


def drawn_seed() -> int:
    """A seed by chance."""
    return secrets.randbelow(_SEEDS)


def draw_seeds(text: str) -> str:
    """An axis of seeds with numbers in the place of each -1 and of each word, so that each reading gives the same ones.

    More than `MOST_DRAWN` are not drawn: the piece stays as it is, and the axis refuses it.
    """
    written = (
        str(drawn_seed()) if hyphens(piece).strip() == str(RANDOM_SEED) else piece
        for piece in write_seeds(text).split(",")
    )
    return ",".join(written)


def write_seeds(text: str) -> str:
    """The same for the words alone: a -1 stays, and is another number in the next sweep."""
    if not names_seeds(text):
        return text
    written: list[str] = []
    last = int(str(parameter_of("seed").default))
    for piece in text.split(","):
        match = _WORDS.fullmatch(piece.strip())
        count = int(match[2] or 1) if match else 0
        if match and 1 <= count <= MOST_DRAWN:
            near = match[1].lower() == "vary"
            seeds = [last + place for place in range(1, count + 1)] if near else [drawn_seed() for _ in range(count)]
            written += map(str, seeds)
        else:
            seeds = [int(float(number)) for number in re.findall(NUMBER, hyphens(piece))[:1]]
            written.append(piece.strip())
        last = next((seed for seed in reversed(seeds) if seed >= 0), last)
    return ", ".join(written)


def names_seeds(text: str) -> bool:
    """Whether a word stands in it that numbers take the place of."""
    return any(_WORDS.fullmatch(piece.strip()) for piece in text.split(","))
