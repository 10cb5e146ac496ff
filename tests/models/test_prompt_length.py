"""What a text encoder does not read, against the encoder's own tokenizer."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import CLIPTokenizer

from bgen_core.models.catalogue import DEMO_FOLDER
from bgen_core.models.prompt_length import find_cut_off
from bgen_core.models.revision import find_model
from tests.tiny_families import bytes_tokenizer

WORDS = ["a", "beach", "at", "sunset,", "golden", "light;", "very", "detailed", "42", "it's", "Größe", "海"]


def prompt_of(number: int) -> str:
    return " ".join(WORDS[index % len(WORDS)] for index in range(number))


@pytest.mark.parametrize("number", [0, 1, 5, 12, 20, 40, 200])
def test_what_is_read_and_what_is_cut_off_fit_the_tokenizer(number: int):
    text = prompt_of(number)
    tokenizer = CLIPTokenizer.from_pretrained(DEMO_FOLDER / "tokenizer")
    cut_off = find_cut_off(find_model("demo"), text)
    limit = tokenizer.model_max_length
    if len(tokenizer(text).input_ids) <= limit:
        assert cut_off == ""
    else:
        assert text.endswith(cut_off)
        read = text[: len(text) - len(cut_off)]
        assert len(tokenizer(read).input_ids) <= limit
        assert len(tokenizer(read + " " + cut_off.split()[0]).input_ids) > limit


def test_a_slow_tokenizer_is_read_too(tmp_path: Path):
    """Vocabulary and merges alone, as Stable Diffusion 1.5 comes."""
    folder = tmp_path / "model"
    shutil.copytree(DEMO_FOLDER, folder)
    content = json.loads((folder / "tokenizer" / "tokenizer.json").read_text())["model"]
    (folder / "tokenizer" / "tokenizer.json").unlink()
    (folder / "tokenizer" / "vocab.json").write_text(json.dumps(content["vocab"]))
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in content["merges"]]
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges))
    text = prompt_of(60)
    assert find_cut_off(find_model(str(folder)), text) == find_cut_off(find_model("demo"), text) != ""


@pytest.mark.parametrize(
    ("class_name", "folder", "read"),
    [
        ("FluxPipeline", "tokenizer_2", 511),
        ("StableDiffusion3Pipeline", "tokenizer_3", 255),
        ("QwenImagePipeline", "tokenizer", 512),
    ],
)
def test_a_prompt_is_cut_where_its_longest_reader_stops(class_name: str, folder: str, read: int, tmp_path: Path):
    index = {"_class_name": class_name, "text_encoder_3": ["transformers", "T5EncoderModel"]}
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    (tmp_path / "text_encoder_3").mkdir()
    (tmp_path / "text_encoder_3" / "config.json").write_text("{}")
    save_file({"weight": torch.zeros(1)}, tmp_path / "text_encoder_3" / "model.safetensors")
    bytes_tokenizer(131_072).save_pretrained(tmp_path / folder)
    source = find_model(str(tmp_path))
    assert find_cut_off(source, "a" * read) == ""
    assert find_cut_off(source, "a" * (read - 2) + " bcd") == "bcd"
