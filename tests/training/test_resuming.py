"""A training run that was interrupted ends where an uninterrupted one does."""

import json
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny

from training import train_vae as train_vae_module
from training.batches import Samples, Window, choose_window
from training.checkpoints import load_checkpoint, save_checkpoint
from training.config import Config, DecoderConfig, RenderConfig, TextConfig, UnetConfig, VaeConfig, for_gpu
from training.device import step_numbers
from training.render import KIND_CYCLE
from training.scenes.scene import Traits
from training.text import build_text_encoder, cache_captions, load_tokenizer
from training.train_unet import checkpoint_path, is_trained, learning_rate, low_steps, steps, train_unet
from training.train_vae import KNOWN, Crops, train_decoder, train_vae
from training.vae import build_vae
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
        render=RenderConfig(scenes=_SCENES, encoded=_SCENES, chunk=_SCENES, held_out=1),
        larger=None,
        vae=VaeConfig(
            encoder_channels=8,
            decoder_channels=8,
            encoder_blocks=(0, 1, 1, 2),
            decoder_blocks=(4, 3, 2, 1),
            steps=4,
            batches=((1.0, 32, 2),),
            piles=2,
        ),
        decoder=DecoderConfig(blocks=(5, 3, 2, 1), steps=4, batches=((1.0, 32, 2),), piles=2),
        text=TextConfig(vocabulary=560, width=16, layers=1, heads=2, tokenizer_captions=50),
        unet=UnetConfig(
            channels=(8, 16),
            layers_per_block=(1, 1),
            heads=2,
            groups=4,
            low_samples=8,
            samples=8,
            low_batch=4,
            batch=4,
            warmup_steps=2,
        ),
    )
    cache_noise(config, 32)
    tokenizer = load_tokenizer(config, _quiet)
    build_text_encoder(tokenizer, config.text).save_pretrained(tmp_path / "text_encoder")
    return config


def cache_noise(config: Config, side: int) -> None:
    """Random latents of this side, and captions."""
    (config.pictures / "scenes").mkdir(parents=True)
    traits = [asdict(Traits(kind=KIND_CYCLE[i], time="day")) for i in range(_SCENES)]
    (config.pictures / "scenes" / "scenes_0000.json").write_text(json.dumps(traits))
    generator = torch.Generator().manual_seed(0)
    mask = (torch.rand(4, 1, side, side, generator=generator) < 0.7).half()
    cache = {
        "scenes": torch.randn(_SCENES, 4, side, side, generator=generator).half(),
        "subject": torch.randn(4, 4, side, side, generator=generator).half(),
        "grey": torch.zeros(1, 4, side, side).half(),
        "mask": mask,
        "touched": mask,
        "share": mask,
        "scale": 1.0,
    }
    save_checkpoint(config.pictures / "latents.pt", cache)
    cache_captions(config)


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


@pytest.mark.parametrize(("share", "matter"), [(0.0, (True, False)), (0.5, (True, True)), (1.0, (False, True))])
def test_larger_pictures_are_seen_as_often_as_the_settings_say(
    tiny: Config, share: float, matter: tuple[bool, bool]
) -> None:
    settings = replace(tiny.unet, larger_share=share, larger_batch=2, low_samples=0, samples=24)
    both = replace(tiny, larger=replace(tiny.render, side=384), unet=settings)
    for each in both.of_each_size[1:]:
        cache_noise(each, 48)

    def learned() -> dict[str, torch.Tensor]:
        train_unet(Team(), both, _quiet)
        state = load_checkpoint(checkpoint_path(tiny.work))
        assert state is not None
        checkpoint_path(tiny.work).unlink()
        return state["unet"]

    before, changed = learned(), []
    for each in both.of_each_size:
        path = each.pictures / "latents.pt"
        cached = load_checkpoint(path)
        assert cached is not None
        save_checkpoint(path, cached | {"scenes": -cached["scenes"]})
        after = learned()
        changed.append(any(not torch.equal(after[key], value) for key, value in before.items()))
        save_checkpoint(path, cached)
    assert tuple(changed) == matter


def test_training_changes_every_network(tiny: Config) -> None:
    train_unet(Team(), tiny, _quiet, stop_after=1)
    before = load_checkpoint(checkpoint_path(tiny.work))
    train_unet(Team(), tiny, _quiet)
    after = load_checkpoint(checkpoint_path(tiny.work))
    assert before is not None and after is not None
    for name in ("unet", "text", "average_unet", "average_text"):
        assert any(not torch.equal(before[name][key], after[name][key]) for key in after[name]), name


def test_an_interrupted_autoencoder_ends_like_an_uninterrupted_one(tiny: Config) -> None:
    draw_scenes(tiny)
    train_vae(Team(), tiny, _quiet, stop_after=4)  # its budget ends there, and no checkpoint is left
    straight = (tiny.work / "vae" / "diffusion_pytorch_model.safetensors").read_bytes()
    shutil.rmtree(tiny.work / "vae")
    train_vae(Team(), tiny, _quiet, stop_after=2)
    assert not (tiny.work / "vae").exists()
    train_vae(Team(), tiny, _quiet)
    assert (tiny.work / "vae" / "diffusion_pytorch_model.safetensors").read_bytes() == straight


def test_an_interrupted_decoder_ends_like_an_uninterrupted_one_and_leaves_the_latents(tiny: Config) -> None:
    draw_scenes(tiny)
    train_vae(Team(), tiny, _quiet)
    train_decoder(Team(), tiny, _quiet)
    result, checkpoint = (tiny.work / name for name in ("decoder/diffusion_pytorch_model.safetensors", "decoder.pt"))
    straight = result.read_bytes()
    checkpoint.unlink(missing_ok=True)
    train_decoder(Team(), tiny, _quiet, stop_after=2)
    train_decoder(Team(), tiny, _quiet)
    assert result.read_bytes() == straight
    before, after = (AutoencoderTiny.from_pretrained(tiny.work / name).state_dict() for name in ("vae", "decoder"))
    assert all(torch.equal(after[name], value) for name, value in before.items() if name.startswith("encoder."))
    assert not torch.equal(after["decoder.layers.0.weight"], before["decoder.layers.0.weight"])


def test_an_autoencoder_that_learns_on_stays_near_the_latents_that_a_unet_knows(tiny: Config) -> None:
    draw_scenes(tiny)
    train_vae(Team(), tiny, _quiet)
    (tiny.work / "vae").rename(tiny.work / KNOWN)
    (tiny.work / "vae.pt").unlink(missing_ok=True)
    settings = replace(tiny.vae, encoder_blocks=(0, 1, 2, 3), decoder_blocks=(5, 3, 2, 1), steps=12)
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    moved: list[float] = []
    for weight in (0.0, 100.0):
        train_vae(Team(), replace(tiny, vae=replace(settings, known_weight=weight)), _quiet)
        before, after = (AutoencoderTiny.from_pretrained(tiny.work / name) for name in (KNOWN, "vae"))
        assert len(after.encoder.layers) == len(before.encoder.layers) + 2
        with torch.no_grad():
            difference = after.encode(picture).latents - before.encode(picture).latents
        moved.append(float(difference.pow(2).mean()))
        (tiny.work / "vae.pt").unlink(missing_ok=True)
    assert 0 < moved[1] < moved[0] / 2


def draw_scenes(config: Config) -> None:
    """Scenes of noise in place of drawn ones."""
    scenes = np.random.default_rng(0).integers(0, 256, (_SCENES, 256, 256, 3), dtype=np.uint8)
    np.save(config.work / "scenes" / "scenes_0000.npy", scenes)


def test_a_budget_of_time_is_all_that_is_learned_over_every_call(tiny: Config) -> None:
    timed = replace(tiny, unet=replace(tiny.unet, seconds=1e9))
    train_unet(Team(), timed, _quiet, stop_after=1)
    state = load_checkpoint(checkpoint_path(tiny.work))
    assert state is not None and state["spent"] > 0 and not is_trained(timed)
    over = replace(tiny, unet=replace(tiny.unet, seconds=state["spent"]))
    assert is_trained(over)
    train_unet(Team(), over, _quiet)  # nothing is left
    after = load_checkpoint(checkpoint_path(tiny.work))
    assert after is not None and after["step"] == 1


def test_what_is_prepared_takes_nothing_of_a_budget_of_time(tiny: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_scenes(tiny)
    held_out = torch.zeros(1, 3, 64, 64)

    def slowly(config: Config) -> torch.Tensor:
        time.sleep(0.2)
        return held_out

    monkeypatch.setattr(train_vae_module, "held_out_scenes", slowly)
    train_vae(Team(), replace(tiny, vae=replace(tiny.vae, seconds=0.1)), _quiet)
    untrained, learned = build_vae(tiny.vae), AutoencoderTiny.from_pretrained(tiny.work / "vae")
    first = next(name for name, _ in untrained.named_parameters())
    assert not torch.equal(untrained.state_dict()[first], learned.state_dict()[first])


def test_networks_learn_in_mixed_precision_as_on_a_gpu(tiny: Config) -> None:
    draw_scenes(tiny)
    mixed = replace(tiny, mixed=True)
    train_unet(Team(), mixed, _quiet)
    state = load_checkpoint(checkpoint_path(tiny.work))
    assert state is not None
    assert all(value.dtype == torch.float32 and value.isfinite().all() for value in state["average_unet"].values())
    train_vae(Team(), mixed, _quiet)
    assert (tiny.work / "vae").exists()


def test_a_batch_is_a_function_of_its_step(tiny: Config) -> None:
    device = torch.device("cpu")
    samples = Samples(tiny, device)
    first, again, other = (samples.batch(step_numbers(device, 3, step, 0), 6) for step in (7, 7, 8))
    for name in ("target", "mask", "subject", "painted", "ids"):
        assert torch.equal(getattr(first, name), getattr(again, name)), name
    assert not torch.equal(first.target, other.target)
    assert first.target.shape == (6, 4, 32, 32) and first.ids.shape == (6, tiny.text.positions)


def test_kinds_are_seen_as_often_as_they_weigh(tiny: Config) -> None:
    weights = dict.fromkeys(KIND_CYCLE[:_SCENES], 0.0) | {KIND_CYCLE[2]: 1.0, KIND_CYCLE[5]: 3.0}
    device = torch.device("cpu")
    samples = Samples(replace(tiny, unet=replace(tiny.unet, kind_weights=weights)), device)
    batch = samples.batch(step_numbers(device, 3, 0, 0), 400)
    cached = load_checkpoint(tiny.work / "latents.pt")
    assert cached is not None
    shows = [
        ((batch.target - cached["scenes"][number].float()) * batch.painted == 0).all((1, 2, 3)) for number in (2, 5)
    ]
    assert (shows[0] | shows[1]).all()
    # Of 400 samples 300, and five standard deviations are 43.
    assert abs(int(shows[1].sum()) - 300) < 43


def test_wide_and_tall_parts_of_pictures_are_seen_as_often_as_the_settings_say(tiny: Config) -> None:
    settings = replace(tiny.unet, window_share=0.5, window_sides=(0.6, 0.9))
    windows = [choose_window(settings, 32, step, rank) for step in range(300) for rank in (0, 1)]
    assert windows[0] == choose_window(settings, 32, 0, 0)
    parts = [each for each in windows if (each.height, each.width) != (32, 32)]
    # 600 throws of a coin: five standard deviations are 61.
    assert abs(len(parts) - 300) < 61
    assert {(each.height == 32, each.width == 32) for each in parts} == {(True, False), (False, True)}
    for each in parts:
        assert 0.6 * 32 - 1 <= min(each.height, each.width) <= 0.9 * 32 + 1
        assert 0 <= each.top <= 32 - each.height and 0 <= each.left <= 32 - each.width


def test_a_window_shows_the_same_part_of_everything(tiny: Config) -> None:
    device = torch.device("cpu")
    batch = Samples(tiny, device).batch(step_numbers(device, 3, 0, 0), 6)
    part = batch.window(Window(top=4, left=0, height=20, width=32))
    for name in ("target", "mask", "subject", "painted"):
        assert torch.equal(getattr(part, name), getattr(batch, name)[:, :, 4:24, :]), name
    assert torch.equal(part.ids, batch.ids)


def test_what_shows_the_subject_is_the_subject(tiny: Config) -> None:
    device = torch.device("cpu")
    batch = Samples(tiny, device).batch(step_numbers(device, 3, 0, 0), 32)
    kept = (batch.painted == 0).expand_as(batch.target)
    assert kept.any()
    assert torch.equal(batch.target[kept], batch.subject[kept])


def test_crops_are_of_the_scenes_or_grey(tiny: Config) -> None:
    draw_scenes(tiny)
    device = torch.device("cpu")
    settings = replace(tiny.vae, photo_like_share=0.0)
    crops = Crops(tiny.work / "scenes", settings, device).batch(step_numbers(device, 1, 0, 0), 40, 16)
    assert crops.shape == (40, 3, 16, 16) and crops.min() >= -1 and crops.max() <= 1
    levels = (crops + 1) * 127.5
    assert (((levels - levels.round()).abs() < 1e-3) | (crops == 0)).all()
    assert 0.02 < (crops == 0).float().mean() < 0.2  # about a fifth of them have a disc, or all but one, in grey


@pytest.mark.parametrize(("step", "share"), [(0, 0.5), (1, 1.0), (2, 0.5), (3, 1.0)])
def test_the_learning_rate_warms_up_at_both_resolutions(step: int, share: float) -> None:
    settings = replace(UnetConfig(), warmup_steps=2)
    switched = 2 if step >= 2 else None
    assert learning_rate(settings, 0.1, step, switched) == pytest.approx(settings.learning_rate * share)


@pytest.mark.parametrize("settings", [UnetConfig(), for_gpu(Config()).unet])
def test_the_learning_rate_ends_near_nothing(settings: UnetConfig) -> None:
    end, switched = steps(settings), low_steps(settings)
    rates = [learning_rate(settings, step / end, step, switched) for step in range(end - 500, end)]
    assert rates[-1] < 0.03 * settings.learning_rate
    assert np.all(np.diff(rates) <= 0)
