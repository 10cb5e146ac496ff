"""The cut-out's speed and quality, next to one bare call of the network, in one run and in turns."""

import csv
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import mean, median

import numpy as np
from PIL import Image

from bgen_core.bench.mask_scores import MaskScores, score_mask
from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.cutout import QUALITIES, cut_out
from bgen_core.subject.decoding.image_io import PHOTO_EXTENSIONS, DecodeLimits, decode_photo, read_photo
from bgen_core.subject.native import cv2
from bgen_core.subject.samples.samples import SAMPLES
from bgen_core.subject.segmentation import enlarged, reduced
from bgen_core.subject.selfie.network import SelfieNetwork

BARE = "bare"
SIZES = (
    Extent(width=512, height=512),
    Extent(width=1024, height=1024),
    Extent(width=2048, height=2048),
    Extent(width=4000, height=3000),
)

_FINE_UP_TO = 1024  # pixels: it works at that size, so a larger photo costs hardly more
_GOOD = 0.8  # IoU from which a mask is good, and should not be doubted
_SMALL_LIMITS = DecodeLimits(max_bytes=10_000_000, max_pixels=10_000_000, min_side=1)


@dataclass(frozen=True, kw_only=True)
class LabelledPhoto:
    """A photo with the true mask of its person; without one where it has no person."""

    photo: Path
    mask: Path | None


@dataclass(frozen=True, kw_only=True)
class QualityResult:
    """What was measured on a folder of photos.

    Attributes
    ----------
    scores
        Side ("bare" or a quality) -> means over the photos with a mask; None where there are none.
    with_person, without_person
        How many photos.
    none_said
        Share of the photos without a person of which "no person" is said; None where there are none.
    good
        How many standard masks have an IoU above 0.8.
    good_doubted
        Share of those of which it is not said that a person was found; None where there are none.
    """

    scores: dict[str, MaskScores] | None
    with_person: int
    without_person: int
    none_said: float | None
    good: int
    good_doubted: float | None


def measure_speed(repeats: int, report: Callable[[str], None]) -> dict[str, dict[str, float | None]]:
    """Median milliseconds at each size, for a bare call of the network and for each quality.

    A bare call is the square network on the whole photo, its answer enlarged to the photo's size. Sides take turns, and
    each runs once before. None = not measured: fine is, up to 1024².

    Returns
    -------
    dict
        Size ("1024 × 1024") -> side -> milliseconds.
    """
    sample = decode_photo(SAMPLES[0].read(), name=SAMPLES[0].file_name, limits=_SMALL_LIMITS).image
    times: dict[str, dict[str, float | None]] = {}
    with _BareNetwork() as bare:
        for extent in SIZES:
            photo = cv2.resize(sample, (extent.width, extent.height), interpolation=cv2.INTER_CUBIC)
            sides = _sides(bare, photo, with_fine=extent.longest_side <= _FINE_UP_TO)
            taken: dict[str, list[float]] = {name: [] for name in sides}
            for turn in range(repeats + 1):
                for name, work in sides.items():
                    began = time.perf_counter()
                    work()
                    if turn:
                        taken[name].append(1000 * (time.perf_counter() - began))
            times[str(extent)] = {name: median(taken[name]) if name in taken else None for name in (BARE, *QUALITIES)}
            report(f"{extent}: " + ", ".join(f"{name} {median(values):.0f} ms" for name, values in taken.items()))
    return times


def measure_quality(photos: list[LabelledPhoto], limits: DecodeLimits, report: Callable[[str], None]) -> QualityResult:
    """Score a bare call of the network and each quality on photos with known masks."""
    scores: dict[str, list[MaskScores]] = {name: [] for name in (BARE, *QUALITIES)}
    none_said: list[bool] = []
    doubted: list[bool] = []
    with _BareNetwork() as bare:
        for number, labelled in enumerate(photos, start=1):
            image = read_photo(labelled.photo, limits=limits).image
            if labelled.mask is None:
                none_said.append(not cut_out(image, "fast")[1].person_found)
            else:
                truth = read_true_mask(labelled.mask, Extent.of(image))
                for name, work in _sides(bare, image, with_fine=True).items():
                    scores[name].append(score_mask(work(), truth))
                if scores["standard"][-1].iou > _GOOD:
                    doubted.append(not cut_out(image, "fast")[1].person_found)
            report(f"{number} of {len(photos)}: {labelled.photo.name}")
    return QualityResult(
        scores={name: _mean(values) for name, values in scores.items()} if scores[BARE] else None,
        with_person=len(scores[BARE]),
        without_person=len(none_said),
        none_said=mean(none_said) if none_said else None,
        good=len(doubted),
        good_doubted=mean(doubted) if doubted else None,
    )


def find_labelled_photos(folder: Path) -> list[LabelledPhoto]:
    """Photos of a folder with their masks.

    Either `images/` and `masks/` (a PNG of the photo's stem), or pairs `name.jpg` and `name.png` side by side. A photo
    without a mask has no person; `manifest.csv` (columns `name` and `mask` or `has_mask`) may say so, too, and then
    names which photos are meant.

    Raises
    ------
    UserInputError
        There is no photo, or the manifest names a file that is not there.
    """
    photos, masks = (folder / "images", folder / "masks") if (folder / "images").is_dir() else (folder, folder)
    if (folder / "manifest.csv").is_file():
        found = list(_of_manifest(folder / "manifest.csv", photos, masks))
    else:
        found = [
            LabelledPhoto(photo=path, mask=mask if (mask := masks / f"{path.stem}.png").is_file() else None)
            for path in (sorted(photos.iterdir()) if photos.is_dir() else ())
            if path.suffix[1:].lower() in PHOTO_EXTENSIONS and not (photos == masks and path.suffix.lower() == ".png")
        ]
    if not found:
        raise UserInputError(
            f"There is no photo in {folder}: it needs images/ and masks/, or pairs name.jpg and name.png."
        )
    return found


class _BareNetwork:
    """The square network alone."""

    def __enter__(self) -> "_BareNetwork":
        self._network = SelfieNetwork("selfie_segmenter.tflite", Extent(width=256, height=256))
        return self

    def __exit__(self, *_: object) -> None:
        self._network.close()

    def alpha(self, image: np.ndarray) -> np.ndarray:
        return enlarged(self._network.confidence(image), Extent.of(image))


def _sides(bare: _BareNetwork, image: np.ndarray, *, with_fine: bool) -> dict[str, Callable[[], np.ndarray]]:
    sides: dict[str, Callable[[], np.ndarray]] = {BARE: lambda: bare.alpha(image)}
    for quality in QUALITIES:
        if with_fine or quality != "fine":
            sides[quality] = lambda quality=quality: cut_out(image, quality)[0]
    return sides


def _of_manifest(manifest: Path, photos: Path, masks: Path) -> Iterator[LabelledPhoto]:
    with manifest.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            name = row.get("mask") or ""
            if not name and (row.get("has_mask") or "no").lower() not in ("no", "false", "0", ""):
                name = f"{Path(row['name']).stem}.png"
            labelled = LabelledPhoto(photo=photos / row["name"], mask=masks / name if name else None)
            for path in (labelled.photo, labelled.mask):
                if path is not None and not path.is_file():
                    raise UserInputError(f"{manifest} names {path.name}, which is not in {path.parent}.")
            yield labelled


def read_true_mask(path: Path, extent: Extent) -> np.ndarray:
    """float32, HW, in [0, 1]; true masks of public sets are sometimes a few pixels off the photo's size."""
    try:
        with Image.open(path) as picture:
            grey = np.asarray(picture.convert("L"))
    except OSError as error:
        raise UserInputError(f"The mask {path} cannot be read: it must be a grey picture, white = person.") from error
    return reduced(grey.astype(np.float32) / 255, extent)


def _mean(scores: list[MaskScores]) -> MaskScores:
    iou, boundary_f, mae, edge_error = (mean(values) for values in zip(*map(astuple, scores), strict=True))
    return MaskScores(iou=iou, boundary_f=boundary_f, mae=mae, edge_error=edge_error)
