"""Faces and bodies: what the detectors see, what that says about a person, and what it adds to a mask."""

import numpy as np
import pytest

from bgen_core.extent import Box, Extent
from bgen_core.subject.native import cv2
from bgen_core.subject.persons.detection import BodyMasks, PersonDetectors, Sighting
from bgen_core.subject.persons.people import Body, People, PeopleFinder, with_bodies
from bgen_core.subject.segmentation import Segmentation, default_segmenter


@pytest.fixture(scope="module")
def detectors() -> PersonDetectors:
    return PersonDetectors()


def sighting(score: float) -> Sighting:
    return Sighting(score=score, left=0, top=0, right=10, bottom=10, middle=(5, 5), side=40)


@pytest.mark.parametrize(("width", "height"), [(512, 512), (700, 512), (512, 900), (2000, 2000)])
def test_a_face_and_a_body_lie_where_they_are_whatever_the_photos_shape(
    detectors: PersonDetectors, astronaut: np.ndarray, width: int, height: int
) -> None:
    scale = 2000 / 512 if width == height == 2000 else 1.0
    photo = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    photo = cv2.copyMakeBorder(photo, 0, height - photo.shape[0], 0, width - photo.shape[1], cv2.BORDER_REPLICATE)
    (face, *_), (body, *_) = detectors.faces(photo), detectors.bodies(photo)
    assert min(face.score, body.score) > 0.6
    # Her face, in pixels of the 512-pixel photo; the body's own box is around her head, and wider
    places = np.array([face.left, face.top, face.right, face.bottom]) / scale
    np.testing.assert_allclose(places, [173, 70, 277, 173], atol=8)
    assert (body.left + body.right) / 2 / scale == pytest.approx(213, abs=15)
    assert body.top / scale < 150 < body.bottom / scale
    assert body.side / scale > 512  # most of her body is below the frame
    assert body.middle[1] / scale > 350


def test_a_turned_person_is_seen_turned(detectors: PersonDetectors, astronaut: np.ndarray) -> None:
    (upright, *_) = detectors.bodies(astronaut)
    found = detectors.bodies(np.ascontiguousarray(np.rot90(astronaut)))
    assert abs(upright.angle) < 0.4
    assert found
    assert found[0].angle == pytest.approx(upright.angle - np.pi / 2, abs=0.5)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_nobody_in_a_wall(value: int) -> None:
    people = PeopleFinder().look(np.full((64, 3000, 3), value, np.uint8))
    assert people.witness == "nobody"
    assert not people.bodies


@pytest.mark.parametrize(
    ("face", "body", "says"),
    [(0.0, 0.0, "nobody"), (0.4, 0.0, "perhaps"), (0.0, 0.65, "perhaps"), (0.6, 0.0, "person"), (0.0, 0.7, "person")],
)
def test_what_the_detectors_say_and_what_is_asked_of_the_mask_then(face: float, body: float, says: str) -> None:
    people = People(faces=(sighting(face),), sightings=(sighting(body),))
    assert people.witness == says

    def believed(agreement: float, unsure: float) -> bool:
        return Segmentation(
            extent=Extent(width=9, height=9), working_confidence=np.ones((9, 9), np.float32), agreement=agreement,
            unsure_share=unsure, box=Box(left=0, top=0, right=9, bottom=9), persons=1, people=people,
        ).person_found  # fmt: skip

    assert believed(0.97, 0.1)
    assert believed(0.9, 0.45) == (says != "nobody")
    assert believed(0.7, 1.0) == (says == "person")
    assert not believed(0.4, 0.1)


def test_the_mask_of_a_body_is_hers(astronaut: np.ndarray, detectors: PersonDetectors) -> None:
    presence, mask = BodyMasks().mask(astronaut, detectors.bodies(astronaut)[0])
    assert presence > 0.9
    assert mask.shape == astronaut.shape[:2]
    assert mask[110, 225] > 0.9  # her face
    assert mask[30, 480] < 0.1  # the wall


def test_what_a_body_adds_and_takes() -> None:
    before = np.zeros((10, 20), np.float32)
    before[:, 2:4] = 1  # stands near, and is no body
    before[:, 18] = 1  # far from any body
    mask = np.zeros((10, 20), np.float32)
    mask[:, 5:8] = 1
    body = Body(sighting=sighting(0.9), box=Box(left=0, top=0, right=10, bottom=10), mask=mask)
    after = with_bodies(before, [body], [mask[:, :10]])
    assert (after[:, 5:8] == 1).all()
    assert (after[:, 2:4] < 0.5).all()
    np.testing.assert_array_equal(after[:, 10:], before[:, 10:])
    assert with_bodies(before, [], []) is before


def test_both_ways_give_a_mask_and_the_old_one_asks_no_detector(astronaut: np.ndarray) -> None:
    old, new = default_segmenter(1).segment(astronaut), default_segmenter().segment(astronaut)
    assert old.people is None
    assert new.people is not None
    assert new.people.witness == "person"
    assert old.person_found
    assert new.person_found
    again = default_segmenter().segment(astronaut)
    np.testing.assert_array_equal(new.working_confidence, again.working_confidence)
