import json
from dataclasses import replace

import pytest

from bgen_core.errors import UserInputError
from bgen_core.models.schedulers import SCHEDULERS
from bgen_core.records.foreign_run import read_foreign_run
from bgen_core.records.png_text import metadata_chunks, parameters_text
from bgen_core.records.run import PaintedRun, RunRecord
from bgen_core.runs.recipe import read_recipe
from bgen_core.subject.decoding.image_io import encode_png
from bgen_core.sweep.params import InpaintParams
from tests.made_up import made_up_run, painted, picture

NOISE = "The noise of a seed is another one here: expect another picture."


def png_of_others(text: str) -> bytes:
    return encode_png(picture(), text={"parameters": text})


def test_a_picture_of_this_program_carries_everything() -> None:
    record = made_up_run(3, params={"prompt": "夕暮れ (cat:1.2)", "shadow": 0.5})
    recipe = read_recipe(encode_png(picture(), text=metadata_chunks(record)))
    assert recipe.record == painted(record)
    assert (recipe.params, recipe.model, recipe.subject_id) == (record.params, "demo", record.subject_id)
    assert recipe.not_taken == ()
    assert recipe.given == set(record.params.to_json())


@pytest.mark.parametrize("scheduler", [entry.name for entry in SCHEDULERS])
def test_every_scheduler_comes_back_from_the_text_alone(scheduler: str) -> None:
    params = {"scheduler": scheduler, "guidance_scale": 7.5, "strength": 0.75, "num_inference_steps": 30}
    record = made_up_run(3, params=params)
    recipe = read_recipe(png_of_others(parameters_text(record)))
    assert recipe.params == record.params
    assert recipe.model == "demo"
    assert recipe.record is None
    assert recipe.not_taken == (
        "Size 24x16: here the model decides at which size it works, unless a side is chosen; 20 has as many pixels.",
    )


LAST = "Steps: 28, Sampler: {sampler}, CFG scale: 7, Seed: 965400086, Version: v1.10.1"


@pytest.mark.parametrize(
    ("sampler", "scheduler", "told"),
    [
        ("DPM++ 2M, Schedule type: Karras", "dpmpp_2m_karras", None),
        ("DPM++ 2M Karras", "dpmpp_2m_karras", None),
        ("DPM++ 2M, Schedule type: Automatic", "dpmpp_2m_karras", None),
        ("DPM++ 2M", "dpmpp_2m", None),
        ("Euler a, Schedule type: Automatic", "euler_a", None),
        ("Euler, Schedule type: Normal", "euler", None),
        ("euler a", "euler_a", None),
        ("PLMS", "pndm", None),
        ("Euler, Schedule type: Karras", "euler", "Schedule type 'Karras' of Euler is not here."),
        ("DPM++ SDE, Schedule type: Karras", "ddim", "Sampler 'DPM++ SDE' is not here: choose one of"),
        ("Restart", "ddim", "Sampler 'Restart' is not here: choose one of the model's own, DDIM"),
    ],
)
def test_samplers_are_found_by_what_a1111_calls_them(sampler: str, scheduler: str, told: str | None) -> None:
    recipe = read_recipe(png_of_others("a cat\nNegative prompt: dog\n" + LAST.format(sampler=sampler)))
    assert recipe.params == InpaintParams(
        prompt="a cat", negative_prompt="dog", num_inference_steps=28, guidance_scale=7.0, seed=965400086,
        scheduler=scheduler,
    )  # fmt: skip
    assert recipe.not_taken[-1] == NOISE
    others = recipe.not_taken[:-1]
    assert (others == ()) if told is None else any(sentence.startswith(told) for sentence in others)


def test_what_has_no_place_here_is_named() -> None:
    recipe = read_recipe(
        png_of_others(
            "a (red:1.2) cat <lora:fur:1>\nSteps: 0, Sampler: DDIM, CFG scale: seven, Seed: 4, Size: 512x768, "
            "Model hash: 6ce0161689, Model: v1-5-pruned, Denoising strength: 0.5, Mask blur: 4, "
            'Lora hashes: "fur: 12ab"'
        )
    )
    assert recipe.params == InpaintParams(
        prompt="a (red:1.2) cat", seed=4, strength=0.5, loras="fur:1", prompt_syntax="a1111"
    )
    assert recipe.given == {"prompt", "prompt_syntax", "scheduler", "seed", "strength", "loras"}
    assert (recipe.model, recipe.named_model) == ("", "v1-5-pruned (6ce0161689)")
    assert recipe.not_taken == (
        "Model 'v1-5-pruned' (6ce0161689) is not in the list of models: choose the one that comes closest.",
        "Steps '0' was not taken: steps 0 is not allowed: choose 1 to 1000.",
        "CFG scale 'seven' is no number.",
        "Size 512x768: here the model decides at which size it works, unless a side is chosen; 627 has as many pixels.",
        "Mask blur '4' has no place here.",
        "Lora hashes 'fur: 12ab' has no place here.",
        NOISE,
    )


def test_the_strength_of_a_hires_fix_is_not_ours() -> None:
    text = "a\nSteps: 20, Sampler: DDIM, CFG scale: 7, Seed: 1, Denoising strength: 0.3, Hires upscale: 2"
    recipe = read_recipe(png_of_others(text))
    assert recipe.params.strength == 1.0
    assert "strength" not in recipe.given
    assert "Denoising strength belongs to the hires fix there, which is not here." in recipe.not_taken


@pytest.mark.parametrize(
    ("prompt", "version", "syntax"),
    [
        ("a (cat:1.2)", "v1.10.1", "a1111"),
        ("a [cat]", "f2.0", "a1111"),
        ("a cat BREAK a dog", "v1.10.1", "a1111"),
        ("a cat, " * 30, "v1.10.1", "a1111"),
        ("a cat", "v1.10.1", "plain"),
        ("a (cat:1.2)", "bgen 0.2.0", "plain"),
        ("a (cat:1.2)", "bgen 0.2.0, Prompt syntax: a1111", "a1111"),
        ("a (cat:1.2)", "bgen 0.2.0, Prompt syntax: other", "plain"),
    ],
)
def test_a_prompt_is_read_as_its_program_reads_it(prompt: str, version: str, syntax: str) -> None:
    recipe = read_recipe(png_of_others(f"{prompt}\nSteps: 20, Sampler: DDIM, Seed: 1, Version: {version}"))
    assert recipe.params.prompt_syntax == syntax
    assert ("prompt_syntax" in recipe.given) == (syntax == "a1111")


@pytest.mark.parametrize(("theirs", "ours"), [("1", 0), ("2", 1), ("12", 11)])
def test_clip_skip_counts_from_one_in_the_text(theirs: str, ours: int) -> None:
    recipe = read_recipe(png_of_others(f"a\nSteps: 20, Sampler: DDIM, CFG scale: 7, Seed: 1, Clip skip: {theirs}"))
    assert recipe.params.clip_skip == ours
    text = parameters_text(made_up_run(3, params={"clip_skip": ours}))
    assert (f", Clip skip: {theirs}" in text) == (ours > 0)


@pytest.mark.parametrize(
    ("png", "sentence"),
    [
        (b"", "is empty"),
        (encode_png(picture()), "does not say how it was made"),
        (png_of_others("only a prompt"), "does not say how it was made"),
        (encode_png(picture(), text={"bgen": "{}"}), "not the description of a run"),
        (encode_png(picture())[:80], "PNG"),
    ],
    ids=["empty", "without text", "without fields", "no run", "cut"],
)
def test_what_carries_no_recipe_is_a_sentence(png: bytes, sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        read_recipe(png)


def test_a_description_from_outside_is_read_as_it_was_written() -> None:
    record = made_up_run(3)
    assert read_foreign_run(json.dumps(record.to_json() | {"of a later version": 1}), RunRecord) == record
    assert read_foreign_run(json.dumps(replace(record, seconds={}, owner="").to_json()), RunRecord).seconds == {}


@pytest.mark.parametrize("change", [{}, {"raw_id": ""}])
def test_a_run_of_the_first_versions_was_pasted_in_one_way(change: dict) -> None:
    content = {
        name: value for name, value in made_up_run(3).to_json().items() if name not in ("raw_id", "image", "raw")
    }
    assert read_foreign_run(json.dumps(content | change), PaintedRun) == painted(made_up_run(3))
    with pytest.raises(UserInputError, match="image: Field required"):
        read_foreign_run(json.dumps(content | change), RunRecord)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"id": "../../etc/passwd"}, "id is not allowed"),
        ({"id": 5}, "id: Input should be a valid string"),
        ({"image": "A" * 64}, "image is not allowed"),
        ({"raw": ""}, "raw is not allowed"),
        ({"subject_id": ""}, "subject_id is not allowed"),
        ({"created": "2026-01-02T03:04:05"}, "created is not allowed"),
        ({"created": "yesterday"}, "created"),
        ({"versions": ["torch"]}, "versions"),
        ({"versions": {str(number): "1" for number in range(100)}}, "versions is not allowed"),
        ({"seconds": {"denoise": -1}}, "time or memory is not allowed"),
        ({"peak_memory_mb": float("inf")}, "time or memory is not allowed"),
        ({"extent": {"width": 0, "height": 10}}, "extent is not allowed"),
        ({"extent": {"width": 10}}, "extent.height: Field required"),
        ({"owner": "x" * 65}, "owner is not allowed"),
        ({"params": {"prompt": "x" * 30_000}}, "prompt is not allowed"),
        ({"params": {"prompt": "a\0b"}}, "text is not allowed"),
        ({"params": {"prompt": "a", "num_inference_steps": 10**9}}, "steps 1000000000 is not allowed"),
    ],
)
def test_a_description_that_no_run_can_have_is_refused(change: dict, sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        read_foreign_run(json.dumps(made_up_run(3).to_json() | change), RunRecord)


@pytest.mark.parametrize("text", ["", "[]", "5", "{", "null", b"\xff\xfe", "[" * 100_000])
def test_what_is_no_description_is_refused(text: str | bytes) -> None:
    with pytest.raises(UserInputError, match="not the description of a run"):
        read_foreign_run(text, PaintedRun)
