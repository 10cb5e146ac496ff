import numpy as np

from bgen_core.subject.previews import hatched, numbered, on_backdrop, side_by_side, under_film

IMAGE = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
ALPHA = np.zeros((120, 160), np.float32)
ALPHA[30:90, 40:120] = 1


def test_a_film_covers_what_goes_and_nothing_else() -> None:
    covered = under_film(IMAGE, ALPHA, colour=(200, 0, 100), opacity=0.5)
    np.testing.assert_array_equal(covered[ALPHA == 1], IMAGE[ALPHA == 1])
    expected = IMAGE[ALPHA == 0] / 2 + np.array([100, 0, 50])
    np.testing.assert_allclose(covered[ALPHA == 0], expected, atol=0.5)  # rounded to whole steps
    assert (under_film(IMAGE, ALPHA, colour=(1, 2, 3), opacity=1)[ALPHA == 0] == (1, 2, 3)).all()


def test_a_backdrop_shows_the_subject_alone() -> None:
    shown = on_backdrop(IMAGE, ALPHA, (0, 177, 64))
    np.testing.assert_array_equal(shown[ALPHA == 1], IMAGE[ALPHA == 1])
    assert (shown[ALPHA == 0] == (0, 177, 64)).all()


def test_hatches_lie_where_the_doubt_is() -> None:
    doubtful = np.zeros(ALPHA.shape, bool)
    doubtful[10:60, 20:90] = True
    shown = hatched(IMAGE, doubtful)
    changed = (shown != IMAGE).any(axis=2)
    assert not changed[~doubtful].any()
    assert 0.1 < changed[doubtful].mean() < 0.6  # the photo can still be seen between the lines
    assert hatched(IMAGE, doubtful & False) is IMAGE


def test_numbers_stand_at_their_places() -> None:
    shown = numbered(IMAGE, [(1, (40.0, 60.0), True), (2, (120.0, 60.0), False), (3, (-500.0, 9.0), True)])
    changed = (shown != IMAGE).any(axis=2)
    assert changed[50:70, 30:50].mean() > 0.5
    assert changed[50:70, 110:130].mean() > 0.5
    assert not changed[:, 70:90].any()


def test_before_and_after_meet_at_the_line() -> None:
    shown = side_by_side(IMAGE, 255 - IMAGE, 0.25)
    np.testing.assert_array_equal(shown[:, :39], IMAGE[:, :39])
    np.testing.assert_array_equal(shown[:, 41:], 255 - IMAGE[:, 41:])
    np.testing.assert_array_equal(side_by_side(IMAGE, 255 - IMAGE, 1.0)[:, :159], IMAGE[:, :159])
