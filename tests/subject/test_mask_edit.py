import json

import numpy as np
import pytest
from scipy import ndimage
from skimage import draw

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.edit import MaskEdit, Stroke
from bgen_core.subject.masks import apply_edit, feather, grow, paint, repaint_mask, shift_edge


def disc(radius: float = 30, size: int = 120) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size]
    return np.clip(radius + 0.5 - np.hypot(rows - size / 2, columns - size / 2), 0, 1).astype(np.float32)


STROKES = (
    Stroke(mode="add", size=12, points=((10.5, 20), (80, 90.5))),
    Stroke(mode="erase", size=5.5, points=((60, 60),)),
)


class TestMaskEdit:
    def test_json_round_trip(self) -> None:
        edit = MaskEdit(threshold=0.3, grow=-2.5, feather=1.5, strokes=STROKES, inverted=True)
        assert MaskEdit.from_json(json.loads(json.dumps(edit.to_json()))) == edit

    @pytest.mark.parametrize(
        "edit",
        [
            MaskEdit(),
            MaskEdit(threshold=0.3, grow=3, feather=1.5, strokes=STROKES),
            MaskEdit(grow=-2, strokes=STROKES, kept_regions=((60.0, 60.0),), inverted=True),
        ],
    )
    def test_the_inverse_keeps_the_rest(self, edit: MaskEdit) -> None:
        alpha = disc()
        np.testing.assert_allclose(apply_edit(alpha, edit.inverse()), 1 - apply_edit(alpha, edit), atol=2 / 255)
        assert edit.inverse().inverse() == edit

    def test_missing_entries_have_their_defaults(self) -> None:
        assert MaskEdit.from_json({}) == MaskEdit(way=1)  # written before masks said how they were made
        assert MaskEdit().changes_nothing
        assert not MaskEdit(strokes=STROKES).changes_nothing

    def test_scaled(self) -> None:
        scaled = MaskEdit(threshold=0.3, grow=4, feather=2, strokes=STROKES).scaled(0.5)
        assert (scaled.threshold, scaled.grow, scaled.feather) == (0.3, 2, 1)
        assert scaled.strokes[0] == Stroke(mode="add", size=6, points=((5.25, 10), (40, 45.25)))

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ({"threshold": 0}, "threshold of 0 is not allowed: 0.02 to 0.98"),
            ({"threshold": float("nan")}, "threshold of nan is not allowed"),
            ({"grow": 1e9}, "grow of 1e.09 is not allowed"),
            ({"feather": -1}, "feather of -1 is not allowed: 0 to 200 pixels"),
            ({"threshold": "much"}, "cannot be read"),
            ({"strokes": 3}, "cannot be read"),
            ({"strokes": [{"mode": "add"}]}, "cannot be read"),
            ({"strokes": [{"mode": "smear", "size": 3, "points": [[1, 2]]}]}, "'smear' is not known"),
            ({"strokes": [{"mode": "add", "size": 0, "points": [[1, 2]]}]}, "size 0 is not allowed"),
            ({"strokes": [{"mode": "add", "size": 3, "points": []}]}, "at least one point"),
            ({"strokes": [{"mode": "add", "size": 3, "points": [[1, float("inf")]]}]}, "finite"),
            ({"strokes": [{"mode": "add", "size": 3, "points": [[1]]}]}, "cannot be read"),
        ],
    )
    def test_what_is_refused(self, content: dict, said: str) -> None:
        with pytest.raises(UserInputError, match=said):
            MaskEdit.from_json(content)


class TestShapes:
    def test_no_edit_is_the_same_array(self) -> None:
        alpha = disc()
        assert apply_edit(alpha, MaskEdit()) is alpha

    @pytest.mark.parametrize("threshold", [0.02, 0.2, 0.5, 0.7, 0.98])
    def test_the_edge_moves_to_the_threshold(self, threshold: float) -> None:
        alpha = np.linspace(0, 1, 1001, dtype=np.float32)[None]
        shifted = shift_edge(alpha, threshold)[0]
        assert shifted[0] == 0
        assert shifted[-1] == pytest.approx(1)
        assert (np.diff(shifted) >= 0).all()
        assert shifted[round(threshold * 1000)] == pytest.approx(0.5, abs=1e-3)
        if threshold == 0.5:
            np.testing.assert_allclose(shifted, alpha[0], atol=1e-6)

    @pytest.mark.parametrize("pixels", [-20, -7, -3, -1, 1, 2, 5, 13, 20])
    def test_growing_a_disc_changes_its_radius(self, pixels: int) -> None:
        # The digital discs that a large one is made of are polygons: up to 4 % off the circle.
        area = grow(disc(), pixels).sum()
        radius = np.sqrt(area / np.pi)
        assert radius == pytest.approx(30 + pixels, abs=0.6 + 0.04 * abs(pixels))

    @pytest.mark.parametrize("pixels", [1, 3])
    def test_growing_equals_scipy(self, pixels: int) -> None:
        alpha = np.rint(np.random.default_rng(3).random((60, 70)) * 255).astype(np.float32) / np.float32(255)
        rows, columns = np.mgrid[-pixels : pixels + 1, -pixels : pixels + 1]
        footprint = rows**2 + columns**2 <= pixels**2 + pixels * 0.5
        np.testing.assert_allclose(
            grow(alpha, pixels), ndimage.grey_dilation(alpha, footprint=footprint, mode="constant"), atol=1e-6
        )
        np.testing.assert_allclose(
            grow(alpha, -pixels),
            ndimage.grey_erosion(alpha, footprint=footprint, mode="constant", cval=1),
            atol=1e-6,
        )

    def test_growing_between_whole_pixels(self) -> None:
        areas = [grow(disc(), pixels).sum() for pixels in (2, 2.25, 2.5, 2.75, 3)]
        assert areas == sorted(areas)
        assert areas[2] == pytest.approx((areas[0] + areas[4]) / 2, rel=1e-3)

    def test_a_body_cut_by_the_frame_is_not_shrunk_there(self) -> None:
        alpha = np.zeros((60, 60), np.float32)
        alpha[20:, :] = 1
        shrunk = grow(alpha, -6)
        assert (shrunk[26:] == 1).all()
        assert (shrunk[:26] == 0).all()

    @pytest.mark.parametrize("sigma", [0.5, 2, 5])
    def test_feather_equals_scipy(self, sigma: float) -> None:
        expected = ndimage.gaussian_filter(disc(), sigma, mode="nearest", truncate=4)
        assert np.abs(feather(disc(), sigma) - expected).max() < 0.02

    def test_a_wide_feather_at_reduced_resolution(self) -> None:
        alpha = disc(120, 400)
        expected = ndimage.gaussian_filter(alpha, 25, mode="nearest", truncate=4)
        assert np.abs(feather(alpha, 25) - expected).max() < 0.02

    def test_order_of_application(self) -> None:
        edit = MaskEdit(threshold=0.4, grow=3, feather=2, strokes=STROKES)
        expected = paint(feather(grow(shift_edge(disc(), 0.4), 3), 2), STROKES)
        np.testing.assert_array_equal(apply_edit(disc(), edit), expected)


class TestPaint:
    @pytest.mark.parametrize("size", [1, 3, 20, 55.5])
    @pytest.mark.parametrize("centre", [(60, 60), (30.25, 71.75)])
    def test_a_point_is_a_disc(self, size: float, centre: tuple[float, float]) -> None:
        painted = paint(np.zeros((120, 120), np.float32), (Stroke(mode="add", size=size, points=(centre,)),))
        rows, columns = np.nonzero(painted > 0)
        weights = painted[rows, columns]
        assert np.average(columns + 0.5, weights=weights) == pytest.approx(centre[0], abs=0.3)
        assert np.average(rows + 0.5, weights=weights) == pytest.approx(centre[1], abs=0.3)
        assert 2 * np.sqrt(painted.sum() / np.pi) == pytest.approx(size, abs=0.4 if size > 2 else 1)

    def test_a_line_equals_skimage(self) -> None:
        stroke = Stroke(mode="add", size=14, points=((20, 25), (90, 80), (95, 30)))
        painted = paint(np.zeros((120, 120), np.float32), (stroke,)) > 0.5
        expected = np.zeros((120, 120), bool)
        for start, stop in zip(stroke.points, stroke.points[1:], strict=False):
            for t in np.linspace(0, 1, 200):
                x, y = np.array(start) * (1 - t) + np.array(stop) * t
                expected[draw.disk((y - 0.5, x - 0.5), 7, shape=expected.shape)] = True
        assert (painted & expected).sum() / (painted | expected).sum() > 0.97

    def test_strokes_are_replayed_in_order(self) -> None:
        add = Stroke(mode="add", size=30, points=((50, 50),))
        erase = Stroke(mode="erase", size=30, points=((50, 50),))
        empty = np.zeros((100, 100), np.float32)
        # Where both cover a pixel by a share, share × (1 − share) of it is left.
        assert paint(empty, (add, erase)).max() <= 0.25
        assert paint(empty, (add, erase))[40:60, 40:60].max() == 0
        assert paint(empty, (erase, add))[50, 50] == 1
        assert not empty.any()

    def test_soft_edges_are_kept_around_a_stroke(self) -> None:
        alpha = np.full((100, 100), 0.4, np.float32)
        painted = paint(alpha, (Stroke(mode="add", size=10, points=((50, 50),)),))
        assert painted[50, 50] == 1
        assert painted[10, 10] == np.float32(0.4)
        assert painted.min() == np.float32(0.4)

    @pytest.mark.parametrize(
        "points",
        [
            ((-50, -50),),
            ((-500, 40), (600, 40)),
            ((1e12, 1e12), (-1e12, -1e12)),
            ((119.99, 119.99),),
            ((60, 60), (60, 60), (60, 60)),
        ],
    )
    def test_strokes_beyond_the_frame(self, points: tuple) -> None:
        painted = paint(np.zeros((120, 120), np.float32), (Stroke(mode="add", size=20, points=points),))
        assert painted.shape == (120, 120)
        assert 0 <= painted.min() <= painted.max() <= 1
        assert painted.any() == (points[0] != (-50, -50))

    def test_the_same_edit_at_another_scale(self) -> None:
        edit = MaskEdit(grow=4, feather=2, strokes=STROKES)
        full = apply_edit(disc(120, 480), edit.scaled(4))
        small = apply_edit(disc(30, 120), edit)
        reduced = full.reshape(120, 4, 120, 4).mean(axis=(1, 3))
        assert np.abs(reduced - small).mean() < 0.01


class TestRepaintMask:
    EXTENT = Extent(width=120, height=120)

    def test_plain(self) -> None:
        mask = repaint_mask(disc(), self.EXTENT, 0, 0)
        assert mask.dtype == np.uint8
        np.testing.assert_array_equal(mask, np.rint((1 - disc()) * 255).astype(np.uint8))

    def test_at_the_models_size(self) -> None:
        mask = repaint_mask(disc(120, 480), self.EXTENT, 0, 0)
        assert mask.shape == (120, 120)
        assert np.abs(mask / 255 - (1 - disc())).mean() < 0.01

    @pytest.mark.parametrize("percent", [1, 5, 10])
    def test_grow_reaches_into_the_subject(self, percent: float) -> None:
        kept = 1 - repaint_mask(disc(), self.EXTENT, percent, 0) / 255
        assert np.sqrt(kept.sum() / np.pi) == pytest.approx(30 - percent / 100 * 120, abs=0.8)

    def test_growing_never_keeps_more(self) -> None:
        plain, grown = (repaint_mask(disc(), self.EXTENT, percent, 0) for percent in (0, 3))
        assert (grown >= plain).all()

    def test_the_frame_is_no_edge(self) -> None:
        alpha = np.zeros((120, 120), np.float32)
        alpha[60:, 30:90] = 1
        mask = repaint_mask(alpha, self.EXTENT, 5, 0)
        assert (mask[-1, 45:75] == 0).all()

    def test_feather_softens(self) -> None:
        mask = repaint_mask(disc(), self.EXTENT, 0, 4)
        expected = ndimage.gaussian_filter(1 - disc(), 4.8, mode="nearest", truncate=4)
        assert np.abs(mask / 255 - expected).max() < 0.02

    @pytest.mark.parametrize(("grown", "feathered"), [(-1, 0), (0, -1), (51, 0), (0, float("nan"))])
    def test_what_is_refused(self, grown: float, feathered: float) -> None:
        with pytest.raises(UserInputError, match="is not allowed: 0 to 50 %"):
            repaint_mask(disc(), self.EXTENT, grown, feathered)
