"""On which device a picture is made again."""

import re
from typing import Any

import pytest

from bgen_core.ids import WorkerId
from bgen_core.jobs import recorded_device
from bgen_core.jobs.recorded_device import device_to_repeat, painters_by_gpu
from bgen_core.process_identity import ProcessIdentity
from bgen_core.records.worker import WorkerStatus
from bgen_core.store.store import Store
from tests.made_up import made_up_run

HERE = {"cuda": "NVIDIA A100", "cuda:1": "NVIDIA H200"}
H200: dict[str, Any] = {"device": "NVIDIA H200, autoencoder in tiles"}
OLD_T4: dict[str, Any] = {"device": "Tesla T4"}
CPU: dict[str, Any] = {"device": "cpu x86_64, 8 threads"}
BACKDROP: dict[str, Any] = {"device": "cpu"}


@pytest.mark.parametrize(
    ("made_by", "wish", "device", "said"),
    [
        pytest.param(H200, "auto", "cuda:1", "", id="the GPU of its kind, not the first one"),
        pytest.param({"device": "NVIDIA A100"}, "auto", "cuda", "", id="the first one"),
        pytest.param({"device": "NVIDIA A100"}, "cuda:0", "cuda:0", "", id="the first one by its number"),
        pytest.param(CPU, "auto", "cpu", "", id="a processor, although there are GPUs"),
        pytest.param(BACKDROP, "auto", "cpu", "", id="no diffusion"),
        pytest.param(H200, "cuda", "cuda", "a GPU of the kind NVIDIA H200, and now by another device", id="as wished"),
        pytest.param(CPU, "cuda", "cuda", "by a processor, and now by another device", id="a GPU was wished for"),
        pytest.param(OLD_T4, "auto", "auto", r"Tesla T4 \(gpu-7 has such a one\)", id="none here, but a painter"),
        pytest.param(
            {"made_on": {"gpu": "NVIDIA H200"}, "device": "?"}, "auto", "cuda:1", "", id="by what is recorded"
        ),
        pytest.param({"device": "\x1b[31m" + "x" * 500}, "auto", "auto", r"x{3,60}…?,? ", id="a hostile name"),
    ],
)
def test_a_device_of_the_recorded_kind_is_taken_first(
    made_by: dict[str, Any], wish: str, device: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded_device, "gpus_here", lambda: HERE)
    chosen, sentence = device_to_repeat(made_up_run(1, **made_by), wish, {"Tesla T4": "gpu-7"})
    assert chosen == device
    assert bool(sentence) == bool(said)
    if said:
        assert re.search(said, sentence), sentence
    assert "\x1b" not in sentence


def test_what_nobody_knows_the_maker_of_is_made_as_wished() -> None:
    assert device_to_repeat(None, "auto", {}) == ("auto", "")


def test_painters_are_known_by_their_gpus(store: Store) -> None:
    for number, (kind, name) in enumerate([("cuda", "Tesla T4"), ("cpu", "cpu x86_64, 1 threads")]):
        status = WorkerStatus(state="ready", device_kind=kind, device_name=name)
        process = ProcessIdentity(host="gpu-7 boot 1", pid=number, start=1.0)
        store.workers.beat(WorkerId(f"painter-{number}"), "painter", process, status)
    assert painters_by_gpu(store) == {"Tesla T4": "gpu-7"}
