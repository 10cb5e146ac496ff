"""The model of a deployment that names none."""

import pytest

from bgen_core.models import default_model as module
from bgen_core.models.default_model import default_model
from bgen_core.models.revision import find_model
from bgen_core.settings import load_settings


@pytest.mark.parametrize(
    ("device", "has_cuda", "is_here", "chosen"),
    [
        ("auto", True, True, "sd15-inpainting"),
        ("cuda:1", True, True, "sd15-inpainting"),
        ("auto", True, False, "demo"),
        ("auto", False, True, "demo"),
        ("cpu", True, True, "demo"),
    ],
)
def test_stable_diffusion_is_the_default_where_it_can_be_used_at_once(
    device: str, has_cuda: bool, is_here: bool, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_has_cuda", lambda: has_cuda)
    monkeypatch.setattr(module, "find_local_model", lambda name: find_model("demo") if is_here else None)
    assert default_model(load_settings(device=device)) == chosen


def test_what_is_named_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_has_cuda", lambda: True)
    assert default_model(load_settings(model="somebody/model")) == "somebody/model"
