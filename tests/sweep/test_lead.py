"""How far the loop runs ahead of a device that takes calls faster than it computes them."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch

from bgen_core.sweep.engine.network import lead as lead_module
from bgen_core.sweep.engine.network.lead import LONG_SECONDS, Lead


@dataclass(kw_only=True)
class Device:
    """A device by a clock of its own: evaluations of one length, one after another."""

    seconds: float
    now: float = 0.0
    free_at: float = 0.0

    def mark(self, device: torch.device) -> "End":
        del device
        self.free_at = max(self.free_at, self.now) + self.seconds
        return End(device=self, at=self.free_at)

    def unfinished(self) -> int:
        return round((self.free_at - self.now) / self.seconds)


@dataclass(frozen=True, kw_only=True)
class End:
    device: Device
    at: float

    def synchronize(self) -> None:
        self.device.now = max(self.device.now, self.at)


@pytest.mark.parametrize(
    ("seconds", "most"),
    [pytest.param(LONG_SECONDS / 10, 1, id="the next one is queued"), pytest.param(LONG_SECONDS * 4, 0, id="none is")],
)
def test_the_loop_is_at_most_one_evaluation_ahead(monkeypatch: pytest.MonkeyPatch, seconds: float, most: int) -> None:
    device = Device(seconds=seconds)
    monkeypatch.setattr(lead_module, "time", SimpleNamespace(monotonic=lambda: device.now))
    lead = Lead(torch.device("cuda"), device.mark)
    ahead: list[int] = []
    for _ in range(20):
        lead.keep()
        ahead.append(device.unfinished())
    assert ahead[2:] == [most] * 18
    assert max(ahead) <= 1


def test_a_processor_is_never_ahead() -> None:
    Lead(torch.device("cpu")).keep()


@pytest.mark.gpu
def test_a_gpu_has_done_all_but_the_last_evaluation() -> None:
    device = torch.device("cuda")
    lead = Lead(device)
    matrix = torch.eye(8192, device=device)
    ends: list[torch.cuda.Event] = []
    for _ in range(10):
        for _ in range(5):
            matrix = matrix @ matrix  # far longer than asking for it
        ends.append(torch.cuda.Event())
        ends[-1].record(torch.cuda.current_stream(device))
        lead.keep()
        assert all(end.query() for end in ends[:-1])
