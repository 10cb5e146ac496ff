"""What a small model can paint at all: its folder may hold `world.json` with the kinds of background that it knows."""

import json
import re
from functools import lru_cache
from pathlib import Path

from bgen_core.models.model_source import ModelSource
from bgen_core.wording import printable


def find_hint(source: ModelSource, prompt: str) -> str:
    """One sentence for a prompt that names nothing the model knows; empty where it does, or for models of any prompt.

    Parameters
    ----------
    source
        The model.
    prompt
        What to paint.
    """
    kinds = _load_kinds(source.files)
    words = " ".join(re.findall(r"\w+", prompt.lower()))
    if not kinds or any(re.search(rf"\b{re.escape(known)}\b", words) for names in kinds.values() for known in names):
        return ""
    painted = ", ".join(kinds).replace("_", " ")
    return f"{source.name} does not know what “{printable(prompt, 60)}” is. It paints {painted}."


@lru_cache(maxsize=4)
def _load_kinds(folder: Path) -> dict[str, list[str]]:
    """Kind -> the words that name it, in lower case."""
    try:
        content = json.loads((folder / "world.json").read_text(encoding="utf-8"))
        return {kind: [kind.lower(), *(word.lower() for word in words)] for kind, words in content["kinds"].items()}
    except (OSError, ValueError, KeyError, AttributeError):
        return {}
