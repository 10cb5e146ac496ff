"""What is to be known before a run of how a model will read a prompt."""

from collections.abc import Iterator

from bgen_core.models.prompt_length import find_cut_off
from bgen_core.models.revision import ModelSource
from bgen_core.models.steering.loras import take_tags
from bgen_core.sweep.prompt_syntax import has_more_than_weights, has_weights
from bgen_core.wording import printable, quoted

_LONGEST_SHOWN = 80


def reading_notes(source: ModelSource, what: str, text: str, *, weighted: bool) -> Iterator[str]:
    """What of a text the model does not read, a sentence each.

    Parameters
    ----------
    what
        "prompt" or "negative prompt".
    weighted
        Whether it is read as A1111 reads it.
    """
    words, tags = take_tags(text)
    if tags:
        yield f"<lora:…> in the {what} is plain words here: name LoRAs in lora."
    if weighted:
        if has_more_than_weights(words):
            yield f"Prompt editing and AND in the {what} are not read: they stand there as plain words."
        return
    if cut_off := find_cut_off(source, text):
        shown = cut_off if len(cut_off) <= _LONGEST_SHOWN else cut_off[: _LONGEST_SHOWN - 1] + "…"
        yield f"The {what} is longer than {source.name} reads: “{printable(shown)}” is cut off."
    if has_weights(words) and source.family.prompt_syntax is None:
        yield (
            f"Weights such as (word:1.2) in the {what} are plain words to {source.name}, brackets and all: "
            f"choose the prompt syntax {quoted('a1111')} to have them read."
        )
    elif has_weights(words):
        yield f"Weights such as (word:1.2) in the {what} are plain words to {source.name}, brackets and all."
