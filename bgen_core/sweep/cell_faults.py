"""Why a cell could not be made, in one sentence for a page, and without paths of this machine."""

import re

TOO_LARGE = "The picture does not fit into the device's memory: choose a smaller side or model, or free its memory."
NO_MEMORY = "The machine's memory is too small for this background: use a smaller photo, or free memory."
NO_NUMBERS = (
    "The model's picture holds values that are no numbers, as half precision gives where it overflows: "
    "set BGEN_PRECISION=full, or choose other values."
)

_LONGEST_REASON = 160


def reason_of(error: Exception, title: str) -> str:
    """What a library says first of what it could not do with a model.

    Parameters
    ----------
    title
        The model's family.
    """
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    said = re.sub(r"(?:/[^\s/'\",:;]+){2,}", "…", said).rstrip(".")
    if len(said) > _LONGEST_REASON:
        said = said[:_LONGEST_REASON] + "…"
    return (
        f"{title} could not make this picture ({type(error).__name__}{': ' if said else ''}{said}): "
        "worker.log has more; try other values, or another model."
    )
