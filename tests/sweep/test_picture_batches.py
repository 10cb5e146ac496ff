"""Pictures are decoded together where that is faster and the same; what fails together is tried in halves."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from bgen_core.extent import Extent
from bgen_core.sweep.engine import picture_batches
from bgen_core.sweep.engine.batch_size import probe_rows
from bgen_core.sweep.engine.denoisers import make_denoiser
from bgen_core.sweep.engine.picture_batches import PictureDecoder, choose_together, measure_together
from tests.tiny_models import tiny_pipeline

EXTENT = Extent(width=4, height=4)


def denoiser(decode: Callable[[torch.Tensor], torch.Tensor], device: str = "cuda") -> Any:
    return SimpleNamespace(decode=lambda latents, _: decode(latents), device=torch.device(device))


def as_picture(latents: torch.Tensor) -> torch.Tensor:
    return latents[:, :3]


def latents(number: int) -> torch.Tensor:
    return torch.linspace(-1, 1, number)[:, None, None, None].expand(number, 4, 4, 4)


def test_a_call_without_memory_is_halved_and_larger_ones_are_not_tried_again() -> None:
    sizes: list[int] = []

    def decode(asked: torch.Tensor) -> torch.Tensor:
        sizes.append(len(asked))
        if len(asked) > 2:
            raise torch.OutOfMemoryError("no room")
        return as_picture(asked)

    decoder = PictureDecoder(denoiser(decode), EXTENT, 4)
    found = [picture for picture, _ in decoder.decode([latents(8)[:3], latents(8)[3:]])]
    assert sizes == [4, 2, 2, 2, 2]
    torch.testing.assert_close(torch.stack(found), as_picture(latents(8)))  # pyright: ignore[reportArgumentType]


def test_a_picture_that_cannot_be_decoded_costs_the_others_nothing() -> None:
    fault = RuntimeError("no such kernel")

    def decode(asked: torch.Tensor) -> torch.Tensor:
        if (asked == 1).any():
            raise fault
        return as_picture(asked)

    found = [picture for picture, _ in PictureDecoder(denoiser(decode), EXTENT, 8).decode([latents(5)])]
    assert found[-1] is fault
    assert not any(isinstance(picture, Exception) for picture in found[:-1])


def test_an_only_picture_without_memory_says_so() -> None:
    def decode(_: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("no room")

    ((found, _),) = PictureDecoder(denoiser(decode), EXTENT, 8).decode([latents(1)])
    assert isinstance(found, torch.OutOfMemoryError)


@pytest.mark.parametrize(
    ("seconds_of", "drift", "expected"),
    [
        (lambda size: 1.0, 0, 8),  # a call costs the same, whatever it holds
        (lambda size: 1.0 * size, 0, 1),  # nothing is gained
        (lambda size: 1.0 if size < 8 else 9.0, 0, 4),
        (lambda size: 1.0, 3 / 127.5, 1),  # in company it is another picture
    ],
)
def test_so_many_are_decoded_together_as_pays(
    monkeypatch: pytest.MonkeyPatch, seconds_of: Callable[[int], float], drift: float, expected: int
) -> None:
    clock = [0.0]
    monkeypatch.setattr(picture_batches.time, "perf_counter", lambda: clock[0])

    def decode(asked: torch.Tensor) -> torch.Tensor:
        clock[0] += seconds_of(len(asked))
        return as_picture(asked) * 0.5 + drift * (len(asked) > 1)

    assert measure_together(denoiser(decode), list(latents(8)), EXTENT) == expected


def test_a_device_without_memory_for_two_decodes_one() -> None:
    def decode(asked: torch.Tensor) -> torch.Tensor:
        if len(asked) > 1:
            raise torch.OutOfMemoryError("no room")
        return as_picture(asked)

    assert measure_together(denoiser(decode), list(latents(8)), EXTENT) == 1


def test_on_a_cpu_nothing_is_tried() -> None:
    def decode(_: torch.Tensor) -> torch.Tensor:
        raise AssertionError("nothing is decoded")

    assert choose_together(denoiser(decode, "cpu"), list(latents(8)), EXTENT) == 1


@pytest.mark.parametrize("family", ["sd-9", "sdxl-9"])
def test_pictures_in_company_are_those_alone(family: str) -> None:
    """The flows' are in test_flow_engine.py, against their own calls."""
    model = make_denoiser(tiny_pipeline(family))
    assert model is not None
    extent = Extent(width=32, height=48)
    with torch.inference_mode():
        rows = torch.stack([row.latents for row in probe_rows(model, extent, 3)])
        together = [picture for picture, _ in PictureDecoder(model, extent, 4).decode([rows])]
        alone = [picture for picture, _ in PictureDecoder(model, extent, 1).decode([rows])]
    for one, other in zip(together, alone, strict=True):
        assert isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor)
        assert one.shape == (3, extent.height, extent.width)
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=2 / 255)
