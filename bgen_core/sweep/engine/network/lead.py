"""How far the loop may be ahead of its device: what is queued there cannot be called back by whoever stops it."""

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import torch

# Beside an evaluation of this length, the moment in which the device waits for the next one is nothing.
LONG_SECONDS = 0.25


class End(Protocol):
    """The end of an evaluation on the device."""

    def synchronize(self) -> None:
        """Wait for it."""
        ...


class Lead:
    """Keeps the loop one evaluation ahead of the device, so that it always has work, or none where they are long.

    A GPU takes calls faster than it computes them: without a limit, all steps of a cohort may be queued within a
    second, and a sweep that somebody stops would be computed to its end.

    Parameters
    ----------
    device
        Where it computes; a CPU has done each call when it returns.
    mark
        Marks the end of what was asked of the device until now; None where nothing is to be waited for.
    """

    def __init__(self, device: torch.device, mark: Callable[[torch.device], End | None] | None = None) -> None:
        self._device = device
        self._mark = mark or _mark
        self._ends: deque[End] = deque()
        self._last = time.monotonic()
        self._is_long = False

    def keep(self) -> None:
        """Wait as needed; to be called when an evaluation has been asked for."""
        end = self._mark(self._device)
        if end is None:
            return
        self._ends.append(end)
        while len(self._ends) > (0 if self._is_long else 1):
            self._ends.popleft().synchronize()
            now = time.monotonic()
            self._is_long, self._last = now - self._last > LONG_SECONDS, now


def _mark(device: torch.device) -> End | None:
    if device.type != "cuda":
        return None
    end = torch.cuda.Event(blocking=True)  # asleep: commits need the processor meanwhile
    end.record(torch.cuda.current_stream(device))
    return end
