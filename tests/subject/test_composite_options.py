import numpy as np
import pytest
from scipy import ndimage
from skimage.color import lab2rgb, rgb2lab

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.matting import edge_colours, enlarged_rows
from bgen_core.subject.pasting.compositing import PLAIN, CompositeOptions, composite, effective_alpha, stretched
from bgen_core.subject.pasting.harmonisation import fit_relighting
from bgen_core.subject.pasting.shadow import contact_shadow


def standing(height: int = 300, width: int = 260, *, cut: bool = False) -> np.ndarray:
    """A soft-edged ellipse that stands on ground, or that the lower frame cuts."""
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot((rows - height * (0.9 if cut else 0.5)) / (height * 0.3), (columns - width / 2) / (width * 0.2))
    return np.clip((1 - distance) * 20 + 0.5, 0, 1).astype(np.float32)


def noise(height: int = 300, width: int = 260, seed: int = 0, low: int = 0, high: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, (height, width, 3), np.uint8)


class TestOptions:
    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"edge_softness": -0.1}, "edge softness -0.1 is not allowed: choose 0 to 5"),
            ({"edge_softness": 5.1}, "edge softness 5.1"),
            ({"harmonisation": 1.01}, "harmonisation 1.01 is not allowed: choose 0 to 1"),
            ({"shadow": float("nan")}, "shadow nan is not allowed"),
        ],
    )
    def test_ranges(self, values: dict[str, float], said: str) -> None:
        with pytest.raises(UserInputError, match=said):
            CompositeOptions(**values)

    def test_everything_is_off_by_default(self) -> None:
        """Written down once more in the whole picture at once: photo, background and the mixture of both, rounded."""
        image, alpha, behind = noise(), standing(), noise(64, 96, seed=1)
        colours = edge_colours(image, alpha)
        own = enlarged_rows(colours, Extent.of(image), slice(0, 300))
        pure = np.clip((alpha - 0.9) / (1 - 0.9), 0, 1)[..., None]
        foreground = own + pure * (image - own)
        background = stretched(behind, Extent.of(image)).astype(np.float32)
        share = alpha[..., None]
        expected = np.rint(background + share * (foreground - background)).astype(np.uint8)
        expected = np.where(share >= 1, image, np.where(share <= 0, background.astype(np.uint8), expected))
        np.testing.assert_array_equal(composite(image, alpha, behind), expected)
        np.testing.assert_array_equal(composite(image, alpha, behind, options=PLAIN), expected)
        assert effective_alpha(alpha, PLAIN) is alpha


class TestEdgeSoftness:
    OPTIONS = CompositeOptions(edge_softness=1.5)

    def test_the_alpha_is_blurred(self) -> None:
        expected = ndimage.gaussian_filter(standing(), 0.015 * 260, mode="nearest", truncate=4)
        assert np.abs(effective_alpha(standing(), self.OPTIONS) - expected).max() < 0.02

    def test_the_core_stays_the_photos_own(self) -> None:
        image, alpha, behind = noise(), standing(), noise(seed=1)
        softened = effective_alpha(alpha, self.OPTIONS)
        result = composite(image, alpha, behind, options=self.OPTIONS)
        core, outside = softened == 1, softened == 0
        assert 0.5 * (alpha == 1).sum() < core.sum() < (alpha == 1).sum()
        np.testing.assert_array_equal(result[core], image[core])
        np.testing.assert_array_equal(result[outside], behind[outside])

    def test_a_softer_edge_brings_no_halo(self) -> None:
        """Red in front of green, put on blue: green must not come along, however far the edge reaches."""
        alpha = standing()
        image = np.rint(alpha[..., None] * (200, 40, 30) + (1 - alpha[..., None]) * (20, 180, 40)).astype(np.uint8)
        behind = np.full_like(image, (30, 40, 200))
        result = composite(image, alpha, behind, options=self.OPTIONS)
        band = (effective_alpha(alpha, self.OPTIONS) > 0.02) & (effective_alpha(alpha, self.OPTIONS) < 0.98)
        assert result[band][:, 1].mean() < 60


class TestHarmonisation:
    def test_off_leaves_the_core_alone(self) -> None:
        image, alpha, behind = noise(), standing(), noise(seed=1)
        options = CompositeOptions(shadow=1)
        core = alpha == 1
        np.testing.assert_array_equal(composite(image, alpha, behind, options=options)[core], image[core])

    @pytest.mark.parametrize("strength", [0.3, 1.0])
    def test_the_subject_gets_the_backgrounds_statistics(self, strength: float) -> None:
        """Against skimage's Lab. Of noise at 256 px and more only one pixel in 1.04 is lost to the reduction."""
        image, behind = noise(256, 256, low=90, high=150), noise(256, 256, seed=1, low=100, high=180)
        behind[..., 2] -= 30
        alpha = np.zeros((256, 256), np.float32)
        alpha[60:200, 80:180] = 1
        core = alpha == 1
        result = composite(image, alpha, behind, options=CompositeOptions(harmonisation=strength))
        before, target, after = (rgb2lab(pixels) for pixels in (image[core], behind[~core], result[core]))
        for measure in (np.mean, np.std):
            expected = measure(before, axis=0) + strength * (measure(target, axis=0) - measure(before, axis=0))
            # Rounding to 8 bit, and OpenCV's Lab tables
            np.testing.assert_allclose(measure(after, axis=0), expected, atol=0.5)
        np.testing.assert_array_equal(result[alpha == 0], behind[alpha == 0])

    def test_relit_colours_equal_the_definition(self) -> None:
        image, alpha = noise(256, 256, low=90, high=150), standing(256, 256)
        relighting = fit_relighting(image, alpha, noise(seed=1, low=80, high=160), 0.5)
        assert relighting is not None
        colours = noise(8, 8, seed=2).reshape(-1, 3)
        expected = np.clip(lab2rgb(rgb2lab(colours / 255.0) * relighting.scale + relighting.offset) * 255, 0, 255)
        np.testing.assert_allclose(relighting.apply(colours), expected, atol=1)
        assert relighting.apply(np.zeros((0, 3), np.uint8)).shape == (0, 3)

    def test_a_plain_wall_does_not_make_the_subject_flat(self) -> None:
        image, alpha = noise(low=60, high=200), standing()
        wall = np.full_like(image, 140)
        core = alpha == 1
        result = composite(image, alpha, wall, options=CompositeOptions(harmonisation=1))
        assert result[core].std() > 0.4 * image[core].std()

    @pytest.mark.parametrize("value", [0, 1])
    def test_all_or_nothing_has_no_other_light(self, value: int) -> None:
        image, behind = noise(), noise(seed=1)
        result = composite(
            image, np.full((300, 260), value, np.float32), behind, options=CompositeOptions(harmonisation=1)
        )
        np.testing.assert_array_equal(result, image if value else behind)


class TestShadow:
    @pytest.mark.parametrize("cut", [False, True])
    def test_darkens_the_background_alone(self, cut: bool) -> None:
        image, alpha, behind = noise(), standing(cut=cut), noise(seed=1)
        result = composite(image, alpha, behind, options=CompositeOptions(shadow=1))
        core, outside = alpha == 1, alpha == 0
        np.testing.assert_array_equal(result[core], image[core])
        assert (result[outside] <= behind[outside]).all()
        assert (behind[outside].astype(int) - result[outside]).max() > 40

    @pytest.mark.parametrize("cut", [False, True])
    def test_is_strongest_where_the_subject_meets_the_ground(self, cut: bool) -> None:
        alpha = standing(cut=cut)
        shadow = contact_shadow(alpha)
        lowest = np.flatnonzero((alpha > 0.5).any(axis=1))[-1]
        row, _ = np.unravel_index(shadow.argmax(), shadow.shape)
        assert shadow.max() == pytest.approx(0.65)
        assert abs(row - lowest) < 0.06 * 300
        assert not shadow[: int(0.3 * lowest)].any() or shadow[: int(0.3 * lowest)].max() < 0.01
        visible = np.where(alpha > 0, 0, shadow)
        beside = visible[int(lowest) - 5 : int(lowest) + 1 if cut else int(lowest) + 8]
        assert beside.max() > 0.2

    def test_half_the_strength_takes_half_the_light(self) -> None:
        image, alpha, behind = noise(), standing(), np.full((300, 260, 3), 200, np.uint8)
        outside = alpha == 0
        full, half = (
            200.0 - composite(image, alpha, behind, options=CompositeOptions(shadow=s))[outside] for s in (1.0, 0.5)
        )
        assert np.abs(full - 2 * half).max() <= 2  # both are rounded

    def test_of_nobody(self) -> None:
        assert not contact_shadow(np.zeros((50, 60), np.float32)).any()
