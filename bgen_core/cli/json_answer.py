"""What a command with `--json` prints: one document on stdout, and nothing else."""

import json
import sys
from collections.abc import Mapping, Sequence

from bgen_core.cli.streams import writes_utf8
from bgen_core.wording import readable

# What JSON knows. A numpy number is none of these, although it looks like one: it is converted where it comes from.
Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def print_json(content: Json, *, indent: int | None = None) -> None:
    """Print a document and a line break; in letters of ASCII where the terminal's encoding does not know all others."""
    text = json.dumps(_readable(content), indent=indent, ensure_ascii=not writes_utf8(sys.stdout), allow_nan=False)
    sys.stdout.write(text + "\n")


def _readable(content: Json) -> Json:
    """With the names of files as people read them: few programs take JSON with bytes in it that are no UTF-8."""
    match content:
        case str():
            return readable(content)
        case Mapping():
            return {readable(key): _readable(value) for key, value in content.items()}
        case Sequence():
            return [_readable(each) for each in content]
        case _:
            return content
