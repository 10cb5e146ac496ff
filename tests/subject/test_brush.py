import json
from dataclasses import replace

import numpy as np
import pytest
from skimage import draw

from bgen_core.errors import UserInputError
from bgen_core.extent import Box
from bgen_core.subject import masks
from bgen_core.subject.brush import coverage, paint
from bgen_core.subject.edit import MaskEdit, Stroke
from bgen_core.subject.masks import apply_edit, edit_again

SIZE = 160
EMPTY = np.zeros((SIZE, SIZE), np.float32)
WHOLE = Box(left=0, top=0, right=SIZE, bottom=SIZE)


def painted(stroke: Stroke) -> np.ndarray:
    return paint(EMPTY, (stroke,))


class TestLasso:
    SHAPE = ((20.0, 30.0), (120.0, 25.0), (140.0, 110.0), (70.0, 60.0), (30.0, 130.0))

    def test_equals_skimage(self) -> None:
        result = painted(Stroke(mode="add", size=2, points=self.SHAPE, shape="lasso"))
        expected = draw.polygon2mask((SIZE, SIZE), np.array([(y - 0.5, x - 0.5) for x, y in self.SHAPE]))
        # OpenCV 5.0's antialiasing widens a shape by 0.6 pixels, along an outline of 560
        assert ((result > 0.5) != expected).sum() < 0.6 * 560
        assert 0 < result.sum() - expected.sum() < 0.7 * 560

    def test_what_is_gone_around_twice_is_covered(self) -> None:
        twice = ((20.0, 20.0), (120.0, 20.0), (120.0, 120.0), (20.0, 120.0)) * 2
        loop = ((20.0, 80.0), (140.0, 80.0), (140.0, 20.0), (80.0, 20.0), (80.0, 140.0), (20.0, 140.0))
        assert (painted(Stroke(mode="add", size=2, points=twice, shape="lasso"))[25:115, 25:115] == 1).all()
        crossed = painted(Stroke(mode="add", size=2, points=loop, shape="lasso"))
        assert (crossed[84:136, 24:76] == 1).all()
        assert (crossed[24:76, 84:136] == 1).all()

    @pytest.mark.parametrize("points", [((50.0, 50.0),), ((50.0, 50.0), (90.0, 90.0))])
    def test_a_line_goes_around_nothing(self, points: tuple) -> None:
        assert not painted(Stroke(mode="add", size=20, points=points, shape="lasso")).any()

    def test_beyond_the_frame(self) -> None:
        corners = ((-500.0, -500.0), (1e9, -500.0), (1e9, 60.0), (-500.0, 60.0))
        result = painted(Stroke(mode="add", size=2, points=corners, shape="lasso"))
        assert (result[:58] == 1).all()
        assert not result[62:].any()


class TestRectangle:
    @pytest.mark.parametrize("corners", [((20.25, 30.0), (90.0, 70.5)), ((90.0, 30.0), (20.25, 70.5))])
    def test_covers_each_pixel_by_its_share(self, corners: tuple) -> None:
        expected = np.zeros_like(EMPTY)
        expected[30:70, 21:90] = 1
        expected[30:70, 20] = 0.75
        expected[70, 21:90] = 0.5
        expected[70, 20] = 0.375
        result = painted(Stroke(mode="add", size=2, points=corners, shape="rectangle"))
        np.testing.assert_allclose(result, expected, atol=0.5 / 255)

    def test_four_corners_are_as_good_as_two(self) -> None:
        two = Stroke(mode="add", size=2, points=((20, 30), (90, 70)), shape="rectangle")
        four = replace(two, points=((20, 30), (90, 30), (90, 70), (20, 70)))
        np.testing.assert_array_equal(painted(two), painted(four))

    def test_erases(self) -> None:
        full = np.ones_like(EMPTY)
        result = paint(full, (Stroke(mode="erase", size=2, points=((20, 30), (90, 70)), shape="rectangle"),))
        assert not result[30:70, 20:90].any()
        assert result.sum() == SIZE * SIZE - 40 * 70


class TestSoftness:
    @pytest.mark.parametrize("softness", [0.3, 0.6, 1.0])
    @pytest.mark.parametrize("size", [40, 100])
    def test_a_disc_has_the_profile(self, softness: float, size: float) -> None:
        """1 up to radius × (1 − softness), then smoothstep down to 0 at the radius."""
        result = painted(Stroke(mode="add", size=size, points=((80, 80),), softness=softness))
        rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
        depth = np.clip((size / 2 - np.hypot(rows - 80, columns - 80)) / (softness * size / 2), 0, 1)
        # Depths are whole pixels of a drawing at up to a sixth of the size: half of one off, on a slope of 1.5 / fall
        assert np.abs(result - depth * depth * (3 - 2 * depth)).max() < 0.15
        assert np.abs(result - depth * depth * (3 - 2 * depth)).mean() < 0.015

    def test_a_large_one_looks_like_a_small_one(self) -> None:
        """It is made at a smaller size."""
        small = Stroke(mode="add", size=40, points=((30, 40), (120, 100)), softness=0.5)
        large = replace(small, size=400, points=((300, 400), (1200, 1000)))
        result = paint(np.zeros((1600, 1600), np.float32), (large,))
        assert np.abs(result.reshape(160, 10, 160, 10).mean(axis=(1, 3)) - painted(small)).mean() < 0.01

    @pytest.mark.parametrize("shape", ["lasso", "rectangle"])
    def test_an_area_fades_from_its_middle(self, shape: str) -> None:
        corners = ((20, 40), (140, 40), (140, 120), (20, 120))
        hard = Stroke(mode="add", size=2, points=corners, shape=shape)
        half, full = (painted(replace(hard, softness=softness)) for softness in (0.5, 1.0))
        assert half[80, 80] == full[80, 80] == 1
        assert half[62, 80] > 0.95  # 22 of 40 pixels deep
        assert full[60, 80] == pytest.approx(0.5, abs=0.06)
        assert (half <= painted(hard) + 1e-6).all()
        assert half[42, 80] < 0.05

    def test_the_frame_is_no_edge(self) -> None:
        """A brush that goes along the frame covers the pixels at it fully."""
        result = painted(Stroke(mode="add", size=60, points=((0, 0), (0, 160)), softness=0.5))
        assert (result[:, :12] > 0.99).all()

    def test_too_narrow_to_be_soft(self) -> None:
        plain = Stroke(mode="add", size=4, points=((30, 40), (120, 100)))
        np.testing.assert_array_equal(painted(replace(plain, softness=0.5)), painted(plain))

    def test_everything_within_a_window(self) -> None:
        stroke = Stroke(mode="add", size=500, points=((80, 80),), softness=0.2)
        assert (coverage(stroke, WHOLE) == 255).all()


class TestStroke:
    def test_json_of_earlier_versions(self) -> None:
        old = {"mode": "erase", "size": 12.5, "points": [[1, 2], [3, 4]]}
        stroke = Stroke.from_json(old)
        assert stroke == Stroke(mode="erase", size=12.5, points=((1, 2), (3, 4)), shape="brush", softness=0)
        assert stroke.to_json() == old

    def test_round_trip(self) -> None:
        edit = MaskEdit(
            strokes=(Stroke(mode="add", size=3, points=((1, 2), (3, 4)), shape="rectangle", softness=0.25),),
            kept_regions=((10.5, 20.0),),
            quality="fine",
        )
        assert MaskEdit.from_json(json.loads(json.dumps(edit.to_json()))) == edit
        nobody = MaskEdit(kept_regions=())
        assert MaskEdit.from_json(json.loads(json.dumps(nobody.to_json()))) == nobody

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ({"strokes": [{"mode": "add", "size": 3, "points": [[1, 2]], "shape": "circle"}]}, "'circle' is not known"),
            ({"strokes": [{"mode": "add", "size": 3, "points": [[1, 2]], "softness": 1.5}]}, "softness of 1.5"),
            ({"strokes": [{"mode": "add", "size": 3, "points": [[1, 2]], "softness": None}]}, "cannot be read"),
            ({"quality": "best"}, "'best' is not known: allowed are fast, standard, fine"),
            ({"kept_regions": [[1]]}, "cannot be read"),
            ({"kept_regions": [[1, float("nan")]]}, "two finite numbers"),
        ],
    )
    def test_what_is_refused(self, content: dict, said: str) -> None:
        with pytest.raises(UserInputError, match=said):
            MaskEdit.from_json(content)


class TestKeptRegions:
    def test_persons_by_a_point_in_each(self) -> None:
        alpha = EMPTY.copy()
        alpha[20:60, 20:60] = alpha[20:60, 100:140] = 1
        alpha[19, 100:140] = 0.05  # a faint rim
        edit = MaskEdit(kept_regions=((120, 40),))
        result = apply_edit(alpha, edit)
        assert not result[:, :80].any()
        np.testing.assert_array_equal(result[:, 80:], alpha[:, 80:])
        assert edit.scaled(0.5).kept_regions == ((60, 20),)
        assert not apply_edit(alpha, MaskEdit(kept_regions=())).any()
        assert apply_edit(alpha, MaskEdit(kept_regions=((40, 40), (120, 40)))) is alpha

    def test_strokes_bring_back_what_was_left_out(self) -> None:
        alpha = EMPTY.copy()
        alpha[20:60, 20:60] = alpha[20:60, 100:140] = 1
        stroke = Stroke(mode="add", size=10, points=((40, 40),))
        result = apply_edit(alpha, MaskEdit(kept_regions=((120, 40),), strokes=(stroke,)))
        assert result[40, 40] == 1
        assert not result[20:30, 20:60].any()


class TestEditAgain:
    BASE = np.random.default_rng(0).random((SIZE, SIZE), np.float32)
    STROKES = tuple(
        Stroke(mode=mode, size=size, points=((x, 40), (x + 20, 90)), softness=softness, shape=shape)
        for mode, size, x, softness, shape in [
            ("add", 20, 30, 0.0, "brush"),
            ("erase", 30, 60, 0.5, "brush"),
            ("add", 2, 20, 0.0, "rectangle"),
            ("erase", 9, 100, 0.0, "brush"),
        ]
    )

    def test_any_history_equals_applying_it_whole(self) -> None:
        """Strokes, undo, sliders, another base: each step's alpha is the one that is made from nothing."""
        edits = [MaskEdit(strokes=self.STROKES[:count]) for count in (0, 1, 2, 4, 3, 3)]
        edits += [replace(edits[-1], grow=2), replace(edits[-1], grow=2, strokes=self.STROKES), MaskEdit()]
        kept = None
        for edit in edits:
            kept = edit_again(self.BASE, edit, kept)
            np.testing.assert_array_equal(kept.alpha, apply_edit(self.BASE, edit))
        other = self.BASE[::-1].copy()
        np.testing.assert_array_equal(edit_again(other, edits[3], kept).alpha, apply_edit(other, edits[3]))

    def test_one_more_stroke_paints_one_stroke(self, monkeypatch: pytest.MonkeyPatch) -> None:
        kept = edit_again(self.BASE, MaskEdit(grow=3, strokes=self.STROKES[:3]))
        before = kept.alpha.copy()
        calls: list[int] = []

        def counted(alpha: np.ndarray, strokes: tuple[Stroke, ...]) -> np.ndarray:
            calls.append(len(strokes))
            return paint(alpha, strokes)

        monkeypatch.setattr(masks, "paint", counted)
        after = edit_again(self.BASE, MaskEdit(grow=3, strokes=self.STROKES), kept)
        assert calls == [1]
        assert after.shaped is kept.shaped
        np.testing.assert_array_equal(kept.alpha, before)  # an earlier result stays as it was
