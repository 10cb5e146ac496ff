"""Exporting weights: what a person wrote about the model, and its tokenizer, stay; an export can be gone on from."""

import shutil
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file

from bgen_core.models.catalogue import DEMO_FOLDER
from training.config import Config, UnetConfig, for_gpu
from training.export import export
from training.go_on import go_on_from_export
from training.sampling import load_pipeline
from training.train_unet import is_trained
from training.unet import layers_of


def test_a_run_that_goes_on_from_the_export_has_its_weights_card_world_and_tokenizer(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(DEMO_FOLDER, folder)
    (folder / "left_over.bin").write_bytes(b"of an older export")
    as_deep = UnetConfig(layers_per_block=layers_of(load_pipeline(folder).unet))
    config = Config(work=tmp_path / "work", export=folder, tokenizer=folder / "tokenizer", unet=as_deep)
    config = go_on_from_export(config)
    assert is_trained(config)
    # Another device's budget of samples is larger, and nobody asked for it to be learned.
    assert is_trained(go_on_from_export(for_gpu(Config(work=config.work, export=folder, unet=as_deep))))
    assert not is_trained(replace(config, unet=replace(config.unet, seconds=1.0)))
    export(config)
    files = {path.relative_to(DEMO_FOLDER) for path in DEMO_FOLDER.rglob("*") if path.is_file()}
    assert {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} == files
    for name in files:
        if name.suffix == ".safetensors":
            before, after = load_file(DEMO_FOLDER / name), load_file(folder / name)
            assert before.keys() == after.keys()
            assert all(torch.equal(after[key], value) for key, value in before.items()), name
        if (
            name.parts[0] in ("README.md", "world.json", "tokenizer", "vae", "scheduler")
            and name.suffix != ".safetensors"
        ):
            assert (folder / name).read_bytes() == (DEMO_FOLDER / name).read_bytes(), name
