"""IP-Adapters by name: which file and which image encoder, and one sentence for what is none."""

import json
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pytest
from safetensors.numpy import save_file

from bgen_core.errors import UserInputError
from bgen_core.models.steering.ip_adapters import IPAdapter, available_ip_adapters, fetch_ip_adapter, find_ip_adapters

LAYERS = {"ip_adapter.1.to_k_ip.weight": np.zeros((4, 8), "f4"), "ip_adapter.1.to_v_ip.weight": np.zeros((4, 8), "f4")}
BASE = {**LAYERS, "image_proj.proj.weight": np.zeros((32, 6), "f4")}
PLUS = {
    **LAYERS,
    "image_proj.latents": np.zeros((1, 4, 64), "f4"),
    "image_proj.proj_in.weight": np.zeros((64, 5), "f4"),
}
FACE = {**LAYERS, "image_proj.proj.0.weight": np.zeros((4, 4), "f4"), "image_proj.norm.weight": np.zeros(4, "f4")}


def save_encoder(folder: Path, *, projection: int = 6, hidden: int = 5) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"projection_dim": projection, "hidden_size": hidden}))
    save_file({"weights": np.full(3, projection, "f4")}, str(folder / "model.safetensors"))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As h94/IP-Adapter is laid out: an encoder in models/, and a wider one beside those of SDXL."""
    for name, tensors in {"models/base": BASE, "models/plus": PLUS, "sdxl_models/vit-h": BASE}.items():
        path = tmp_path / f"{name}.safetensors"
        path.parent.mkdir(exist_ok=True)
        save_file(tensors, str(path))
    save_file(
        {**BASE, "image_proj.proj.weight": np.zeros((32, 9), "f4")}, str(tmp_path / "sdxl_models/big.safetensors")
    )
    save_encoder(tmp_path / "models" / "image_encoder")
    save_encoder(tmp_path / "sdxl_models" / "image_encoder", projection=9)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        ("models/base", "models"),
        ("models/base.safetensors", "models"),
        ("models/plus", "models"),
        ("sdxl_models/big", "sdxl_models"),
        ("sdxl_models/vit-h", "models"),  # which the one beside it does not fit
    ],
)
def test_the_encoder_that_fits_is_found_beside_it_or_in_models(name: str, encoder: str, folder: Path) -> None:
    found = find_ip_adapters([name, ""], folder)
    assert found.keys() == {name}
    assert found[name].encoder == folder / encoder / "image_encoder"
    assert fetch_ip_adapter(found[name]) == (found[name].path, found[name].encoder)


def test_the_encoders_are_no_adapters(folder: Path) -> None:
    assert available_ip_adapters(folder) == ("models/base", "models/plus", "sdxl_models/big", "sdxl_models/vit-h")


def test_an_adapter_that_no_encoder_fits_waits_for_the_models_own(tmp_path: Path) -> None:
    save_file(BASE, str(tmp_path / "base.safetensors"))
    save_encoder(tmp_path / "image_encoder", projection=7)
    found = find_ip_adapters(["base"], tmp_path)["base"]
    assert (found.encoder, found.encoder_content) == (None, "")
    assert fetch_ip_adapter(found) == (tmp_path / "base.safetensors", None)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone", None, "'gone' is not there: choose models/base, models/plus"),
        ("../gone", None, "is not there"),
        ("/etc/passwd", None, "is not there"),
        ("old.bin", b"pickle", r"is a pickle \(old\.bin\).* never opened"),
        ("cut.safetensors", b"\x80\0\0\0\0\0\0\0{}", "its file is cut off"),
        ("pointer.safetensors", b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
    ],
)
def test_a_file_that_is_none_is_one_sentence(name: str, content: bytes | None, words: str, folder: Path) -> None:
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(UserInputError, match=words) as refusal:
        find_ip_adapters([name.removesuffix(".bin")], folder)
    assert str(folder) not in str(refusal.value)  # a visitor reads it


def test_other_weights_and_other_kinds_are_told(folder: Path) -> None:
    save_file({"unet.to_q.lora_A.weight": np.zeros((2, 4), "f4")}, str(folder / "lora.safetensors"))
    save_file(FACE, str(folder / "face.safetensors"))
    with pytest.raises(UserInputError, match="'lora' is none: no tensor"):
        find_ip_adapters(["lora"], folder)
    with pytest.raises(UserInputError, match="of a kind that is not used here, such as FaceID"):
        find_ip_adapters(["face"], folder)


@pytest.mark.parametrize("changed", ["models/base.safetensors", "models/image_encoder/model.safetensors"])
def test_files_that_changed_since_are_not_used(changed: str, folder: Path) -> None:
    found = find_ip_adapters(["models/base"], folder)["models/base"]
    save_file({**BASE, "more": np.zeros(1, "f4")}, str(folder / changed))
    with pytest.raises(UserInputError, match="changed since"):
        fetch_ip_adapter(found)


def test_the_hub_names_file_and_encoder_before_they_are_downloaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    siblings = [SimpleNamespace(rfilename=name, lfs=SimpleNamespace(sha256=f"sha of {name}")) for name in files]
    shapes = {name: SimpleNamespace(shape=tensor.shape) for name, tensor in BASE.items()}
    info = SimpleNamespace(sha="f" * 40, siblings=siblings)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: info)
    told = SimpleNamespace(tensors=shapes)
    monkeypatch.setattr(huggingface_hub.HfApi, "parse_safetensors_file_metadata", lambda *_, **__: told)
    fetched: list[str] = []

    def download(repository: str, file: str, *, revision: str) -> str:
        fetched.append(file)
        return str(folder / file)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    name = "owner/name/sdxl_models/vit-h.safetensors"
    assert find_ip_adapters([name], folder / "none") == {
        name: IPAdapter(
            name=name,
            content="sha of sdxl_models/vit-h.safetensors",
            path=None,
            encoder_content="sha of models/image_encoder/model.safetensors",
            encoder=None,
            hub=("owner/name", "sdxl_models/vit-h.safetensors", "f" * 40, "models/image_encoder"),
        )
    }
    assert all(file.endswith("config.json") for file in fetched)  # small ones, to tell which encoder fits
    with pytest.raises(UserInputError, match="names no file of weights of owner/name"):
        find_ip_adapters(["owner/name/other.safetensors"], folder / "none")


def test_without_the_hub_it_is_a_sentence(folder: Path) -> None:
    with pytest.raises(UserInputError, match=r"IP-Adapter 'owner/name/file\.safetensors' is not on this machine"):
        find_ip_adapters(["owner/name/file.safetensors"], folder)
