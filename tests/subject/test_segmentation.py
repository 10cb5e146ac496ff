import ctypes
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from bgen_core.errors import UserInputError
from bgen_core.extent import Box, Extent
from bgen_core.subject import segmentation
from bgen_core.subject.cutout import QUALITIES, cut_out
from bgen_core.subject.native import LazyLibrary, raise_if_library_missing
from bgen_core.subject.segmentation import Segmentation, SelfieSegmenter, default_segmenter
from bgen_core.subject.selfie.network import SelfieNetwork


@pytest.fixture(scope="module")
def network():
    network = SelfieNetwork("selfie_segmenter.tflite", Extent(width=256, height=256))
    yield network
    network.close()


def fixed(confidence: np.ndarray, **fields) -> Segmentation:
    values = {"agreement": 0.95, "unsure_share": 0.1, "persons": 1}
    values["box"] = Box(left=0, top=0, right=9, bottom=9)
    return Segmentation(extent=Extent.of(confidence), working_confidence=confidence, **(values | fields))


def side_by_side(astronaut: np.ndarray) -> np.ndarray:
    """Two of her in front of a wall, the second smaller."""
    photo = np.full((512, 1400, 3), 205, np.uint8)
    for left, side in ((0, 490), (1000, 400)):
        small = cv2.resize(astronaut[:, :490], (side, side), interpolation=cv2.INTER_AREA)
        photo[512 - side :, left : left + side] = small
    return photo


class RedNetwork:
    """Stands for a network: what is red is a person. Counts its calls."""

    def __init__(self, width: int, height: int) -> None:
        self.extent = Extent(width=width, height=height)
        self.calls = 0

    def confidence(self, image: np.ndarray) -> np.ndarray:
        self.calls += 1
        seen = cv2.resize(image, (self.extent.width, self.extent.height), interpolation=cv2.INTER_AREA)
        return seen[..., 0].astype(np.float32) / 255

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("width", "height", "share"), [(500, 500, 0.76), (160, 90, 0.24), (400, 300, 0.5), (300, 900, 0.76)]
)
def test_a_network_counts_more_where_it_sees_less_distortion(width: int, height: int, share: float) -> None:
    square, landscape, crop = (
        Extent(width=across, height=down) for across, down in ((256, 256), (256, 144), (width, height))
    )
    found = segmentation._share(square, landscape, crop)  # pyright: ignore[reportPrivateUsage]
    assert found == pytest.approx(share, abs=0.005)


class TestGroups:
    """Persons who stand apart are looked at one by one; the networks are stood in for."""

    def segment(self, photo: np.ndarray) -> tuple[Segmentation, int]:
        """What was found, and how many crops were looked at: each by the square network, as it is and mirrored."""
        segmenter = SelfieSegmenter()
        segmenter._square, segmenter._landscape = RedNetwork(256, 256), RedNetwork(256, 144)
        return segmenter.segment(photo), (segmenter._square.calls - 1) // 2

    @pytest.mark.parametrize(
        ("rectangles", "crops"),
        [
            ([], 0),
            ([(100, 100, 300, 400)], 1),
            ([(100, 100, 200, 400), (600, 100, 700, 400)], 2),
            ([(100, 100, 200, 400), (230, 100, 330, 400)], 1),  # the margins overlap
            ([(100 + 150 * n, 100, 160 + 150 * n, 200) for n in range(6)], 4),  # six, and no more than four looks
        ],
    )
    def test_crops(self, rectangles: list[tuple[int, int, int, int]], crops: int) -> None:
        photo = np.zeros((500, 1000, 3), np.uint8)
        for left, top, right, bottom in rectangles:
            photo[top:bottom, left:right, 0] = 255
        found, looked = self.segment(photo)
        assert looked == crops
        assert found.persons == len(rectangles)
        truth = photo[..., 0] > 0
        overlap = (found.confidence > 0.5) & truth
        if rectangles:
            assert found.person_found
            assert overlap.sum() / ((found.confidence > 0.5) | truth).sum() > 0.97

    def test_a_small_person_beside_a_large_one_is_seen_sharply(self) -> None:
        """In one crop around both a gap of one pixel in 1000 would be a quarter of one of the network's 256."""
        photo = np.zeros((1000, 1000, 3), np.uint8)
        photo[300:1000, 0:200, 0] = 255
        photo[800:1000, 800:900, 0] = 255
        photo[:, 850] = 0
        found, looked = self.segment(photo)
        assert looked == 2
        assert found.confidence[900, 850] < 0.2

    def test_what_the_second_look_loses_comes_from_the_first(self) -> None:
        segmenter = SelfieSegmenter()
        segmenter._square, segmenter._landscape = RedNetwork(256, 256), RedNetwork(256, 144)
        seen = segmenter._square.confidence
        segmenter._square.confidence = lambda image: seen(image) * (segmenter._square.calls <= 1)
        wide = segmenter._landscape.confidence
        segmenter._landscape.confidence = lambda image: wide(image) * (segmenter._landscape.calls <= 1)
        photo = np.zeros((400, 400, 3), np.uint8)
        photo[100:300, 100:300, 0] = 255
        found = segmenter.segment(photo)
        assert found.persons == 1
        assert not found.person_found
        assert found.agreement == 0


class TestNetwork:
    def test_confidence(self, network: SelfieNetwork, astronaut: np.ndarray) -> None:
        confidence = network.confidence(astronaut)
        assert confidence.shape == (256, 256)
        assert confidence.dtype == np.float32
        assert confidence[60, 115] > 0.9  # her face
        assert confidence[10, 240] < 0.1  # the wall

    def test_strides_and_other_sizes_do_not_matter(self, network: SelfieNetwork, astronaut: np.ndarray) -> None:
        mirrored = astronaut[:, ::-1]
        np.testing.assert_array_equal(network.confidence(mirrored), network.confidence(np.ascontiguousarray(mirrored)))

    @pytest.mark.parametrize(
        "image",
        [
            np.zeros((80, 80), np.uint8),
            np.zeros((80, 80, 4), np.uint8),
            np.zeros((80, 80, 3), np.uint16),
            np.zeros((80, 80, 3), np.float32),
            np.zeros((0, 80, 3), np.uint8),
        ],
    )
    def test_what_would_break_mediapipe_is_refused(
        self, network: SelfieNetwork, astronaut: np.ndarray, image: np.ndarray
    ) -> None:
        before = network.confidence(astronaut)
        with pytest.raises(ValueError, match="uint8 HWC RGB"):
            network.confidence(image)
        np.testing.assert_array_equal(network.confidence(astronaut), before)

    def test_works_again_after_an_error(self, network: SelfieNetwork, astronaut: np.ndarray) -> None:
        before = network.confidence(astronaut)

        class Broken:
            closed = False

            def segment(self, image: object) -> None:
                raise RuntimeError("the graph has errors")

            def close(self) -> None:
                Broken.closed = True

        network.close()
        network._segmenter = Broken()
        with pytest.raises(RuntimeError, match="the graph has errors"):
            network.confidence(astronaut)
        assert Broken.closed
        np.testing.assert_array_equal(network.confidence(astronaut), before)

    def test_works_again_after_closing(self, network: SelfieNetwork, astronaut: np.ndarray) -> None:
        before = network.confidence(astronaut)
        network.close()
        network.close()
        np.testing.assert_array_equal(network.confidence(astronaut), before)


class _MallInfo(ctypes.Structure):
    """`struct mallinfo2` of glibc's malloc.h."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    )  # fmt: skip


def bytes_in_use() -> int:
    """What this process has taken from malloc and not given back; what malloc keeps for later calls is not in it."""
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = _MallInfo
    told = mallinfo2()
    return told.uordblks + told.hblkhd


class TestSelfieSegmenter:
    def test_a_person(self, astronaut: np.ndarray) -> None:
        found = default_segmenter().segment(astronaut)
        assert found.person_found
        assert found.persons == 1
        assert found.agreement > 0.95
        assert found.unsure_share < 0.4
        assert 0.6 < found.score < 1
        assert found.confidence.shape == astronaut.shape[:2]
        assert found.box is not None
        assert found.box.left < 60 < 200 < found.box.right

    @pytest.mark.parametrize("name", ["Cup of coffee"])
    def test_a_thing(self, name: str, sample_photos: dict[str, np.ndarray]) -> None:
        assert not default_segmenter().segment(sample_photos[name]).person_found

    @pytest.mark.parametrize("value", [0, 128, 255])
    def test_nothing(self, value: int) -> None:
        found = default_segmenter().segment(np.full((200, 300, 3), value, np.uint8))
        assert not found.person_found
        assert found.confidence.shape == (200, 300)

    def test_two_persons(self, astronaut: np.ndarray) -> None:
        found = default_segmenter().segment(side_by_side(astronaut))
        assert found.persons == len(found.regions.items) == 2
        assert found.person_found

    def test_the_larger_photo_gives_the_same_mask(self, astronaut: np.ndarray) -> None:
        large = cv2.resize(astronaut, (3000, 3000), interpolation=cv2.INTER_CUBIC)
        found = default_segmenter().segment(large)
        small = default_segmenter().segment(astronaut)
        assert found.box is not None
        assert found.box.extent.longest_side > 2000
        agreed = (cv2.resize(found.confidence, (512, 512)) > 0.5) == (small.confidence > 0.5)
        assert agreed.mean() > 0.99

    @pytest.mark.parametrize("extent", [(64, 4000), (4000, 64), (64, 64), (65, 333)])
    def test_any_aspect(self, extent: tuple[int, int]) -> None:
        image = np.random.default_rng(0).integers(0, 256, (*extent, 3), np.uint8)
        assert default_segmenter().segment(image).confidence.shape == extent

    @pytest.mark.slow
    def test_eight_threads_give_what_one_gives(self, sample_photos: dict[str, np.ndarray]) -> None:
        """Mixed sizes, aspects and qualities, among them photos without anybody; and no memory is left behind."""
        base = [*sample_photos.values()]
        photos = [*base, *(photo[:, ::-1] for photo in base), *(photo[::2, ::2] for photo in base)]
        photos += [photo[: photo.shape[0] // 4] for photo in base] + [np.full((90, 400, 3), 128, np.uint8)]
        photos += [side_by_side(base[0]), cv2.resize(base[0], (1500, 1100))]
        work = [(photo, "standard") for photo in photos] + [(photo, "fast") for photo in photos[::3]]
        alone = [cut_out(photo, quality) for photo, quality in work]

        def differs(number: int) -> bool:
            alpha, found = cut_out(*work[number])
            expected_alpha, expected = alone[number]
            same = (found.score, found.persons, found.box) == (expected.score, expected.persons, expected.box)
            return not (same and np.array_equal(alpha, expected_alpha))

        in_use = []
        with ThreadPoolExecutor(8) as pool:
            for _ in range(3):
                assert not any(pool.map(differs, range(len(work))))
                in_use.append(bytes_in_use())
        # The alphas of a round are 19 MB: were they left behind, two more rounds would have added 38.
        assert in_use[-1] - in_use[0] < 20_000_000


class TestSegmentation:
    @pytest.mark.parametrize(
        ("fields", "found", "score"),
        [
            ({}, True, 0.95 * 0.9),
            ({"agreement": 0.85}, False, 0.85 * 0.9),
            ({"unsure_share": 0.5}, False, 0.95 * 0.5),
            ({"unsure_share": 3.0}, False, 0.0),
            ({"box": None}, False, 0.0),
        ],
    )
    def test_what_can_be_believed(self, fields: dict, found: bool, score: float) -> None:
        segmentation = fixed(np.zeros((9, 9), np.float32), **fields)
        assert segmentation.person_found == found
        assert segmentation.score == pytest.approx(score)

    @pytest.mark.parametrize(
        ("confidence", "disagreement", "found"),
        [
            (0.7, 0.05, True),  # an unsure answer on which both networks agreed: 0.61 nats
            (0.99, 0.6, True),  # a sure one that one of them missed at first: 0.056 nats
            (0.7, 0.2, False),
        ],
    )
    def test_an_unsure_answer_on_which_networks_differ_is_doubted(
        self, confidence: float, disagreement: float, found: bool
    ) -> None:
        answer = np.zeros((400, 400), np.float32)
        answer[100:300, 100:300] = confidence
        segmentation = fixed(answer, disagreement=disagreement)
        entropy = -confidence * np.log(confidence) - (1 - confidence) * np.log(1 - confidence)
        assert segmentation.doubt == pytest.approx(disagreement * entropy, rel=1e-4)
        assert segmentation.person_found == found


class TestCutOut:
    class Fixed:
        def __init__(self, confidence: np.ndarray, **fields) -> None:
            self.found = fixed(confidence, **fields)

        def segment(self, image: np.ndarray) -> Segmentation:
            return self.found

    @pytest.mark.slow
    @pytest.mark.parametrize("quality", QUALITIES)
    def test_alpha_of_the_photo(self, quality: str, astronaut: np.ndarray) -> None:
        alpha, found = cut_out(astronaut, quality)
        assert alpha.dtype == np.float32
        assert alpha.shape == astronaut.shape[:2]
        assert alpha.min() >= 0
        assert alpha.max() <= 1
        overlap = (alpha > 0.5) & (found.confidence > 0.5)
        assert overlap.sum() / ((alpha > 0.5) | (found.confidence > 0.5)).sum() > 0.95

    def test_nothing_found_is_an_empty_alpha(self, astronaut: np.ndarray) -> None:
        alpha, found = cut_out(astronaut, segmenter=self.Fixed(np.zeros((512, 512), np.float32), box=None, persons=0))
        assert not alpha.any()
        assert not found.person_found

    def test_unknown_quality(self, astronaut: np.ndarray) -> None:
        with pytest.raises(UserInputError, match="'best' is not known: allowed are fast, standard, fine"):
            cut_out(astronaut, "best")


class TestNativeLibraries:
    def test_a_missing_one_is_named_with_its_packages(self) -> None:
        error = OSError("libGLESv2.so.2: cannot open shared object file: No such file or directory")
        with pytest.raises(UserInputError, match=r"libGLESv2.so.2 is missing: .*libgl1 libegl1 libgles2 libglib2.0-0"):
            raise_if_library_missing(error)
        raise_if_library_missing(OSError("disk full"))

    def test_lazy_library(self) -> None:
        library = LazyLibrary("colorsys")
        assert library.rgb_to_hsv(1, 0, 0) == (0, 1, 1)
        with pytest.raises(ModuleNotFoundError):
            _ = LazyLibrary("no_such_module").anything

    @pytest.mark.slow
    def test_imports_are_cheap_and_the_log_is_clean(self) -> None:
        """One process: what the modules import, and what a first cut-out writes to standard output and error."""
        program = (
            "import sys\n"
            "import bgen_core.cli\n"
            "from bgen_core.subject import cutout, masks, previews\n"
            "from bgen_core.subject.pasting import compositing\n"
            "from bgen_core.subject.decoding import image_io\n"
            "heavy = {'cv2', 'mediapipe', 'torch', 'streamlit', 'skimage', 'pillow_heif', 'scipy', 'pandas'}\n"
            "heavy &= set(sys.modules)\n"
            "assert not heavy, heavy\n"
            "import numpy\n"
            "cutout.cut_out(numpy.zeros((64, 64, 3), numpy.uint8))\n"
            "assert not {'sounddevice', 'matplotlib'} & set(sys.modules)\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
