"""Rendered scenes: every kind, in range, and a function of the seed alone."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from training.config import RenderConfig
from training.render import KIND_CYCLE, drawing, load_traits, render_chunks, render_numbered
from training.scenes.light import PALETTES
from training.scenes.registry import KINDS, render
from training.vocabulary import COLOURS

pytestmark = pytest.mark.slow


def test_there_are_at_least_twenty_kinds() -> None:
    assert len(set(KINDS)) >= 20
    assert set(KIND_CYCLE) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_is_a_picture_with_structure(kind: str) -> None:
    scene = render(np.random.default_rng([1, 2]), kind)
    assert scene.picture.shape == (256, 256, 3)
    assert scene.picture.dtype == np.float32
    assert 0 <= scene.picture.min() < scene.picture.max() <= 1
    assert scene.picture.std() > 0.005
    assert scene.traits.kind == kind
    assert scene.traits.time is None or scene.traits.time in PALETTES
    assert set(scene.traits.colours) <= set(COLOURS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_always_gives_the_same_picture_and_another_seed_another(kind: str) -> None:
    first, traits = render_numbered(3, 7, kind)
    again, same_traits = render_numbered(3, 7, kind)
    other, _ = render_numbered(3, 8, kind)
    assert np.array_equal(first, again)
    assert traits == same_traits
    assert not np.array_equal(first, other)


def test_chunks_resume_without_changing_what_is_there(tmp_path) -> None:
    config = RenderConfig(scenes=4, chunk=2)
    assert list(render_chunks(tmp_path, config)) == [0, 1]
    kept = np.load(tmp_path / "scenes_0001.npy")
    (tmp_path / "scenes_0000.npy").unlink()
    assert list(render_chunks(tmp_path, config)) == [0]
    assert np.array_equal(np.load(tmp_path / "scenes_0001.npy"), kept)
    picture, traits = render_numbered(config.seed, 3)
    assert np.array_equal(kept[1], picture)
    assert load_traits(tmp_path / "scenes_0001.json")[1] == traits


def test_a_larger_picture_shows_the_same_scene_finer() -> None:
    """Drawn by a process of its own, since a process draws one size."""
    draw = (
        "import sys; import numpy as np; from training.render import render_numbered; "
        "np.save(sys.stdout.buffer, np.stack([render_numbered(3, 7, kind)[0] for kind in sys.argv[1:]]))"
    )
    with drawing(384):
        drawn = subprocess.run([sys.executable, "-c", draw, *KINDS], capture_output=True, check=True)
    larger = np.load(io.BytesIO(drawn.stdout))
    assert larger.shape == (len(KINDS), 384, 384, 3)
    for kind, picture in zip(KINDS, larger, strict=True):
        smaller, _ = render_numbered(3, 7, kind)
        assert smaller.shape == (256, 256, 3)
        shrunk = np.asarray(Image.fromarray(picture).resize((256, 256), Image.Resampling.BOX), np.float32)
        other, _ = render_numbered(3, 8, kind)
        same, different = (np.abs(shrunk - each).mean() for each in (smaller, other))
        if kind != "brick":  # bricks keep their size in pixels
            assert same < different / 4, kind


def test_night_is_darker_than_day() -> None:
    means: dict[str, list[float]] = {"day": [], "night": []}
    for seed in range(40):
        scene = render(np.random.default_rng(seed), "beach")
        if scene.traits.time in means:
            means[scene.traits.time].append(float(scene.picture.mean()))
    assert max(means["night"]) < min(means["day"])
