"""Maps of pictures whose truth is planted: which part of the picture follows which axis, the seed, or both."""

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from bgen_core.runs.analysis.axis_maps.maps import AxisMaps, axis_maps
from bgen_core.runs.analysis.axis_maps.variance import TOGETHER, WITH_SEED, Design, lab, variance_map
from bgen_core.runs.analysis.columns import AxisColumn

GUIDANCE = AxisColumn(name="guidance", label="Guidance")
STEPS = AxisColumn(name="steps", label="Steps")
SEED = AxisColumn(name="seed", label="Seed")
SIDE = 48
THIRD = SIDE // 3
NOISE = 3.0  # levels of 255

Paint = Callable[[np.ndarray, tuple[int, ...]], None]


def painted(shape: Sequence[int], paint: Paint, *, seed: int = 0) -> dict[tuple[int, ...], np.ndarray]:
    """A grey picture for each cell, painted upon, with noise of its own at each pixel."""
    random = np.random.default_rng(seed)
    found: dict[tuple[int, ...], np.ndarray] = {}
    for cell in itertools.product(*map(range, shape)):
        canvas = np.full((SIDE, SIDE, 3), 128.0)
        paint(canvas, cell)
        noisy = canvas + random.normal(0, NOISE, (SIDE, SIDE, 1))
        found[cell] = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return found


def levels(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 25, (count, 3))


def thirds(shape: tuple[int, int, int]) -> Paint:
    """The top follows guidance, the bottom the seed, and in the middle guidance does another thing with each seed."""
    of_guidance, of_seed = levels(shape[0], 1), levels(shape[2], 2)
    of_both = np.random.default_rng(3).normal(0, 25, (shape[0], shape[2], 3))

    def paint(canvas: np.ndarray, cell: tuple[int, ...]) -> None:
        canvas[:THIRD] += of_guidance[cell[0]]
        canvas[THIRD : 2 * THIRD] += of_both[cell[0], cell[2]]
        canvas[2 * THIRD :] += of_seed[cell[2]]

    return paint


def test_what_was_planted_is_found_where_it_was_planted() -> None:
    shape = (3, 2, 6)
    pictures = painted(shape, thirds(shape))
    maps = axis_maps(pictures, [GUIDANCE, STEPS, SEED], shape)
    # What noise adds belongs to no axis; 768 pixels of 36 cells tell a share near 1 far better than to 0.03.
    greys = np.clip(np.rint(128 + np.random.default_rng(9).normal(0, NOISE, (1, 400, 1, 1))), 0, 255).astype(np.uint8)
    noise = float(lab(greys.repeat(3, axis=3)).var(axis=1).sum())
    for place, part in (("the top", "guidance"), ("the bottom", "seed")):
        found = maps.places[place]
        assert found.shares[part] == pytest.approx(1 - noise / found.spread**2, abs=0.03)
        assert part in found.clear
    middle = maps.places["the middle"]
    # 3 × 6 levels drawn by chance: guidance and seed have a share of 0 on average, and by their 2 and 5 degrees of
    # freedom in 3 colours a standard error of about 0.15 and 0.25
    assert middle.shares[WITH_SEED] > 0.5
    assert middle.leader == WITH_SEED
    assert maps.places["the whole background"].shares["steps"] == pytest.approx(0, abs=0.02)
    assert [sentence.split(" (")[0] for sentence in maps.sentences] == [
        "The top follows guidance",
        "The bottom follows the seed",
        "In the middle, what guidance or steps does differs from seed to seed",
        "No part of the picture follows steps beyond chance.",
    ]


def test_each_pixel_of_the_map_says_so_too() -> None:
    shape = (3, 2, 6)
    maps = axis_maps(painted(shape, thirds(shape)), [GUIDANCE, STEPS, SEED], shape)
    inner = slice(3, THIRD - 3)  # beyond three radii of the window lies nothing of the neighbour
    assert maps.shares["guidance"][inner].min() > 0.8
    assert maps.shares["guidance"][2 * THIRD + 3 :].max() < 0.1
    assert maps.shares["seed"][2 * THIRD + 3 :].min() > 0.8
    assert maps.shares["steps"].max() < 0.1
    total = np.sum(list(maps.shares.values()), axis=0)
    assert total == pytest.approx(np.ones((SIDE, SIDE)), abs=1e-5)


@pytest.mark.parametrize("shape", [(2, 4), (5, 3), (8, 8)])
def test_an_axis_that_does_nothing_has_a_share_of_nothing(shape: tuple[int, int]) -> None:
    """η² would say 1 / cells and more: of 5 × 3 independent pictures 4 / 14."""
    random = np.random.default_rng(4)
    stack = random.integers(0, 256, (math.prod(shape), SIDE, SIDE, 3)).astype(np.uint8)
    found = variance_map(stack, Design(names=("guidance", "seed"), levels=shape))
    parts = found.within(np.ones((SIDE, SIDE)))
    # MS(guidance) is over df · 2304 pixels of about 3 independent coordinates; its chance term is known better
    freedom = shape[0] - 1
    error = freedom * math.sqrt(2 / (freedom * SIDE * SIDE)) * math.sqrt(2) / math.prod(shape)
    assert parts["guidance"] / sum(parts.values()) == pytest.approx(0, abs=4 * error)
    assert parts[WITH_SEED] / sum(parts.values()) == pytest.approx(1, abs=0.05)


def test_the_parts_are_those_of_a_textbook() -> None:
    """One pixel, two axes and a seed, against the components by hand from the mean squares."""
    random = np.random.default_rng(7)
    stack = random.integers(0, 256, (3 * 2 * 4, 1, 1, 3)).astype(np.uint8)
    found = variance_map(stack, Design(names=("guidance", "steps", "seed"), levels=(3, 2, 4)))
    values = lab(stack).reshape(3, 2, 4, 3).astype(float)
    values -= values.mean(axis=(0, 1, 2))
    a, b, s = values.mean(axis=(1, 2)), values.mean(axis=(0, 2)), values.mean(axis=(0, 1))
    ab = values.mean(axis=2) - a[:, None] - b
    a_s = values.mean(axis=1) - a[:, None] - s
    bs = values.mean(axis=0) - b[:, None] - s
    rest = values - a[:, None, None] - b[None, :, None] - s - ab[:, :, None] - a_s[:, None, :] - bs[None]
    ms_a, ms_as = 8 * (a**2).sum() / 2, 2 * (a_s**2).sum() / 6
    ms_s, ms_bs, ms_rest = 6 * (s**2).sum() / 3, 3 * (bs**2).sum() / 3, (rest**2).sum() / 6
    ms_ab = 4 * (ab**2).sum() / 2
    assert float(found.parts["guidance"][0, 0]) == pytest.approx(2 * (ms_a - ms_as) / 24, rel=1e-4)
    assert float(found.parts[TOGETHER][0, 0]) == pytest.approx(2 * (ms_ab - ms_rest) / 24, rel=1e-4)
    assert float(found.parts["seed"][0, 0]) == pytest.approx((ms_s - ms_as - ms_bs + ms_rest) / 6, rel=1e-4)
    with_seed = (ms_as - ms_rest) / 2 + (ms_bs - ms_rest) / 3 + ms_rest
    assert float(found.parts[WITH_SEED][0, 0]) == pytest.approx(with_seed, rel=1e-4)


def test_the_subject_is_left_out() -> None:
    shape = (3, 4)
    of_seed = levels(4, 5)

    def paint(canvas: np.ndarray, cell: tuple[int, ...]) -> None:
        canvas += levels(3, 6)[cell[0]]
        canvas[12:36, 12:36] = 128 + of_seed[cell[1]]  # a subject that only the seed changes

    alpha = np.zeros((96, 96), np.float32)
    alpha[24:72, 24:72] = 1
    pictures = painted(shape, paint)
    masked, whole = (axis_maps(pictures, [GUIDANCE, SEED], shape, alpha=each) for each in (alpha, None))
    assert masked.sentences == ("The whole background follows guidance (nearly all of what changes there).",)
    assert not masked.visible[12:36, 12:36].any()
    assert whole.places["the whole background"].shares["seed"] > 0.2


def test_nothing_is_claimed_of_pictures_in_which_nothing_changes_visibly() -> None:
    pictures = painted((3, 4), lambda canvas, cell: None)
    for cell in pictures:
        pictures[cell] = np.full_like(pictures[cell], 128) + np.uint8(sum(cell) % 2)
    maps = axis_maps(pictures, [GUIDANCE, SEED], (3, 4))
    assert maps.sentences == ("Whatever is varied, the background hardly changes: no difference can be seen.",)
    assert not maps.visible.any()


def of_noise(cells: int, *, shape: tuple[int, int], random: np.random.Generator) -> AxisMaps:
    """Pictures of broad patches of colour that are another thing in each cell, with something of the seed in all."""
    patches = random.normal(0, 30, (*shape, 4, 4, 3)) + random.normal(0, 30, (1, shape[1], 4, 4, 3))
    pictures = {
        cell: np.clip(128 + patches[cell].repeat(6, 0).repeat(6, 1), 0, 255).astype(np.uint8)
        for cell in itertools.product(*map(range, shape))
    }
    return axis_maps(pictures, [GUIDANCE, SEED], shape)


@pytest.mark.parametrize("shape", [(2, 3), (3, 4), (4, 8)])
def test_of_sweeps_in_which_guidance_does_nothing_hardly_any_says_that_it_does(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(11)
    claimed = sum(
        any("guidance" in place.clear for place in of_noise(0, shape=shape, random=random).places.values())
        for _ in range(40)
    )
    assert claimed <= 5  # of 40 with 5 % each: more has a chance of 1.4 %


def test_of_an_incomplete_grid_the_largest_complete_part_is_told() -> None:
    shape = (3, 2, 6)
    pictures = painted(shape, thirds(shape))
    del pictures[0, 1, 5]
    maps = axis_maps(pictures, [GUIDANCE, STEPS, SEED], shape)
    assert maps.pictures == 30
    assert maps.sentences[-1] == ("This is of 30 pictures of 36: others are missing, so 1 of 6 seeds is left out.")
    assert maps.places["the top"].leader == "guidance"


@pytest.mark.parametrize(
    ("shape", "axes", "said"),
    [
        ((3,), [GUIDANCE], "Only guidance was varied, with one seed: what it does cannot be told from chance. "),
        ((4,), [SEED], "Only the seed was varied, so all that changes is the seed's: no map says more."),
    ],
)
def test_one_axis_alone_has_no_map(shape: tuple[int, ...], axes: list[AxisColumn], said: str) -> None:
    maps = axis_maps(painted(shape, lambda canvas, cell: None), axes, shape)
    assert maps.shares == {}
    assert maps.sentences[0].startswith(said)


def test_without_several_seeds_the_seeds_share_is_not_told() -> None:
    def paint(canvas: np.ndarray, cell: tuple[int, ...]) -> None:
        canvas[:THIRD] += levels(3, 1)[cell[0]]

    maps = axis_maps(painted((3, 3), paint), [GUIDANCE, STEPS], (3, 3))
    assert set(maps.shares) == {"guidance", "steps", TOGETHER}
    assert maps.sentences[0] == "The top follows guidance (about 95 % of what changes there)."
    assert maps.sentences[1] == "Nothing visible changes in the middle and at the bottom."
    assert maps.sentences[-1] == "All pictures have one seed: how much another seed would change cannot be told."


def test_without_pictures_one_sentence_says_so() -> None:
    assert axis_maps({}, [GUIDANCE, SEED], (2, 2)).sentences == (
        "There is nothing to compare: no picture of this sweep can be read.",
    )
    one = axis_maps(painted((1, 1), lambda canvas, cell: None), [GUIDANCE, SEED], (2, 2))
    assert one.shares == {}
    assert one.sentences[0].startswith("Too few pictures are there")
