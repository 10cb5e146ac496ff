"""Whether Ray's head is lost."""

import socket

import pytest

from bgen_core.cluster import lost_ray
from bgen_core.cluster.lost_ray import MISSES, Head


def test_a_head_is_lost_that_has_not_answered_several_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_ray, "HEAD_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        head = Head(f"127.0.0.1:{server.getsockname()[1]}")
        assert not any(head.is_lost for _ in range(2 * MISSES))
    assert [head.is_lost for _ in range(MISSES)] == [False] * (MISSES - 1) + [True]
