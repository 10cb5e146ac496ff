"""A seed of -1 is one that is drawn, as in A1111; what is kept and shown is the number."""

import secrets

from bgen_core.sweep.axes import hyphens

RANDOM_SEED = -1
_SEEDS = 2**32  # as many as A1111 draws from: they can be typed there too


def drawn_seed() -> int:
    """A seed by chance."""
    return secrets.randbelow(_SEEDS)


def draw_seeds(text: str) -> str:
    """An axis of seeds with a number in the place of each -1, so that each reading gives the same ones."""
    pieces = text.split(",")
    return ",".join(str(drawn_seed()) if hyphens(piece).strip() == str(RANDOM_SEED) else piece for piece in pieces)
