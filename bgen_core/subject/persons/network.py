"""A bare TensorFlow Lite network, by LiteRT: MediaPipe's tasks take none without their own metadata and bundles."""

import threading
from pathlib import Path
from typing import Any

import numpy as np

from bgen_core.extent import Extent
from bgen_core.subject.decoding.native_log import native_log_filtered
from bgen_core.subject.native import import_native
from bgen_core.subject.selfie.network import NOISE

_FOLDER = Path(__file__).parent


class LiteNetwork:
    """One network behind a lock; safe to call from many threads. Opened at its first call.

    One thread each: the answers' bits do not depend on the machine's cores, and several networks can work beside each
    other.

    Parameters
    ----------
    file_name
        Name of the model file in this folder.
    side
        Side of the network's square input, in pixels.
    """

    def __init__(self, file_name: str, side: int) -> None:
        self.extent = Extent(width=side, height=side)
        self._path = _FOLDER / file_name
        self._lock = threading.Lock()
        self._interpreter: Any = None

    def answers(self, pixels: np.ndarray) -> list[np.ndarray]:
        """What the network says of a picture.

        Parameters
        ----------
        pixels
            float32, HWC, RGB, at the network's own size and in its own range.

        Returns
        -------
        list of numpy.ndarray
            float32, in the order of the model's outputs, without the batch.
        """
        with self._lock:
            if self._interpreter is None:
                self._interpreter = self._opened()
            inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
            self._interpreter.set_tensor(inputs[0]["index"], pixels[None].astype(np.float32, copy=False))
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(output["index"])[0] for output in outputs]  # copies

    def _opened(self) -> Any:
        with native_log_filtered(NOISE):
            interpreter = import_native("ai_edge_litert.interpreter").Interpreter(str(self._path), num_threads=1)
            interpreter.allocate_tensors()
        return interpreter
