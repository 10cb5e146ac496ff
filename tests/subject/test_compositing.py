import cv2
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.matting import edge_colours, enlarged_rows, refine_edges, strips
from bgen_core.subject.pasting.compositing import composite, cut_out_colours, stretched
from bgen_core.subject.previews import as_grey, on_checkerboard


def blob(height: int, width: int, softness: float = 6) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot((rows - height / 2) / height, (columns - width / 2) / width) * min(height, width)
    return np.clip((min(height, width) * 0.3 - distance) / softness + 0.5, 0, 1).astype(np.float32)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def guided_window_by_window(guide: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The filter's definition with a radius of 1, mirrored at the frame."""
    height, width = target.shape

    def window(values: np.ndarray, row: int, column: int) -> np.ndarray:
        rows, columns = (np.arange(centre - 1, centre + 2) for centre in (row, column))
        rows, columns = np.where(rows < 0, -rows - 1, rows), np.where(columns < 0, -columns - 1, columns)
        rows = np.where(rows >= height, 2 * height - 1 - rows, rows)
        columns = np.where(columns >= width, 2 * width - 1 - columns, columns)
        return values[np.ix_(rows, columns)]

    slopes, offsets, filtered = np.empty((height, width, 3)), np.empty((height, width)), np.empty((height, width))
    for row, column in np.ndindex(height, width):
        colours = window(guide, row, column).reshape(-1, 3)
        wanted = window(target, row, column).ravel()
        covariance = np.cov(colours.T, bias=True) + 1e-4 * np.eye(3)
        cross = (colours * wanted[:, None]).mean(0) - colours.mean(0) * wanted.mean()
        slopes[row, column] = np.linalg.solve(covariance, cross)
        offsets[row, column] = wanted.mean() - slopes[row, column] @ colours.mean(0)
    for row, column in np.ndindex(height, width):
        slope = window(slopes, row, column).mean((0, 1))
        filtered[row, column] = slope @ guide[row, column] + window(offsets, row, column).mean()
    return filtered


class TestComposite:
    @pytest.mark.parametrize(
        ("height", "width", "background"),
        [(300, 401, (64, 96)), (256, 256, (256, 256)), (257, 64, (512, 640)), (64, 64, (1, 1))],
    )
    def test_core_and_background_are_exact(self, height: int, width: int, background: tuple[int, int]) -> None:
        image, alpha, behind = noise(height, width), blob(height, width), noise(*background, seed=1)
        kept = behind.copy()
        result = composite(image, alpha, behind)
        core, outside = alpha == 1, alpha == 0
        assert core.any()
        assert outside.any()
        np.testing.assert_array_equal(result[core], image[core])
        np.testing.assert_array_equal(result[outside], stretched(behind, Extent.of(image))[outside])
        np.testing.assert_array_equal(behind, kept)

    @pytest.mark.slow
    def test_twelve_megapixels(self) -> None:
        image = cv2.resize(noise(300, 400), (4000, 3000), interpolation=cv2.INTER_CUBIC)
        alpha, behind = blob(3000, 4000, softness=60), noise(512, 512, seed=1)
        result = composite(image, alpha, behind)
        np.testing.assert_array_equal(result[alpha == 1], image[alpha == 1])
        np.testing.assert_array_equal(result[alpha == 0], stretched(behind, Extent.of(image))[alpha == 0])

    @pytest.mark.parametrize("value", [0, 1])
    def test_all_or_nothing(self, value: int) -> None:
        image, behind = noise(90, 80), noise(90, 80, seed=1)
        result = composite(image, np.full((90, 80), value, np.float32), behind)
        np.testing.assert_array_equal(result, image if value else behind)

    def test_the_old_background_does_not_come_along(self) -> None:
        """A known truth: one colour in front of one colour, mixed with a known alpha, put on a third."""
        red, green, blue = (np.array(colour, np.float32) for colour in ((200, 40, 30), (20, 180, 40), (30, 40, 200)))
        alpha = blob(400, 400, softness=20)[..., None]
        image = np.rint(alpha * red + (1 - alpha) * green).astype(np.uint8)
        behind = np.rint(np.ones((400, 400, 1)) * blue).astype(np.uint8)
        truth = alpha * red + (1 - alpha) * blue
        plain = alpha * image + (1 - alpha) * blue
        band = ((alpha > 0) & (alpha < 1))[..., 0]
        error = np.abs(composite(image, alpha[..., 0], behind) - truth)[band].mean()
        assert error < 0.45 * np.abs(plain - truth)[band].mean()

    def test_colours_given_or_estimated(self) -> None:
        image, alpha, behind = noise(300, 300), blob(300, 300), noise(64, 64, seed=1)
        given = composite(image, alpha, behind, colours=edge_colours(image, alpha))
        np.testing.assert_array_equal(given, composite(image, alpha, behind))

    def test_sizes_that_do_not_fit(self) -> None:
        with pytest.raises(UserInputError, match="alpha is 80 × 90 pixels, but the photo is 90 × 80"):
            composite(noise(80, 90), blob(90, 80), noise(8, 8))

    def test_enlarging_is_close_to_pillow(self) -> None:
        small = cv2.GaussianBlur(noise(64, 64), (0, 0), 4)
        expected = np.asarray(Image.fromarray(small).resize((512, 384), Image.Resampling.BICUBIC))
        assert np.abs(stretched(small, Extent(width=512, height=384)).astype(int) - expected).max() <= 3

    def test_cut_out_colours_leave_the_core_alone(self) -> None:
        image, alpha = noise(300, 300), blob(300, 300)
        result = cut_out_colours(image, alpha)
        hard = (alpha == 0) | (alpha == 1)
        np.testing.assert_array_equal(result[hard], image[hard])
        assert (result[~hard] != image[~hard]).any()


class TestMatting:
    def test_edges_follow_the_photo(self) -> None:
        """A coarse mask that is a few pixels off finds the edge between two colours."""
        truth = blob(600, 600, softness=1.5)
        image = np.rint(truth[..., None] * (180, 90, 60) + (1 - truth[..., None]) * (60, 120, 170)).astype(np.uint8)
        coarse = cv2.GaussianBlur(np.roll(truth, 4, axis=1), (0, 0), 6)
        refined = refine_edges(image, cv2.resize(coarse, (256, 256), interpolation=cv2.INTER_AREA))
        assert refined.dtype == np.float32
        assert np.abs(refined - truth).mean() < 0.4 * np.abs(coarse - truth).mean()
        assert refined.min() == 0
        assert refined.max() == 1

    @pytest.mark.slow
    def test_equals_the_definition(self) -> None:
        """The colour guided filter solved window by window (He, Sun, Tang 2010, equations 14 to 16), and once more."""
        image, coarse = noise(40, 44), np.random.default_rng(4).random((40, 44)).astype(np.float32)
        expected = guided_window_by_window(image / 255, coarse)
        expected = guided_window_by_window(image / 255, np.clip((expected - 0.15) / 0.7, 0, 1))
        expected = np.clip((expected - 0.15) / 0.7, 0, 1)
        # float32 sums of squares against float64, steepened by the levels of the first pass
        np.testing.assert_allclose(refine_edges(image, coarse), expected, atol=4e-3)

    def test_tiles_far_from_an_edge_are_not_computed_differently(self) -> None:
        """A photo of many tiles: what is skipped as sure equals what the filter would give there."""
        truth = blob(700, 900, softness=1.5)
        image = np.rint(truth[..., None] * (180, 90, 60) + (1 - truth[..., None]) * (60, 120, 170)).astype(np.uint8)
        image = np.clip(image + np.random.default_rng(0).integers(-9, 10, image.shape), 0, 255).astype(np.uint8)
        refined = refine_edges(image, truth)
        distance = ndimage.distance_transform_edt(truth > 0.5) - ndimage.distance_transform_edt(truth <= 0.5)
        reach = 900 * 4 * 0.01 + 4
        assert (refined[distance > reach] == 1).all()
        assert (refined[distance < -reach] == 0).all()
        for seam in (256, 512):
            assert np.abs(refined[:, seam] - refined[:, seam - 1])[np.abs(distance[:, seam]) > 12].max() < 0.1

    def test_nothing_stays_nothing(self) -> None:
        assert not refine_edges(noise(300, 200), np.zeros((30, 20), np.float32)).any()

    def test_rows_far_from_the_mask_are_empty(self) -> None:
        coarse = np.zeros((512, 512), np.float32)
        coarse[200:260, 100:300] = 1
        alpha = refine_edges(noise(1024, 1024), coarse)
        assert alpha[400:520].any()
        assert not alpha[:340].any()
        assert not alpha[580:].any()

    def test_strips_cover_every_row_once(self) -> None:
        for height in (1, 255, 256, 257, 3000):
            rows = np.concatenate([np.arange(height)[strip] for strip in strips(height)])
            np.testing.assert_array_equal(rows, np.arange(height))

    def test_enlarged_rows_equal_the_whole(self) -> None:
        small = np.random.default_rng(2).random((37, 53, 3)).astype(np.float32)
        extent = Extent(width=640, height=700)
        whole = cv2.resize(small, (640, 700), interpolation=cv2.INTER_LINEAR)
        parts = np.concatenate([enlarged_rows(small, extent, rows) for rows in strips(700)])
        # warpAffine interpolates at 1/32 of a pixel
        assert np.abs(parts - whole).max() < 1 / 32 + 1e-3


class TestPreviews:
    def test_checkerboard(self) -> None:
        image, alpha = noise(96, 96), blob(96, 96)
        result = on_checkerboard(image, alpha)
        np.testing.assert_array_equal(result[alpha == 1], image[alpha == 1])
        assert set(np.unique(result[alpha == 0])) == {214, 244}

    def test_grey(self) -> None:
        np.testing.assert_array_equal(as_grey(np.array([[0, 0.5, 1]], np.float32)), [[0, 128, 255]])
