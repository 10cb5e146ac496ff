"""ComfyUI's `prompt` chunk: the graph of nodes that made the picture, as the settings of its first sampler.

The format: node's id -> {"class_type": …, "inputs": {name: value, or [id of another node, number of its output]}}.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from bgen_core.json_value import JsonValue
from bgen_core.parameters import write_number

_SAMPLERS = ("KSampler", "SamplerCustom")
_NO_SAMPLER = ("KSamplerSelect",)
# Where settings stand that a sampler takes from nodes of their own
_PARTS = ("noise", "sampler", "sigmas", "guider")
_CONDITIONING = ("conditioning", "conditioning_1", "conditioning_2", "conditioning_to", "conditioning_from")
_TEXTS = ("text", "text_g", "text_l", "clip_l", "t5xxl", "prompt")
# What nodes that hold one value call it
_VALUES = ("value", "text", "string", "int", "float", "number", "seed")
_MODEL_FILES = ("ckpt_name", "unet_name")
# A1111's name -> the names of a sampler's inputs
_FIELDS: dict[str, tuple[str, ...]] = {
    "Steps": ("steps",),
    "Sampler": ("sampler_name",),
    "Schedule type": ("scheduler",),
    "CFG scale": ("cfg",),
    "Seed": ("seed", "noise_seed"),
    "Denoising strength": ("denoise",),
}


@dataclass(frozen=True, kw_only=True)
class _Node:
    kind: str
    inputs: Mapping[str, JsonValue]


def read_graph(content: JsonValue) -> dict[str, str]:
    """The settings of the graph's first sampler under A1111's names; empty where it has none that is known."""
    graph = _nodes(content)
    samplers = [node for node in graph.values() if _is_sampler(node)]
    if not samplers:
        return {}
    first = next((each for each in samplers if not any(map(_is_sampler, _upstream(graph, each)))), samplers[0])
    found: dict[str, str] = {}
    parts = [first, *_upstream(graph, first, _PARTS)]
    for name, inputs in _FIELDS.items():
        value = next((said for node in parts for key in inputs if (said := _said(graph, node.inputs.get(key)))), "")
        if value:
            found[name] = value
    found["Prompt"] = _prompt(graph, parts, "positive", "conditioning")
    found["Negative prompt"] = _prompt(graph, parts, "negative")
    models = list(_upstream(graph, first, ("model", "guider")))
    files = [_said(graph, node.inputs.get(key)) for node in models for key in _MODEL_FILES]
    if named := [file for file in files if file]:
        found["Model"] = named[0]
    loras = [_said(graph, node.inputs.get("lora_name")) for node in models]
    if named := [lora for lora in loras if lora]:
        found["Loras"] = ", ".join(named)
    if len(samplers) > 1:
        found["Further samplers"] = str(len(samplers) - 1)
    return found | _size(graph, first)


def _nodes(content: JsonValue) -> dict[str, _Node]:
    nodes: dict[str, _Node] = {}
    for name, node in content.items() if isinstance(content, dict) else ():
        said: JsonValue = node
        inputs: JsonValue = said.get("inputs") if isinstance(said, dict) else None
        if isinstance(said, dict) and isinstance(inputs, dict):
            nodes[name] = _Node(kind=str(said.get("class_type")), inputs=inputs)
    return nodes


def _is_sampler(node: _Node) -> bool:
    return node.kind.startswith(_SAMPLERS) and node.kind not in _NO_SAMPLER


def _upstream(graph: Mapping[str, _Node], node: _Node, through: Sequence[str] | None = None) -> Iterator[_Node]:
    """The nodes that a node takes something from, the nearest first; through inputs of these names, or through all."""
    waiting, seen = [node], set[str]()
    while waiting:
        for key, value in waiting.pop(0).inputs.items():
            source = _link(value) if through is None or key in through else None
            if source is not None and source in graph and source not in seen:
                seen.add(source)
                yield graph[source]
                waiting.append(graph[source])


def _link(value: JsonValue) -> str | None:
    return value[0] if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) else None


def _said(graph: Mapping[str, _Node], value: JsonValue) -> str:
    """An input as text, whether it stands there or in nodes that hold one value; empty where it is nothing of that."""
    seen = set[str]()
    while (source := _link(value)) is not None:
        if source in seen or source not in graph:
            return ""
        seen.add(source)
        inputs = graph[source].inputs
        value = next((inputs[key] for key in _VALUES if key in inputs), None)
    return written_value(value)


def _prompt(graph: Mapping[str, _Node], parts: Sequence[_Node], *roles: str) -> str:
    """The texts that one of a sampler's prompts is made of; where nodes pass on both, only those of the same role."""
    links = (_link(part.inputs.get(role)) for part in parts for role in roles)
    begin = next((graph[link] for link in links if link is not None and link in graph), None)
    if begin is None:
        return ""
    nodes = (begin, *_upstream(graph, begin, (roles[0], *_CONDITIONING)))
    texts = [said for node in nodes for key in _TEXTS if (said := _said(graph, node.inputs.get(key)))]
    return ", ".join(dict.fromkeys(texts))


def _size(graph: Mapping[str, _Node], sampler: _Node) -> dict[str, str]:
    for node in _upstream(graph, sampler, ("latent_image", "samples", "latent")):
        width, height = (_said(graph, node.inputs.get(key)) for key in ("width", "height"))
        if width and height:
            return {"Size": f"{width}x{height}"}
    return {}


def written_value(value: JsonValue) -> str:
    """A text or number of a foreign JSON as A1111's text has it; empty for everything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return write_number(value)
    return ""
