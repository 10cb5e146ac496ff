"""What other programs than A1111 write into a PNG, under A1111's names: InvokeAI, NovelAI and ComfyUI."""

import json
import re
from collections.abc import Callable, Mapping

from bgen_core.json_value import JsonValue
from bgen_core.records.comfyui_graph import read_graph, written_value

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
# A1111's name -> the name in InvokeAI's JSON, of version 3 and of version 2
_INVOKEAI = {
    "Steps": "steps", "Sampler": "scheduler", "CFG scale": "cfg_scale", "Seed": "seed",
    "Denoising strength": "strength", "Clip skip": "clip_skip",
}  # fmt: skip
_INVOKEAI_2 = _INVOKEAI | {"Sampler": "sampler"}
_NOVELAI = {
    "Steps": "steps", "Sampler": "sampler", "Schedule type": "noise_schedule", "CFG scale": "scale", "Seed": "seed",
    "Denoising strength": "strength", "Prompt": "prompt", "Negative prompt": "uc",
}  # fmt: skip
Chunks = Mapping[str, str]


def read_other_program(chunks: Chunks) -> dict[str, str]:
    """The settings that the text chunks of a PNG carry, as far as they go; empty where none of them is known."""
    for read in _READERS:
        try:
            found = read(chunks)
        except (ValueError, RecursionError, OverflowError):  # no JSON, or made to do harm
            continue
        if "Steps" in found:
            return found
    return {}


def _invokeai(chunks: Chunks) -> dict[str, str]:
    said = _object(_json(chunks, "invokeai_metadata"))
    found = _taken(said, _INVOKEAI)
    if found.get("Clip skip", "").isdecimal():  # 0 leaves none out there
        found["Clip skip"] = str(int(found["Clip skip"]) + 1)
    found["Prompt"] = written_value(said.get("positive_prompt"))
    found["Negative prompt"] = written_value(said.get("negative_prompt"))
    found |= _named(Model=_name_of_model(said.get("model")))
    loras = [
        _name_of_model(_object(each).get("model") or _object(each).get("lora")) for each in _list(said.get("loras"))
    ]
    return found | _named(Loras=", ".join(filter(None, loras))) | _size(said)


def _invokeai_2(chunks: Chunks) -> dict[str, str]:
    said = _object(_json(chunks, "sd-metadata"))
    image = _object(said.get("image"))
    prompts = image.get("prompt")
    texts = [prompts] if isinstance(prompts, str) else [_object(each).get("prompt") for each in _list(prompts)]
    prompt = " ".join(written_value(text) for text in texts)
    found = _taken(image, _INVOKEAI_2)
    # What stands in square brackets is the negative prompt there.
    found["Prompt"] = " ".join(_BRACKETS.sub("", prompt).split())
    found["Negative prompt"] = ", ".join(_BRACKETS.findall(prompt))
    return found | _named(Model=written_value(said.get("model_weights"))) | _size(image)


def _novelai(chunks: Chunks) -> dict[str, str]:
    said = _object(_json(chunks, "Comment"))
    if "uc" not in said and chunks.get("Software") != "NovelAI":
        return {}
    found = {"Prompt": chunks.get("Description", "")} | _taken(said, _NOVELAI)
    return found | _named(Model=chunks.get("Source", "")) | _size(said)


def _comfyui(chunks: Chunks) -> dict[str, str]:
    return read_graph(_json(chunks, "prompt"))


_READERS: tuple[Callable[[Chunks], dict[str, str]], ...] = (_invokeai, _invokeai_2, _novelai, _comfyui)


def _json(chunks: Chunks, key: str) -> JsonValue:
    return json.loads(chunks[key]) if key in chunks else None


def _object(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _taken(said: Mapping[str, JsonValue], names: Mapping[str, str]) -> dict[str, str]:
    return _named(**{name: written_value(said.get(key)) for name, key in names.items()})


def _named(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _name_of_model(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    said = _object(value)
    return written_value(said.get("name") or said.get("model_name"))


def _size(said: Mapping[str, JsonValue]) -> dict[str, str]:
    width, height = written_value(said.get("width")), written_value(said.get("height"))
    return {"Size": f"{width}x{height}"} if width and height else {}
