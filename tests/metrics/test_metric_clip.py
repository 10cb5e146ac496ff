from pathlib import Path

import numpy as np
import pytest

from bgen_core.metrics import MetricInput, compute_metrics
from tests.made_up import made_up_run
from tests.metrics.scenes import measure, noise, plain
from tests.tiny_clip import SIDE, saved_clip


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_clip(tmp_path_factory.mktemp("clip"), sign=-1)


@pytest.fixture(scope="module")
def opposed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model, but every cosine has the other sign."""
    return saved_clip(tmp_path_factory.mktemp("opposed"), sign=1)


def reference(folder: Path, prompt: str, picture: np.ndarray) -> float:
    """CLIP's own logits without the scale that it learnt: its cosine."""
    logit, scale = logits(folder, f"A photo depicts {prompt}", picture)
    return logit / scale


def logits(folder: Path, text: str, picture: np.ndarray) -> tuple[float, float]:
    """CLIP's own logit of a text and a picture, and its scale."""
    import torch
    from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

    model = CLIPModel.from_pretrained(folder).eval()
    tokens = CLIPTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    tokens = {name: values[:, :24].clone() for name, values in tokens.items()}
    if tokens["input_ids"].shape[1] == 24:
        tokens["input_ids"][0, -1] = model.config.text_config.eos_token_id
    pixels = CLIPImageProcessorPil.from_pretrained(folder)(images=picture, return_tensors="pt")
    with torch.no_grad():
        return float(model(**tokens, **pixels).logits_per_image[0, 0]), float(model.logit_scale.exp())


@pytest.mark.parametrize("prompt", ["a beach at sunset", " ".join(["a red room with a blue door"] * 6)])
@pytest.mark.parametrize("colour", [(250, 10, 10), (10, 250, 10), (10, 10, 250)])
def test_the_score_is_the_papers_formula_on_clips_cosine(
    clip_folder: Path, opposed_folder: Path, prompt: str, colour: tuple[int, int, int]
) -> None:
    picture, record = plain(SIDE, SIDE, colour), made_up_run(params={"prompt": prompt})
    cosine = reference(clip_folder, prompt, picture)
    assert cosine > 0
    value = measure("clip_score", record=record, picture=picture, clip_model=str(clip_folder))
    assert value == pytest.approx(2.5 * cosine, abs=1e-5)  # float32
    assert reference(opposed_folder, prompt, picture) == pytest.approx(-cosine, abs=1e-5)
    assert measure("clip_score", record=record, picture=picture, clip_model=str(opposed_folder)) == 0


@pytest.mark.parametrize("prompt", ["a beach at sunset", " ".join(["a red room with a blue door"] * 6)])
def test_the_preference_is_the_models_own_logit(clip_folder: Path, opposed_folder: Path, prompt: str) -> None:
    picture, record = plain(SIDE, SIDE, (250, 10, 10)), made_up_run(params={"prompt": prompt})
    for folder in (clip_folder, opposed_folder):  # it may be below 0
        value = measure("preference", record=record, picture=picture, preference_model=str(folder))
        assert value == pytest.approx(logits(folder, prompt, picture)[0], abs=1e-3)  # float32, times a scale of 14


def test_each_judge_has_its_own_model(clip_folder: Path) -> None:
    picture = noise(SIDE, SIDE)
    assert measure("preference", picture=picture, clip_model=str(clip_folder)) == (
        "No preference model is set: BGEN_PREFERENCE_MODEL."
    )
    inputs = MetricInput(record=made_up_run(), picture=picture)
    names = ["clip_score", "preference"]
    score, liked = compute_metrics(inputs, names=names, clip_model="/nowhere", preference_model=str(clip_folder))
    assert score.reason.startswith("The CLIP model '/nowhere' cannot be loaded")
    assert liked.reason == f"By {clip_folder}."


def test_the_score_says_whose_it_is(clip_folder: Path) -> None:
    inputs = MetricInput(record=made_up_run(), picture=noise(SIDE, SIDE))
    (score,) = compute_metrics(inputs, names=["clip_score"], clip_model=str(clip_folder))
    assert score.reason == f"By {clip_folder}."


def test_without_a_model_there_is_no_number() -> None:
    assert measure("clip_score", picture=noise(8, 8)) == "No CLIP model is set: BGEN_CLIP_MODEL."


def test_an_empty_prompt_has_no_score(clip_folder: Path) -> None:
    record = made_up_run(params={"prompt": "  "})
    assert measure("clip_score", record=record, picture=noise(8, 8), clip_model=str(clip_folder)) == (
        "The prompt is empty."
    )


@pytest.mark.parametrize("name", ["nobody/no-such-clip", "/nowhere/clip"])
def test_a_model_that_is_not_here_is_named(name: str) -> None:
    reason = measure("clip_score", picture=noise(8, 8), clip_model=name)
    assert isinstance(reason, str)
    assert reason.startswith(f"The CLIP model {name!r} cannot be loaded from this machine (")


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    reason = measure("clip_score", picture=noise(8, 8), clip_model=str(tmp_path))
    assert isinstance(reason, str)
    assert "cannot be loaded" in reason
