"""Which kernel computes attention: measured once per model and GPU, kept, and told where it is not torch's choice."""

from collections.abc import Generator
from copy import deepcopy

import pytest
import torch
from torch.nn.attention import SDPBackend

from bgen_core.extent import Extent
from bgen_core.sweep.engine import BatchedInpainter, batch_size
from bgen_core.sweep.engine.network import attention as kernels
from bgen_core.sweep.engine.network.attention import ATTENTIONS, Attention, choose_attention, prefer
from tests.kept_tunings import TuningsInMemory
from tests.tiny_models import tiny_pipeline

SIZE = Extent(width=32, height=16)


@pytest.fixture(autouse=True)
def torchs_own_choice() -> Generator[None]:
    yield
    prefer("torch")


def order() -> list[int]:
    return list(torch._C._get_sdp_priority_order())


@pytest.mark.parametrize("attention", ATTENTIONS[1:])
def test_a_preferred_kernel_comes_first_and_what_it_cannot_compute_another_one_does(attention: Attention) -> None:
    usual = order()
    query = torch.randn(2, 3, 8, 16, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(8, 8, dtype=torch.bool).tril()
    plain = [torch.nn.functional.scaled_dot_product_attention(query, query, query, each) for each in (None, mask)]
    prefer(attention)
    assert order()[0] == int(kernels._KERNELS[attention]) and sorted(order()) == sorted(usual)
    for each, expected in zip((None, mask), plain, strict=True):
        answer = torch.nn.functional.scaled_dot_product_attention(query, query, query, each)
        torch.testing.assert_close(answer, expected, atol=1e-6, rtol=1e-5)
    prefer("torch")
    assert order() == usual
    assert torch.backends.cuda.flash_sdp_enabled() and torch.backends.cuda.cudnn_sdp_enabled()


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [
        ({"torch": 1.0, "cudnn": 0.8, "flash": 0.9, "efficient": 2.0}, "cudnn"),
        ({"torch": 1.0, "cudnn": 0.97, "flash": 1.0, "efficient": 1.0}, "torch"),
        ({"torch": 1.0, "flash": 0.5, "efficient": 0.6}, "flash"),  # cudnn fails
        ({"torch": 1.0}, "torch"),
    ],
)
def test_the_fastest_kernel_is_chosen_where_it_gains_enough(seconds: dict[str, float], chosen: str) -> None:
    def measured(attention: Attention) -> float:
        if attention not in seconds:
            raise RuntimeError("No available kernel. Aborting execution.")
        return seconds[attention]

    assert choose_attention(ATTENTIONS, measured) == chosen


def test_a_fault_that_is_not_the_kernels_is_raised() -> None:
    def lost(attention: Attention) -> float:
        if attention == "torch":
            return 1.0
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="CUDA error"):
        choose_attention(ATTENTIONS, lost)


def test_it_is_measured_once_kept_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU that is taken for a GPU: the same measuring, the same keeping."""
    place, asked = TuningsInMemory(), list[str]()

    def as_on_a_gpu() -> BatchedInpainter:
        inpainter = BatchedInpainter(deepcopy(tiny_pipeline("sd-9")), tuning_place=place)
        network = inpainter.denoiser.network

        def seconds(*_: object) -> float:
            asked.append(network.attention)
            return 1.0 if network.attention == "efficient" else 2.0

        monkeypatch.setattr(batch_size, "_seconds_per_row", seconds)
        monkeypatch.setattr(batch_size, "find_quantum", lambda *_: None)
        monkeypatch.setattr(batch_size, "attentions_on", lambda device: ATTENTIONS)
        return inpainter

    as_on_a_gpu().tune(SIZE)
    assert asked[:4] == list(ATTENTIONS) and set(asked[4:]) == {"efficient"}
    asked.clear()
    prefer("torch")
    later = as_on_a_gpu()
    later.tune(SIZE)
    assert asked == [] and later.denoiser.network.attention == "efficient"
    assert order()[0] == int(SDPBackend.EFFICIENT_ATTENTION)
    assert later.denoiser.network.told({"eager"}) == "efficient attention"


def test_a_processor_has_one_way() -> None:
    inpainter = BatchedInpainter(deepcopy(tiny_pipeline("sd-9")), tuning_place=TuningsInMemory())
    usual = order()
    inpainter.tune(SIZE)
    assert inpainter.denoiser.network.attention == "torch" and order() == usual
