"""Every test has a store of its own, and nothing of the person's: all state is under pytest's temporary folder."""

import os

# Read by torch when it is first imported; see `bgen_core.models.devices.prepare_process_for_inference`.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a fresh installation."""
    for name in [name for name in os.environ if name.startswith("BGEN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BGEN_HOME", str(tmp_path_factory.mktemp("home")))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `gpu` are skipped where there is no GPU."""
    gpu_items = [item for item in items if item.get_closest_marker("gpu")]
    if not gpu_items:
        return
    import torch

    if not torch.cuda.is_available():
        for item in gpu_items:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
