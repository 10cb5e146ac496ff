"""How LoRAs are asked for, and which file a name stands for: what is none, damaged or missing is one sentence."""

from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pytest
from safetensors.numpy import save_file

from bgen_core.errors import UserInputError
from bgen_core.models.steering import loras
from bgen_core.models.steering.loras import (
    LoraFile,
    fetch_lora,
    find_loras,
    read_loras,
    take_tags,
    weigh,
)
from bgen_core.models.steering.weight_files import names_in_folder

TENSORS = {"unet.to_q.lora_A.weight": np.zeros((2, 4), np.float32), "unet.to_q.lora_B.weight": np.ones((4, 2), "f4")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "styles" / "saved").mkdir(parents=True)
    save_file(TENSORS, str(tmp_path / "ink.safetensors"))
    save_file(TENSORS, str(tmp_path / "styles" / "mist v1.2.safetensors"))
    save_file(TENSORS, str(tmp_path / "styles" / "saved" / "pytorch_lora_weights.safetensors"))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        (" , ", []),
        ("ink", [("ink", 1.0)]),
        ("ink:0.8, styles/mist v1.2 : -.5,", [("ink", 0.8), ("styles/mist v1.2", -0.5)]),
        ("owner/name/file.safetensors:2", [("owner/name/file.safetensors", 2.0)]),
        ("<lora:ink:0.8><lora:mist:1>", [("ink", 0.8), ("mist", 1.0)]),
    ],
)
def test_a_text_names_loras_with_their_weights(text: str, found: list[tuple[str, float]]) -> None:
    assert [(each.name, each.weight) for each in read_loras(text)] == found


@pytest.mark.parametrize("text", ["ink:", ":0.8", "ink:much", "ink:nan", "ink:0.8:0.6", "a\nb", "ink:11", "ink:1e9"])
def test_a_text_that_is_none_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(UserInputError, match=r"name:0\.8, other:0\.5|choose -10 to 10"):
        read_loras(text)
    with pytest.raises(UserInputError, match="at most 10"):
        read_loras(",".join("abcdefghijk"))


def test_weights_are_multiplied_as_people_count_and_nothing_is_no_lora() -> None:
    weighed = weigh(read_loras("a:0.7, b:0"), 0.1)
    assert [(each.name, each.weight) for each in weighed] == [("a", 0.07)]
    assert weigh(weighed, 0) == ()


def test_tags_of_a1111_are_taken_from_a_prompt() -> None:
    assert take_tags("a <lora:ink:0.8> cat, <lora:mist:1>") == ("a cat", "ink:0.8, mist:1")
    assert take_tags("a  cat") == ("a  cat", "")


def test_a_name_is_found_with_and_without_its_ending_and_in_folders_below(folder: Path) -> None:
    names = ("ink", "ink.safetensors", "styles/mist v1.2", "styles/saved")
    found = find_loras([", ".join(names)], folder)
    assert set(found) == set(names)
    assert len({each.content for each in found.values()}) == 1
    assert names_in_folder(folder) == ("ink", "styles/mist v1.2", "styles/saved/pytorch_lora_weights")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone", None, "'gone' is not there: choose ink, styles/mist"),
        ("../ink", None, "is not there"),
        ("/etc/passwd", None, "is not there"),
        (".", None, "is not there"),
        ("x" * 300, None, "is not there"),
        ("a--b/c", None, "is not there, and is no Hub id"),
        ("cut", b"\x80\0\0\0\0\0\0\0{}", "cut off"),
        ("empty", b"", "is empty"),
        ("pointer", b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        ("page", b"<html>not found</html>", "no safetensors file"),
    ],
)
def test_a_file_that_is_none_is_one_sentence(name: str, content: bytes | None, words: str, folder: Path) -> None:
    if content is not None:
        (folder / f"{name}.safetensors").write_bytes(content)
    with pytest.raises(UserInputError, match=words) as refusal:
        find_loras([name], folder / "styles" if name == "../ink" else folder)
    assert str(folder) not in str(refusal.value)  # a visitor reads it


def test_weights_of_another_thing_and_pickles_are_no_loras(folder: Path) -> None:
    save_file({"conv_in.weight": np.zeros(3, np.float32)}, str(folder / "vae.safetensors"))
    (folder / "old.pt").write_bytes(b"pickle")
    with pytest.raises(UserInputError, match="is none: no tensor"):
        find_loras(["vae"], folder)
    with pytest.raises(UserInputError, match=r"a pickle \(old\.pt\).* never opened"):
        find_loras(["old"], folder)


def test_the_missing_package_is_named_before_any_file_is_looked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loras, "find_spec", lambda name: None)
    with pytest.raises(UserInputError, match=r"package peft, which is not installed.*requirements-lora"):
        find_loras(["gone"], folder)
    assert find_loras([""], folder) == {}


def test_a_file_that_changed_since_is_not_used(folder: Path) -> None:
    found = find_loras(["ink"], folder)["ink"]
    assert fetch_lora(found) == folder / "ink.safetensors"
    save_file({**TENSORS, "unet.to_k.lora_A.weight": np.zeros((2, 4), "f4")}, str(folder / "ink.safetensors"))
    with pytest.raises(UserInputError, match="changed since"):
        fetch_lora(found)


def hub_with(monkeypatch: pytest.MonkeyPatch, *files: str) -> None:
    lfs = SimpleNamespace(sha256="c" * 64)
    info = SimpleNamespace(sha="f" * 40, siblings=[SimpleNamespace(rfilename=name, lfs=lfs) for name in files])
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: info)


@pytest.mark.parametrize(
    ("name", "files", "file"),
    [
        ("owner/name", ("one.safetensors", "README.md"), "one.safetensors"),
        ("owner/name", ("a.safetensors", "pytorch_lora_weights.safetensors"), "pytorch_lora_weights.safetensors"),
        ("owner/name/b.safetensors", ("a.safetensors", "b.safetensors"), "b.safetensors"),
    ],
)
def test_the_hub_names_the_file_before_it_is_downloaded(
    name: str, files: tuple[str, ...], file: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_with(monkeypatch, *files)
    expected = LoraFile(name=name, content="c" * 64, path=None, hub=("owner/name", file, "f" * 40))
    assert find_loras([name], folder) == {name: expected}


def test_a_model_of_the_hub_without_one_file_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub_with(monkeypatch, "a.safetensors", "b.safetensors")
    with pytest.raises(UserInputError, match=r"write owner/name/FILE with one of a\.safetensors, b"):
        find_loras(["owner/name"], folder)
    hub_with(monkeypatch, "README.md")
    with pytest.raises(UserInputError, match=r"has no \.safetensors file"):
        find_loras(["owner/name"], folder)


def test_without_the_hub_it_is_a_sentence(folder: Path) -> None:
    with pytest.raises(UserInputError, match="LoRA 'owner/name' is not on this machine"):
        find_loras(["owner/name"], folder)
