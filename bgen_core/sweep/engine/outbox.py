"""Events whose pictures are still on their way from the device: they leave in order, and the network never waits."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from bgen_core.sweep.events import Event

# A GPU may be this many events behind the loop that feeds it, before the loop waits for it.
MOST_PENDING = 64


class Transfer:
    """A uint8 tensor on its way to the host: copied in the background from a GPU, at once from a CPU."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self._done: Any = None
        if tensor.device.type != "cuda":
            self._host = tensor.cpu()
            return
        self._host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        self._host.copy_(tensor, non_blocking=True)
        self._done = torch.cuda.Event()
        self._done.record()

    @property
    def is_done(self) -> bool:
        return self._done is None or self._done.query()

    def result(self) -> np.ndarray:
        """The pixels; waits where they are not there yet."""
        if self._done is not None:
            self._done.synchronize()
        return self._host.numpy()


class Outbox:
    """Events in the order in which they were posted, each released when its picture has arrived."""

    def __init__(self) -> None:
        self._pending: deque[tuple[Transfer | None, Callable[[np.ndarray | None], Event]]] = deque()

    def post(self, build: Callable[[np.ndarray | None], Event], picture: torch.Tensor | None = None) -> None:
        """Post an event; `build` gets the picture's pixels, or None where there is none."""
        self._pending.append((Transfer(picture) if picture is not None else None, build))

    def collect(self, *, everything: bool = False) -> Iterator[Event]:
        """The events that can leave now; all of them where `everything` is asked for."""
        while self._pending:
            transfer, build = self._pending[0]
            must_wait = everything or len(self._pending) > MOST_PENDING
            if transfer is not None and not transfer.is_done and not must_wait:
                return
            self._pending.popleft()
            yield build(transfer.result() if transfer is not None else None)
