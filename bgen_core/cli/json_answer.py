"""What a command with `--json` prints: one document on stdout, and nothing else."""

import json
import sys
from collections.abc import Mapping, Sequence

# What JSON knows. A numpy number is none of these, although it looks like one: it is converted where it comes from.
Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def print_json(content: Json, *, indent: int | None = None) -> None:
    """Print a document and a line break; in letters of ASCII where the terminal's encoding does not know all others."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(content, indent=indent, ensure_ascii=not is_utf8, allow_nan=False) + "\n")
