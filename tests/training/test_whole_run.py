"""A run from nothing, every stage of it, at sizes that take seconds."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from bgen_core.models.catalogue import DEMO_FOLDER
from training.checkpoints import load_checkpoint
from training.config import Config, DecoderConfig, RenderConfig, TextConfig, UnetConfig, VaeConfig
from training.export import open_trained
from training.sampling import Setting, nobody, sample
from training.stages import STAGES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A run whose networks know next to nothing."""
    folder = tmp_path_factory.mktemp("run")
    shutil.copytree(DEMO_FOLDER, folder / "demo", ignore=shutil.ignore_patterns("*.safetensors"))
    usual = RenderConfig(scenes=5, encoded=5, chunk=2, people=3, people_chunk=2, held_out=1)
    config = Config(
        work=folder / "work",
        export=folder / "demo",
        workers=1,
        device="cpu",
        render=usual,
        larger=replace(usual, side=384, seed=2, scenes=2, encoded=2, people=1),
        vae=VaeConfig(encoder_channels=8, decoder_channels=8, steps=2, batches=((1.0, 32, 2),), piles=1),
        decoder=DecoderConfig(steps=2, batches=((1.0, 32, 2),), piles=1),
        text=TextConfig(width=16, layers=1, heads=2, steps=2, batch=4),
        unet=UnetConfig(
            channels=(8, 16), layers_per_block=(1, 1), heads=2, groups=4,
            low_samples=4, samples=8, low_batch=4, batch=4, larger_share=0.5, larger_batch=2, warmup_steps=1,
        ),
    )  # fmt: skip
    for stage in _until_export():
        assert not stage.done(config), stage.name
        stage.run(config)
        assert stage.done(config) or stage.name == "export", stage.name
    return config


def _until_export():
    return STAGES[: [stage.name for stage in STAGES].index("export") + 1]


def test_each_size_of_pictures_is_drawn_encoded_and_captioned_by_one_worker_too(run: Config) -> None:
    scales = set()
    for sized, scenes, people in zip(run.of_each_size, (4, 2), (3, 1), strict=True):
        side = sized.render.side
        assert np.load(sized.pictures / "scenes" / "scenes_0000.npy").shape == (2, side, side, 3)
        cached, captions = (load_checkpoint(sized.pictures / name) for name in ("latents.pt", "captions.pt"))
        assert cached is not None and captions is not None
        assert cached["scenes"].shape == (scenes, 4, side // 4, side // 4)
        assert cached["subject"].shape == (people, 4, side // 4, side // 4)
        assert len(captions["ids"]) == scenes
        scales.add(cached["scale"])
        # What each file of it was made of is not needed any more, and would stand in the way of starting over.
        assert not (sized.pictures / "latents").exists()
    # A pipeline has one factor, so the larger pictures must not bring another.
    assert len(scales) == 1
    usual = load_checkpoint(run.work / "latents.pt")
    assert usual is not None
    # In float16 each latent is known to 2**-11 of itself.
    assert usual["scenes"].float().std() == pytest.approx(1, abs=2e-3)


def test_what_is_exported_paints(run: Config) -> None:
    pipeline = open_trained(run)
    picture = sample(pipeline, ["a beach"], [0], [nobody()], Setting(steps=2))
    assert picture.shape == (1, 3, 256, 256) and picture.isfinite().all()
    assert (run.export / "unet" / "diffusion_pytorch_model.safetensors").exists()


def test_a_stage_whose_result_is_deleted_starts_over(run: Config) -> None:
    weights = run.work / "vae" / "diffusion_pytorch_model.safetensors"
    before = weights.read_bytes()
    shutil.rmtree(run.work / "vae")
    stage = next(stage for stage in STAGES if stage.name == "vae")
    assert not stage.done(run)
    assert not (run.work / "vae.pt").exists()
    stage.run(run)
    assert weights.read_bytes() == before


def test_files_of_another_size_of_run_are_left_out(run: Config) -> None:
    shorter = replace(run, larger=None, render=replace(run.render, scenes=2, encoded=2, people=2))
    kept = {name: (run.work / name).read_bytes() for name in ("latents.pt", "captions.pt")}
    for name in kept:
        (run.work / name).unlink()
    stage = next(stage for stage in STAGES if stage.name == "latents")
    stage.run(shorter)
    cached, captions = (load_checkpoint(run.work / name) for name in kept)
    assert cached is not None and captions is not None
    assert len(cached["scenes"]) == len(captions["ids"]) == 2 and len(cached["subject"]) == 2
    for name, content in kept.items():
        (run.work / name).write_bytes(content)
    assert torch.isfinite(cached["scenes"]).all()
