"""How a network's weights and inputs lie in memory: as channels last or contiguous, whichever a GPU is faster with."""

import logging
from collections.abc import Callable
from typing import Any, Literal, get_args

import torch

logger = logging.getLogger(__name__)

Layout = Literal["channels_last", "contiguous"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
WORTHWHILE_GAIN = 1.05  # less than that is within what two measurements differ by

_FORMATS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}


def lay_out(network: Any, layout: Layout) -> None:
    """Bring all weights of a network into a layout."""
    network.to(memory_format=_FORMATS[layout])


def laid_out(tensor: torch.Tensor, layout: Layout) -> torch.Tensor:
    """An input, N × channels × h × w, in a layout."""
    return tensor.contiguous(memory_format=_FORMATS[layout])


def choose_layout(seconds: Callable[[Layout], float]) -> Layout:
    """The faster of both; channels last, which every other device has, where the gain is small.

    Parameters
    ----------
    seconds
        What a full batch takes in a layout.
    """
    spent = {layout: seconds(layout) for layout in LAYOUTS}
    logger.info("a full batch takes %s", ", ".join(f"{each:.4f} s in {name}" for name, each in spent.items()))
    return "contiguous" if spent["contiguous"] * WORTHWHILE_GAIN < spent["channels_last"] else "channels_last"
