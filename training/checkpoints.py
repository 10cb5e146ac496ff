"""Checkpoints and results that appear whole or not at all."""

import shutil
from pathlib import Path
from typing import Any, Protocol

import torch


class Savable(Protocol):
    """A network or tokenizer of diffusers or transformers."""

    def save_pretrained(self, save_directory: Path) -> object:
        """Write files into a folder."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a training state in place of the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """Read a training state, None if there is none yet."""
    return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None


def save_folder(path: Path, result: Savable) -> None:
    """Save a network or tokenizer in place of the folder before."""
    temporary = path.with_name(path.name + ".new")
    shutil.rmtree(temporary, ignore_errors=True)
    result.save_pretrained(temporary)
    shutil.rmtree(path, ignore_errors=True)
    temporary.replace(path)
