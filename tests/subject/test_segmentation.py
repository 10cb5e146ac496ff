import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from bgen_core.errors import UserInputError
from bgen_core.extent import Box, Extent
from bgen_core.subject.cutout import QUALITIES, cut_out, keep_main_regions
from bgen_core.subject.native import LazyLibrary, raise_if_library_missing
from bgen_core.subject.segmentation import Segmentation, default_segmenter
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


class TestSelfieSegmenter:
    def test_a_person(self, astronaut: np.ndarray) -> None:
        found = default_segmenter().segment(astronaut)
        assert found.person_found
        assert found.persons == 1
        assert found.agreement > 0.95
        assert found.unsure_share < 0.25
        assert 0.7 < found.score < 1
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
        wall = np.full((512, 400, 3), 205, np.uint8)
        small = cv2.resize(astronaut, (400, 400), interpolation=cv2.INTER_AREA)
        twice = np.concatenate([astronaut[:, :490], wall, wall, wall], axis=1)
        twice[112:, 1000:1400] = small
        assert default_segmenter().segment(twice).persons == 2

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

    def test_eight_threads_give_what_one_gives(self, sample_photos: dict[str, np.ndarray]) -> None:
        photos = [*sample_photos.values()]
        photos += [photo[:, ::-1] for photo in photos] + [photo[::2, ::2] for photo in photos]
        alone = [cut_out(photo) for photo in photos]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(cut_out, photos * 6))
        for number, (alpha, found) in enumerate(together):
            expected_alpha, expected = alone[number % len(photos)]
            np.testing.assert_array_equal(alpha, expected_alpha)
            assert found.score == expected.score


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


class TestCutOut:
    class Fixed:
        def __init__(self, confidence: np.ndarray, **fields) -> None:
            self.found = fixed(confidence, **fields)

        def segment(self, image: np.ndarray) -> Segmentation:
            return self.found

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
        with pytest.raises(UserInputError, match="'best' is not known: allowed are fast and standard"):
            cut_out(astronaut, "best")

    def test_strays_go(self) -> None:
        confidence = np.zeros((100, 100), np.float32)
        confidence[10:60, 10:60] = 1
        confidence[80:84, 80:84] = 1  # 0.6 % of the largest
        confidence[10:40, 70:95] = 0.3  # never sure
        confidence[70:95, 10:40] = 0.9  # large enough
        kept = keep_main_regions(confidence)
        expected = confidence.copy()
        expected[80:84, 80:84] = expected[10:40, 70:95] = 0
        np.testing.assert_array_equal(kept, expected)


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

    def test_imports_are_cheap_and_the_log_is_clean(self) -> None:
        """One process: what the modules import, and what a first cut-out writes to standard output and error."""
        program = (
            "import sys\n"
            "from bgen_core.subject import cutout, compositing, masks, previews, image_io\n"
            "heavy = {'cv2', 'mediapipe', 'torch', 'streamlit', 'skimage', 'pillow_heif'} & set(sys.modules)\n"
            "assert not heavy, heavy\n"
            "import numpy\n"
            "cutout.cut_out(numpy.zeros((64, 64, 3), numpy.uint8))\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
