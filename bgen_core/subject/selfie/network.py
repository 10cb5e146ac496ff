"""One selfie segmentation network behind a lock: the only place that touches MediaPipe.

Traps of mediapipe 1.2.2 that this module exists for, each reproduced:

- A mask's `numpy_view()` points at freed memory once the result object is gone: it is copied while the result is held.
- A grey image breaks a segmenter for good, 16-bit images abort the process, strides are ignored, four channels given as
  SRGB are garbage: what goes in is always uint8, contiguous, three channels, at the network's own size.
- A segmenter that the garbage collector closes can deadlock: it is closed explicitly.
- After an error the graph is unusable: it is built anew at the next call.
"""

import atexit
import re
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from bgen_core.extent import Extent
from bgen_core.subject.decoding.native_log import native_log_filtered
from bgen_core.subject.native import cv2, import_native, only_what_is_needed, raise_if_library_missing

_FOLDER = Path(__file__).parent
# TensorFlow Lite's and absl's start-up lines. mediapipe 1.2.2 reads no variable that silences them (tried:
# TF_CPP_MIN_LOG_LEVEL, GLOG_minloglevel, ABSL_MIN_LOG_LEVEL, GOOGLE_STDERRTHRESHOLD).
NOISE = re.compile(rb"INFO: Created TensorFlow Lite|WARNING: Logging before InitGoogle|[IW]\d{4} ")


class SelfieNetwork:
    """A MediaPipe ImageSegmenter for one of the two models; safe to call from many threads.

    Calls are serialised inside MediaPipe, so one network behind a lock is as fast as several.

    Parameters
    ----------
    file_name
        Name of the model file in this folder.
    extent
        The network's input size.
    """

    def __init__(self, file_name: str, extent: Extent) -> None:
        self.extent = extent
        self._path = _FOLDER / file_name
        self._lock = threading.Lock()
        self._segmenter: Any = None
        atexit.register(self.close)

    def confidence(self, image: np.ndarray) -> np.ndarray:
        """Confidence that a pixel belongs to a person.

        Parameters
        ----------
        image
            uint8, HWC, RGB, any size: it is stretched to the network's input (letterboxing finds less).

        Returns
        -------
        numpy.ndarray
            float32, HW, in [0, 1], at the network's own size.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise ValueError(f"image must be uint8 HWC RGB, not {image.dtype} {image.shape}")
        pixels = np.ascontiguousarray(_stretched(image, self.extent))
        with self._lock:
            try:
                if self._segmenter is None:
                    self._open()
                return self._run(pixels)
            except BaseException as error:
                self._close()
                raise_if_library_missing(error)
                raise

    def close(self) -> None:
        """Free the native segmenter; the next call opens a new one."""
        with self._lock:
            self._close()

    def _open(self) -> None:
        with only_what_is_needed():
            tasks = import_native("mediapipe.tasks.python")
        options = tasks.vision.ImageSegmenterOptions(
            base_options=tasks.BaseOptions(model_asset_path=str(self._path)),
            output_confidence_masks=True,
            output_category_mask=False,
        )
        with native_log_filtered(NOISE):
            self._segmenter = tasks.vision.ImageSegmenter.create_from_options(options)
            self._run(np.zeros((self.extent.height, self.extent.width, 3), np.uint8))  # the first call logs, too

    def _run(self, pixels: np.ndarray) -> np.ndarray:
        mediapipe = import_native("mediapipe")
        result = self._segmenter.segment(
            mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels),
        )
        mask = result.confidence_masks[0]
        confidence = np.array(mask.numpy_view()[..., 0], dtype=np.float32)
        del mask, result  # not before the copy
        return np.clip(confidence, 0, 1)

    def _close(self) -> None:
        segmenter, self._segmenter = self._segmenter, None
        if segmenter is None:
            return
        # At interpreter exit MediaPipe's own thread pool may be shut down already: closing then raises.
        with suppress(Exception):
            segmenter.close()
        segmenter._handle = None  # otherwise its __del__ closes a second time, from the garbage collector


def _stretched(image: np.ndarray, extent: Extent) -> np.ndarray:
    smaller = extent.area < Extent.of(image).area
    return cv2.resize(
        image, (extent.width, extent.height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    )
