"""Prompts read as A1111 reads them, by the engine: against the pipelines' own reading, and sums done by hand."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from bgen_core.jobs.prompt_notes import reading_notes
from bgen_core.models.catalogue import DEMO_FOLDER
from bgen_core.models.revision import find_model
from bgen_core.sweep.engine.unet import UNetDenoiser
from bgen_core.sweep.events import Canvas, Failed, PaintCell
from bgen_core.sweep.params import InpaintParams
from tests.sweep.test_engine import SIDE, call_pipeline, decode_as_pipeline, make_inpainter, paint
from tests.tiny_models import TOKENS, tiny_pipeline

PLAIN = InpaintParams(prompt="a beach at sunset", num_inference_steps=3, scheduler="euler")
A1111 = replace(PLAIN, prompt_syntax="a1111")
PHOTO = np.zeros((SIDE, SIDE, 3), np.uint8)
LONG = "a beach at sunset with palm trees, " * 12


@pytest.fixture(scope="module")
def canvas() -> Canvas:
    mask = np.full((SIDE, SIDE), 255, np.uint8)
    mask[5:, 4:11] = 0
    colours = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    return Canvas(init_image=colours, mask_image=mask)


def read(denoiser: UNetDenoiser, text: str, params: InpaintParams = A1111, *, negative: bool = False) -> Any:
    cell = PaintCell(index=0, params=params, canvas=Canvas(init_image=PHOTO, mask_image=PHOTO[..., 0]))
    with torch.inference_mode():
        return denoiser.encode_prompt(text, cell, negative=negative)


def same(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    return one is other is None or (one is not None and other is not None and torch.equal(one, other))


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("family", ["sd-9", "sdxl-4"])
def test_words_within_a_window_are_read_as_ever_bit_for_bit(family: str, kind: torch.dtype) -> None:
    denoiser = UNetDenoiser(tiny_pipeline.__wrapped__(family).to(kind))
    for text, clip_skip, negative in itertools.product(("a beach, at sunset", ""), (0, 1), (False, True)):
        if negative and clip_skip:
            continue  # A1111 leaves its layers out too
        ours = read(denoiser, text, replace(A1111, clip_skip=clip_skip), negative=negative)
        theirs = read(denoiser, text, replace(PLAIN, clip_skip=clip_skip), negative=negative)
        assert torch.equal(ours.embeds, theirs.embeds)
        assert same(ours.pooled, theirs.pooled)


@pytest.mark.parametrize("family", ["sd-9", "sdxl-4"])
def test_a_weight_multiplies_its_tokens_and_the_mean_stays(family: str) -> None:
    pipeline = tiny_pipeline.__wrapped__(family)
    with torch.no_grad():  # a mean of its own, as trained encoders have, and untrained ones do not
        for encoder in (pipeline.text_encoder, getattr(pipeline, "text_encoder_2", None)):
            for name, parameter in encoder.named_parameters() if encoder else ():
                parameter += 0.1 * (name.endswith("bias") and "norm" in name)
    denoiser = UNetDenoiser(pipeline)
    before, words = (len(pipeline.tokenizer(text).input_ids) - 2 for text in ("a", "beach"))
    whole = read(denoiser, "a beach at sunset", PLAIN)
    expected = []
    for own in whole.embeds.split(32, dim=2):  # of each encoder by itself
        weighted = own.clone()
        weighted[:, 1 + before : 1 + before + words] *= 1.7
        expected.append(weighted * own.mean() / weighted.mean())
    ours = read(denoiser, "a (beach:1.7) at sunset")
    assert torch.allclose(ours.embeds, torch.cat(expected, dim=2), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(ours.embeds, whole.embeds, rtol=1e-2)
    assert same(ours.pooled, whole.pooled)


def test_an_encoder_without_a_mean_is_not_scaled_by_rounding_errors() -> None:
    denoiser = UNetDenoiser(tiny_pipeline("sd-9"))
    whole, weighted = (read(denoiser, text).embeds for text in ("a beach", "a (beach:1.7)"))
    assert whole.mean().abs() < 1e-6
    assert torch.equal(weighted[:, 0], whole[:, 0])
    assert weighted.abs().max() > whole.abs().max()


@pytest.mark.parametrize("family", ["sd-9", "sdxl-4"])
def test_chunks_stand_behind_each_other(family: str) -> None:
    denoiser = UNetDenoiser(tiny_pipeline(family))
    parts = [read(denoiser, text, PLAIN) for text in ("a beach", "at sunset")]
    ours = read(denoiser, "a beach BREAK at sunset BREAK")
    assert torch.equal(ours.embeds, torch.cat([part.embeds for part in parts], dim=1))
    assert same(ours.pooled, parts[0].pooled)
    assert read(denoiser, LONG).embeds.shape[1] // TOKENS == 3
    assert read(denoiser, LONG, PLAIN).embeds.shape[1] == TOKENS


@pytest.mark.parametrize("family", ["sd-9", "sdxl-4"])
def test_pictures_of_long_prompts_equal_the_pipeline_given_the_same_texts(
    family: str, canvas: Canvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, denoiser = tiny_pipeline(family), UNetDenoiser(tiny_pipeline(family))
    params = replace(A1111, prompt="a (beach:1.4) BREAK at sunset", negative_prompt="[rain] BREAK people")
    wanted, unwanted = read(denoiser, params.prompt), read(denoiser, params.negative_prompt, negative=True)
    texts = {"prompt_embeds": wanted.embeds, "negative_prompt_embeds": unwanted.embeds}
    if wanted.pooled is not None:
        texts |= {"pooled_prompt_embeds": wanted.pooled, "negative_pooled_prompt_embeds": unwanted.pooled}
    own_call = type(pipeline).__call__

    def given_texts(self: Any, **options: Any) -> Any:
        return own_call(self, **options | {"prompt": None, "negative_prompt": None} | texts)

    monkeypatch.setattr(type(pipeline), "__call__", given_texts)
    theirs = decode_as_pipeline(family, call_pipeline(family, params, canvas))
    ours = paint(family, [PaintCell(index=0, canvas=canvas, params=params)])[0]
    assert np.abs(theirs - ours).max() <= 1


@pytest.mark.parametrize("family", ["sd-9", "sdxl-4"])
def test_texts_of_any_lengths_in_one_sweep_equal_each_alone(family: str, canvas: Canvas) -> None:
    prompts = ("a beach", "a (beach:1.3)", LONG, "a BREAK b", "a beach")
    cells = [
        PaintCell(index=i, canvas=canvas, params=replace(A1111, prompt=text, negative_prompt="(rain)"))
        for i, text in enumerate(prompts)
    ]
    cells[-1] = replace(cells[-1], params=replace(cells[-1].params, prompt_syntax="plain", negative_prompt=""))
    together = paint(family, cells)
    for cell in cells:
        assert np.abs(paint(family, [cell])[cell.index].astype(int) - together[cell.index]).max() <= 1
    assert len({image.tobytes() for image in together.values()}) == len(cells)


def test_a_syntax_of_a_later_version_is_refused(canvas: Canvas) -> None:
    cell = PaintCell(index=0, canvas=canvas, params=replace(PLAIN, prompt_syntax="other"))
    (failed,) = make_inpainter("sd-9").paint([cell])
    assert isinstance(failed, Failed)
    assert failed.reason == "prompt syntax 'other' is not known: choose plain or a1111."


@pytest.mark.parametrize(
    ("text", "weighted", "words"),
    [
        ("a beach", False, []),
        ("a (beach:1.2)", False, ["choose the prompt syntax 'a1111'"]),
        ("a (beach:1.2)", True, []),
        (LONG, False, ["is cut off"]),
        (LONG, True, []),
        ("a [red|blue] beach", True, ["are not read"]),
    ],
)
def test_notes_say_what_is_not_read(text: str, weighted: bool, words: list[str]) -> None:
    notes = list(reading_notes(find_model(str(DEMO_FOLDER)), "prompt", text, weighted=weighted))
    assert len(notes) == len(words)
    assert all(each in note for each, note in zip(words, notes, strict=True))
