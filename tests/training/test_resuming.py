"""A training run that was interrupted ends where an uninterrupted one does."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from training.checkpoints import load_checkpoint, save_checkpoint
from training.config import Config, TextConfig, UnetConfig
from training.render import KIND_CYCLE
from training.scenes.scene import Traits
from training.text import build_text_encoder, load_tokenizer
from training.train_unet import Plan, checkpoint_path, learning_rate, train_unet
from training.workers import Team

pytestmark = pytest.mark.slow

_SCENES = 8


def _quiet(line: str) -> None:
    """Report to nobody."""


@pytest.fixture
def tiny(tmp_path: Path) -> Config:
    """A run with random latents whose networks have a few thousand weights."""
    config = Config(
        work=tmp_path,
        tokenizer=tmp_path / "tokenizer",
        device="cpu",
        text=TextConfig(vocabulary=560, width=16, layers=1, heads=2, tokenizer_captions=50),
        unet=UnetConfig(
            channels=(8, 16), heads=2, groups=4, low_samples=8, samples=8, low_batch=4, batch=4, warmup_steps=2
        ),
    )
    (tmp_path / "scenes").mkdir()
    traits = [asdict(Traits(kind=KIND_CYCLE[i], time="day")) for i in range(_SCENES)]
    (tmp_path / "scenes" / "scenes_0000.json").write_text(json.dumps(traits))
    generator = torch.Generator().manual_seed(0)
    mask = (torch.rand(4, 1, 32, 32, generator=generator) < 0.7).half()
    cache = {
        "scenes": torch.randn(_SCENES, 4, 32, 32, generator=generator).half(),
        "subject": torch.randn(4, 4, 32, 32, generator=generator).half(),
        "grey": torch.zeros(1, 4, 32, 32).half(),
        "mask": mask,
        "touched": mask,
        "share": mask,
        "scale": 1.0,
    }
    save_checkpoint(tmp_path / "latents.pt", cache)
    tokenizer = load_tokenizer(config, _quiet)
    build_text_encoder(tokenizer, config.text).save_pretrained(tmp_path / "text_encoder")
    return config


def test_an_interrupted_run_ends_like_an_uninterrupted_one(tiny: Config) -> None:
    train_unet(Team(), tiny, _quiet)
    straight = load_checkpoint(checkpoint_path(tiny.work))
    checkpoint_path(tiny.work).unlink()
    train_unet(Team(), tiny, _quiet, stop_after=2)
    train_unet(Team(), tiny, _quiet)
    resumed = load_checkpoint(checkpoint_path(tiny.work))
    assert straight is not None and resumed is not None
    assert straight["step"] == resumed["step"] == 4
    for name in ("unet", "text", "average_unet", "average_text"):
        for key, value in straight[name].items():
            # The same operations on the same numbers in the same order: not a bit may differ.
            assert torch.equal(value, resumed[name][key]), f"{name}.{key}"


def test_training_changes_every_network(tiny: Config) -> None:
    train_unet(Team(), tiny, _quiet, stop_after=1)
    before = load_checkpoint(checkpoint_path(tiny.work))
    train_unet(Team(), tiny, _quiet)
    after = load_checkpoint(checkpoint_path(tiny.work))
    assert before is not None and after is not None
    for name in ("unet", "text", "average_unet", "average_text"):
        assert any(not torch.equal(before[name][key], after[name][key]) for key in after[name]), name


@pytest.mark.parametrize(("step", "share"), [(0, 0.5), (1, 1.0), (2, 0.5), (3, 1.0)])
def test_the_learning_rate_warms_up_at_both_resolutions(step: int, share: float) -> None:
    settings = replace(UnetConfig(), low_samples=8, samples=800, low_batch=4, batch=4, warmup_steps=2)
    rate = learning_rate(settings, Plan.of(settings, cuda=False), step)
    assert rate == pytest.approx(settings.learning_rate * share)


def test_the_learning_rate_ends_near_nothing() -> None:
    settings = UnetConfig()
    plan = Plan.of(settings, cuda=False)
    assert learning_rate(settings, plan, plan.steps - 1) < 0.03 * settings.learning_rate
    assert np.all(np.diff([learning_rate(settings, plan, s) for s in range(plan.steps - 500, plan.steps)]) <= 0)
