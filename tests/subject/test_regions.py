import numpy as np
import pytest
from scipy import ndimage

from bgen_core.extent import Box, Extent
from bgen_core.subject.regions import (
    find_regions,
    keep_main_regions,
    keep_regions,
    region_boxes,
    sides_cut,
    unsure_regions,
)

PHOTO = Extent(width=400, height=200)


def two_persons() -> np.ndarray:
    """At half the photo's size: soft-edged rectangles on the left (30 × 60) and on the right (20 × 40), and a stray."""
    mask = np.zeros((100, 200), np.float32)
    mask[20:80, 20:50] = 1
    mask[40:80, 120:140] = 1
    soft = ndimage.gaussian_filter(mask, 0.8)
    soft[5:8, 190:193] = 0.9
    return soft.astype(np.float32)


class TestChoosing:
    """Clicks on the two persons at (70, 100) and (260, 120), and on nobody."""

    @pytest.mark.parametrize(
        ("kept", "clicks", "expected"),
        [
            ({1, 2}, [], {1, 2}),
            ({1, 2}, [(70, 100)], {2}),
            ({2}, [(70, 100)], {1, 2}),
            ({1, 2}, [(70, 100), (260, 120)], set()),
            ({1, 2}, [(70, 100), (180, 100), (71, 101)], {1, 2}),
            ({1}, [(-5, 100), (180, 100)], {1}),
        ],
    )
    def test_a_click_keeps_or_leaves(self, kept: set[int], clicks: list, expected: set[int]) -> None:
        assert find_regions(two_persons(), PHOTO).toggled(kept, clicks) == expected

    @pytest.mark.parametrize("numbers", [set(), {1}, {2}, {1, 2}])
    def test_points_find_their_regions_again(self, numbers: set[int]) -> None:
        regions = find_regions(two_persons(), PHOTO)
        points = regions.points_of(numbers)
        assert (points is None) == (numbers == {1, 2})
        assert regions.kept_by(points) == numbers


class TestFindRegions:
    def test_numbered_from_left_to_right(self) -> None:
        regions = find_regions(two_persons(), PHOTO)
        assert [region.number for region in regions.items] == [1, 2]
        left, right = regions.items
        assert left.box == Box(left=40, top=40, right=100, bottom=160)
        assert right.box == Box(left=240, top=80, right=280, bottom=160)
        assert region_boxes(two_persons())[1] == Box(left=120, top=40, right=140, bottom=80)

    def test_labels_equal_the_nearest_region(self) -> None:
        confidence = two_persons()
        sure = confidence > 0.5
        components, _ = ndimage.label(sure)
        numbers = np.zeros(confidence.shape, int)
        for number, (row, column) in enumerate([(50, 30), (50, 130)], start=1):
            numbers[components == components[row, column]] = number
        nearest = ndimage.distance_transform_edt(numbers == 0, return_distances=False, return_indices=True)
        expected = np.where(confidence > 0.1, numbers[tuple(nearest)], 0)
        np.testing.assert_array_equal(find_regions(confidence, PHOTO).labels, expected)

    def test_the_centre_lies_well_inside(self) -> None:
        left, right = find_regions(two_persons(), PHOTO).items
        assert left.centre[0] == pytest.approx(70, abs=3)
        assert 40 + 28 < left.centre[1] < 160 - 28
        assert right.centre[0] == pytest.approx(260, abs=3)

    @pytest.mark.parametrize(
        ("x", "y", "number"),
        [(70, 100, 1), (38, 100, 1), (260, 120, 2), (180, 100, None), (-1, 5, None), (70, 200, None)],
    )
    def test_a_click(self, x: float, y: float, number: int | None) -> None:
        region = find_regions(two_persons(), PHOTO).at(x, y)
        assert (region.number if region else None) == number

    def test_centres_find_the_regions_again_in_a_slightly_different_mask(self) -> None:
        before = find_regions(two_persons(), PHOTO)
        after = find_regions(np.roll(two_persons(), (4, -6), axis=(0, 1)), PHOTO)
        assert after.numbers_at(region.centre for region in before.items) == {1, 2}
        assert after.numbers_at([before.items[1].centre, (1, 1)]) == {2}

    @pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
    def test_nothing_and_everything(self, value: float) -> None:
        regions = find_regions(np.full((50, 60), value, np.float32), PHOTO)
        assert len(regions.items) == int(value > 0.5)
        assert (regions.labels == int(value > 0.5)).all()


class TestKeepRegions:
    def test_one_of_two(self) -> None:
        confidence = two_persons()
        regions = find_regions(confidence, PHOTO)
        kept = keep_regions(confidence, regions, {2})
        assert not kept[:, :80].any()
        np.testing.assert_array_equal(kept[:, 100:160], confidence[:, 100:160])

    def test_an_alpha_at_the_photos_size(self) -> None:
        """Its faint rims reach beyond the labels: they go with the region that they belong to."""
        regions = find_regions(two_persons(), PHOTO)
        alpha = np.kron(ndimage.gaussian_filter(two_persons(), 3), np.ones((2, 2))).astype(np.float32)
        kept = keep_regions(alpha, regions, [1])
        np.testing.assert_array_equal(kept[:, :140], alpha[:, :140])
        assert not kept[:, 200:320].any()

    def test_all_of_them_is_the_same_array(self) -> None:
        confidence = two_persons()
        assert keep_regions(confidence, find_regions(confidence, PHOTO), {1, 2}) is confidence

    def test_none_of_them(self) -> None:
        confidence = two_persons()
        assert not keep_regions(confidence, find_regions(confidence, PHOTO), ()).any()


class TestMarks:
    def test_a_soft_edge_is_not_unsure(self) -> None:
        assert not unsure_regions(two_persons()).any()

    def test_a_doubtful_part_is(self) -> None:
        confidence = two_persons()
        confidence[45:75, 60:90] = 0.5
        marked = unsure_regions(confidence)
        assert marked[50:70, 65:85].all()
        assert not marked[:, 100:].any()

    def test_nothing_sure_at_all(self) -> None:
        assert unsure_regions(np.full((20, 20), 0.4, np.float32)).all()

    @pytest.mark.parametrize(
        ("rows", "columns", "sides"),
        [
            (slice(20, 80), slice(20, 80), ()),
            (slice(20, 100), slice(20, 80), ("bottom",)),
            (slice(0, 100), slice(0, 80), ("left", "top", "bottom")),
            (slice(20, 80), slice(99, 100), ("right",)),
            (slice(20, 21), slice(60, 100), ()),  # a fingertip
        ],
    )
    def test_cut_by_the_frame(self, rows: slice, columns: slice, sides: tuple[str, ...]) -> None:
        confidence = np.zeros((100, 100), np.float32)
        confidence[rows, columns] = 1
        assert sides_cut(confidence) == sides


def test_strays_go() -> None:
    confidence = np.zeros((100, 100), np.float32)
    confidence[10:60, 10:60] = 1
    confidence[80:84, 80:84] = 1  # 0.6 % of the largest
    confidence[10:40, 70:95] = 0.3  # never sure
    confidence[70:95, 10:40] = 0.9  # large enough
    kept = keep_main_regions(confidence)
    expected = confidence.copy()
    expected[80:84, 80:84] = expected[10:40, 70:95] = 0
    np.testing.assert_array_equal(kept, expected)
