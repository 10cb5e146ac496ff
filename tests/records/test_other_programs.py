"""Pictures of ComfyUI, InvokeAI and NovelAI: what their JSON says becomes settings here, as far as it goes."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgen_core.errors import UserInputError
from bgen_core.records.comfyui_graph import read_graph
from bgen_core.records.other_programs import read_other_program
from bgen_core.runs.recipe import read_recipe
from bgen_core.subject.decoding.image_io import encode_png
from bgen_core.sweep.params import InpaintParams
from tests.made_up import picture

EXPECTED = InpaintParams(
    prompt="a red barn", negative_prompt="text", num_inference_steps=24, guidance_scale=6.5, seed=2**53 + 1,
    scheduler="dpmpp_2m_karras", strength=0.8,
)  # fmt: skip


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs, "_meta": {"title": kind}}


ENDS = {
    "4": node("CheckpointLoaderSimple", ckpt_name="v1-5.safetensors"),
    "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
    "6": node("CLIPTextEncode", text="a red barn", clip=["4", 1]),
    "7": node("CLIPTextEncode", text="text", clip=["4", 1]),
    "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
    "9": node("SaveImage", images=["8", 0]),
}
SAMPLED = {"steps": 24, "cfg": 6.5, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 0.8}
PLAIN = ENDS | {
    "3": node(
        "KSampler",
        seed=2**53 + 1,
        **SAMPLED,
        model=["4", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["5", 0],
    )
}
# A second pass whose sampler stands first, a LoRA, a control net that passes on both prompts, values in their own nodes
WOVEN = ENDS | {
    "1": node(
        "KSampler", seed=1, steps=9, cfg=1, sampler_name="euler", scheduler="normal", denoise=0.3, model=["4", 0],
        positive=["6", 0], negative=["7", 0], latent_image=["2", 0],
    ),
    "2": node("LatentUpscale", samples=["3", 0], width=1024, height=1536),
    "3": node(
        "KSamplerAdvanced", noise_seed=["20", 0], **SAMPLED, model=["21", 0], positive=["22", 0], negative=["22", 1],
        latent_image=["5", 0],
    ),
    "20": node("PrimitiveInt", value=2**53 + 1),
    "21": node("LoraLoader", lora_name="fur.safetensors", model=["4", 0], clip=["4", 1]),
    "22": node("ControlNetApplyAdvanced", positive=["6", 0], negative=["7", 0], control_net=["23", 0]),
    "6": node("CLIPTextEncode", text=["24", 0], clip=["21", 1]),
    "24": node("StringConstant", string="a red barn"),
}  # fmt: skip
IN_PARTS = ENDS | {
    "3": node("SamplerCustomAdvanced", noise=["30", 0], guider=["31", 0], sampler=["32", 0], sigmas=["33", 0],
              latent_image=["5", 0]),
    "30": node("RandomNoise", noise_seed=2**53 + 1),
    "31": node("CFGGuider", cfg=6.5, model=["4", 0], positive=["6", 0], negative=["7", 0]),
    "32": node("KSamplerSelect", sampler_name="dpmpp_2m"),
    "33": node("BasicScheduler", scheduler="karras", steps=24, denoise=0.8, model=["4", 0]),
}  # fmt: skip
INVOKEAI = {
    "positive_prompt": "a red barn", "negative_prompt": "text", "steps": 24, "cfg_scale": 6.5, "seed": 2**53 + 1,
    "scheduler": "dpmpp_2m_k", "strength": 0.8, "width": 512, "height": 768, "model": {"name": "v1-5.safetensors"},
    "app_version": "5.6.0",
}  # fmt: skip
INVOKEAI_2 = {
    "model_weights": "v1-5.safetensors",
    "image": {
        "prompt": [{"prompt": "a red [text] barn", "weight": 1.0}], "steps": 24, "cfg_scale": 6.5, "seed": 2**53 + 1,
        "sampler": "k_dpmpp_2m_karras", "strength": 0.8, "width": 512, "height": 768,
    },
}  # fmt: skip
NOVELAI = {
    "prompt": "a red barn", "uc": "text", "steps": 24, "scale": 6.5, "seed": 2**53 + 1, "sampler": "k_dpmpp_2m",
    "noise_schedule": "karras", "strength": 0.8, "width": 512, "height": 768,
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        {"prompt": json.dumps(PLAIN), "workflow": "{}"},
        {"prompt": json.dumps(WOVEN)},
        {"prompt": json.dumps(IN_PARTS)},
        {"invokeai_metadata": json.dumps(INVOKEAI), "invokeai_graph": "{}"},
        {"invokeai_metadata": json.dumps(INVOKEAI | {"model": {"model_name": "v1-5.safetensors"}})},
        {"sd-metadata": json.dumps(INVOKEAI_2)},
        {"Comment": json.dumps(NOVELAI), "Software": "NovelAI", "Source": "v1-5.safetensors"},
        {"Comment": json.dumps({**NOVELAI, "prompt": None}), "Description": "a red barn", "Source": "v1-5.safetensors"},
        {"parameters": "a text without fields", "prompt": json.dumps(PLAIN)},
    ],
    ids=["comfyui", "woven", "in parts", "invokeai", "invokeai 3", "invokeai 2", "novelai", "description", "no fields"],
)
def test_settings_are_read(text: dict[str, str]) -> None:
    recipe = read_recipe(encode_png(picture(), text=text))
    assert recipe.params == EXPECTED
    assert recipe.named_model == "v1-5.safetensors"
    told = " ".join(recipe.not_taken)
    assert "Size 512x768: here the model decides" in told
    assert "The noise of a seed is another one here" in told
    assert ("fur.safetensors" in told, "Further samplers '1'" in told) == ("LoraLoader" in str(text),) * 2


@pytest.mark.parametrize(
    "text",
    [
        {"prompt": "a plain text"},
        {"prompt": "[" * 100_000},
        {"prompt": json.dumps({"1": node("KSampler", steps=["1", 0], positive=["1", 0], model=["1", 0])})},
        {"prompt": json.dumps({"1": node("SaveImage", images=["2", 0])})},
        {"Comment": "Created with GIMP"},
        {"Comment": json.dumps({"steps": 3})},
        {"invokeai_metadata": "[1, 2]"},
        {"sd-metadata": json.dumps({"image": {"prompt": [1, [2], {"prompt": {}}]}})},
    ],
)
def test_what_says_nothing_is_a_sentence(text: dict[str, str]) -> None:
    with pytest.raises(UserInputError, match="does not say how it was made"):
        read_recipe(encode_png(picture(), text=text))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
INPUTS = st.dictionaries(
    st.sampled_from(["steps", "positive", "conditioning", "model", "latent_image", "text", "value", "guider"]),
    st.tuples(st.sampled_from("123"), st.integers(0, 1)).map(list) | JSON,
)
NODES = st.fixed_dictionaries(
    {"class_type": st.sampled_from(["KSampler", "SamplerCustom", "CLIPTextEncode"]) | JSON, "inputs": INPUTS | JSON}
)


@settings(max_examples=20)
@given(graph=st.dictionaries(st.sampled_from("123"), NODES) | JSON, other=JSON)
def test_whatever_a_file_says_ends(graph: Any, other: Any) -> None:
    assert all(isinstance(each, str) for each in read_graph(graph).values())
    for key in ("invokeai_metadata", "sd-metadata", "Comment"):
        assert all(isinstance(each, str) for each in read_other_program({key: json.dumps(other)}).values())
