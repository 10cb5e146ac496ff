"""Foregrounds and the samples made of them: which side of a mask is painted."""

import numpy as np
import pytest
import torch

from training.batches import Batch
from training.people import draw_foreground
from training.textures import leaf_pile


def test_masks_are_one_where_the_background_is_painted() -> None:
    shares = []
    for seed in range(12):
        foreground = draw_foreground(np.random.default_rng(seed))
        assert foreground.picture.shape == (256, 256, 3)
        assert foreground.picture.dtype == np.uint8
        assert set(np.unique(foreground.mask)) <= {0.0, 1.0}
        shares.append(foreground.mask.mean())
    assert 0.3 < np.mean(shares) < 0.98


def test_foregrounds_are_deterministic() -> None:
    first, again = (draw_foreground(np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first.picture, again.picture)
    assert np.array_equal(first.mask, again.mask)


@pytest.mark.parametrize("side", [64, 256])
def test_leaf_piles_have_contrast_at_any_size(side: int) -> None:
    pile = leaf_pile(np.random.default_rng(0), side)
    assert pile.shape == (side, side, 3)
    assert pile.std() > 10


def test_pooling_a_batch_keeps_every_painted_cell() -> None:
    painted = torch.zeros(1, 1, 32, 32)
    painted[..., 3, 5] = 1
    latents = torch.arange(4 * 32 * 32, dtype=torch.float32).view(1, 4, 32, 32)
    pooled = Batch(latents, painted, latents, painted, torch.zeros(1, 8, dtype=torch.long)).pooled()
    assert pooled.target.shape == (1, 4, 16, 16)
    assert pooled.painted[0, 0, 1, 2] == 1
    assert pooled.painted.sum() == 1
    assert pooled.target[0, 0, 0, 0] == latents[0, 0, :2, :2].mean()
