"""A1111's text under a picture, as it and its many relatives write it: two prompts, and a line of fields."""

import json
import re
from collections.abc import Sequence

# "Name: value, Name: "value, with a comma"" (modules/infotext_utils.py, version 1.10).
# Names of any length, as there, would take hours for a megabyte of letters without a colon.
_FIELD = re.compile(r'(\w[\w \-/]{1,80}):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_NAMED = re.compile(r"(\w[\w \-/]{1,80}):\s*(.*)")
_FEWEST_FIELDS = 3
_FIRST_FIELD = "Steps:"
# What extensions write behind the fields, each on a line of its own and with commas in it (sd-dynamic-prompts)
_WHOLE_LINES = ("Template", "Negative Template")
NEGATIVE = "Negative prompt:"


def parse_parameters(text: str) -> dict[str, str]:
    """Read A1111's text: "Prompt", "Negative prompt", the fields of its last line, and of lines that follow it."""
    lines = text.strip().split("\n")
    place = _place_of_fields(lines)
    found = {name: _unquoted(value) for name, value in _FIELD.findall(lines[place])} if place < len(lines) else {}
    return found | _following(lines[place + 1 :]) | _prompts(lines[:place])


def _place_of_fields(lines: Sequence[str]) -> int:
    """Where the line of fields stands; behind the last line where there is none."""
    for place in reversed(range(len(lines))):
        if lines[place].startswith(_FIRST_FIELD) and len(_FIELD.findall(lines[place])) >= _FEWEST_FIELDS:
            return place
    # A1111's own rule: a last line of fewer fields still belongs to the prompt.
    return len(lines) - (len(_FIELD.findall(lines[-1])) >= _FEWEST_FIELDS)


def _prompts(lines: Sequence[str]) -> dict[str, str]:
    prompts: dict[str, list[str]] = {"Prompt": [], "Negative prompt": []}
    current = "Prompt"
    for line in lines:
        if line.strip().startswith(NEGATIVE):
            current = "Negative prompt"
            line = line.strip().removeprefix(NEGATIVE)
        prompts[current].append(line.strip())
    return {name: "\n".join(lines).strip() for name, lines in prompts.items()}


def _following(lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        named = _NAMED.fullmatch(line.strip())
        if named and named[1] in _WHOLE_LINES:
            name = named[1]
            found[name] = named[2]
        elif name:  # a template of several lines
            found[name] += f"\n{line.strip()}"
        else:
            found |= {each: _unquoted(value) for each, value in _FIELD.findall(line)}
    return found


def _unquoted(value: str) -> str:
    if not (len(value) > 1 and value[0] == value[-1] == '"'):
        return value
    try:
        text = str(json.loads(value))
        text.encode()  # half a surrogate pair is no letter
    except ValueError:
        return value
    return text
