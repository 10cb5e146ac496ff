"""Exporting new weights: what a person wrote about the model, and its tokenizer, stay as they are."""

import shutil
from pathlib import Path

import pytest
from diffusers import StableDiffusionInpaintPipeline

import training.export
from bgen_core.models.catalogue import DEMO_FOLDER
from training.config import Config
from training.export import export


def test_card_world_and_tokenizer_survive_an_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(DEMO_FOLDER, folder)
    trained = StableDiffusionInpaintPipeline.from_pretrained(DEMO_FOLDER)
    monkeypatch.setattr(training.export, "open_trained", lambda config: trained)
    (folder / "left_over.bin").write_bytes(b"of an older export")
    export(Config(export=folder, tokenizer=folder / "tokenizer"))
    files = {path.relative_to(DEMO_FOLDER) for path in DEMO_FOLDER.rglob("*") if path.is_file()}
    assert {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} == files
    for name in ("README.md", "world.json", "tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json"):
        assert (folder / name).read_bytes() == (DEMO_FOLDER / name).read_bytes(), name
