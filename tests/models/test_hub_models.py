"""Models of the Hub: what is fetched, how much that is, and what is said where it cannot be had."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import constants

from bgen_core.errors import ModelLoadError
from bgen_core.models.devices import Device
from bgen_core.models.loading import load_pipeline
from bgen_core.models.model_files import fetch_missing, missing_files
from bgen_core.models.revision import find_local_model, find_model
from tests.hub_stand_in import StandIn, running_hub
from tests.tiny_models import tiny_pipeline

NAME = "somebody/tiny"
CPU = Device(kind="cpu", name="cpu", dtype_name="float32")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights as they are, as fp16, and as pickles, beside what nobody needs."""
    folder = tmp_path_factory.mktemp("published") / "model"
    tiny_pipeline("sd-9").save_pretrained(folder)
    for path in [*folder.rglob("*.safetensors")]:
        shutil.copyfile(path, path.with_name(path.name.replace(".safetensors", ".fp16.safetensors")))
        shutil.copyfile(path, path.with_suffix(".bin"))
    (folder / "v1-5-pruned.safetensors").write_bytes(b"x" * 1000)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    return folder


@pytest.fixture
def hub(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with running_hub() as hub:
        hub.repositories[NAME] = Path(shutil.copytree(published, tmp_path / "repository"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        yield hub


def weights(folder: Path, ending: str = ".safetensors") -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.glob(f"*/*{ending}")}


@pytest.mark.parametrize(("dtype_name", "variant"), [("float32", None), ("float16", "fp16"), ("bfloat16", None)])
def test_only_the_weights_that_are_loaded_are_fetched(dtype_name: str, variant: str | None, hub: StandIn) -> None:
    source = find_model(NAME)
    assert source.revision == hub.commit(NAME)
    assert not [name for name in hub.sent if name.endswith(".safetensors")]  # the size is said before anything large
    assert find_local_model(NAME) is None
    missing = missing_files(source, dtype_name)
    names = {name for name in missing if name.endswith(".safetensors")}
    assert names == {name for name in weights(hub.repositories[NAME]) if (".fp16." in name) == (variant == "fp16")}
    events = [*fetch_missing(source, dtype_name)]
    assert (events[0].done, events[-1].done, events[-1].of) == (0, sum(missing.values()), sum(missing.values()))
    assert set(missing) <= set(hub.sent)
    assert not [name for name in hub.sent if name.endswith((".bin", ".md")) or "/" not in name != "model_index.json"]
    hub.sent.clear()
    assert find_local_model(NAME) == source
    assert not [*fetch_missing(source, dtype_name)]
    assert not hub.sent


def test_a_model_of_the_hub_is_loaded_and_then_needs_no_hub(hub: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = load_pipeline(find_model(NAME), CPU)
    assert pipeline.unet.config.in_channels == 9
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    source = find_model(NAME)
    assert source.revision == hub.commit(NAME)
    assert load_pipeline(source, CPU).unet.config.in_channels == 9


def test_weights_that_are_here_are_taken_before_smaller_ones_are_fetched(hub: StandIn) -> None:
    assert [*fetch_missing(find_model(NAME), "float32")]
    assert missing_files(find_model(NAME), "float16") == {}


def test_half_weights_are_no_full_ones(hub: StandIn) -> None:
    assert [*fetch_missing(find_model(NAME), "float16")]
    assert len(missing_files(find_model(NAME), "float32")) == 3


def test_a_model_that_is_published_as_fp16_alone_is_loaded_everywhere(hub: StandIn) -> None:
    folder = hub.repositories[NAME]
    for name in weights(folder) - weights(folder, ".fp16.safetensors"):
        (folder / name).unlink()
    assert set(missing_files(find_model(NAME), "float32")) >= weights(folder, ".fp16.safetensors")
    assert load_pipeline(find_model(NAME), CPU).unet.config.in_channels == 9


def test_pickles_are_not_even_fetched(hub: StandIn) -> None:
    for name in weights(hub.repositories[NAME]):
        (hub.repositories[NAME] / name).unlink()
    with pytest.raises(
        ModelLoadError, match=r"has no .safetensors file on the Hugging Face Hub, and pickles are never"
    ):
        missing_files(find_model(NAME), "float32")
    assert not [name for name in hub.sent if name.endswith(".bin")]


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ((401, "GatedRepo"), "is gated .* accept its licence .* HF_TOKEN"),
        ((403, "GatedRepo"), "is gated .* accept its licence .* HF_TOKEN"),
        ((403, ""), r"is refused to you by the Hugging Face Hub \(403\)"),
    ],
)
def test_a_refusal_is_one_sentence(refusal: tuple[int, str], words: str, hub: StandIn) -> None:
    hub.refusal = refusal
    with pytest.raises(ModelLoadError, match=words) as said:
        find_model(NAME)
    assert str(said.value).count("\n") == 0
    assert len(str(said.value)) < 400


def test_a_token_opens_a_gated_model(hub: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.refusal, hub.token = (403, "GatedRepo"), "hf_mine"
    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert find_model(NAME).revision == hub.commit(NAME)


def test_what_is_private_or_not_there_is_one_sentence(hub: StandIn) -> None:
    hub.hidden = True
    with pytest.raises(ModelLoadError, match=r"is not on the Hugging Face Hub, or is private.*HF_TOKEN"):
        find_model(NAME)
    with pytest.raises(ModelLoadError, match=r"is not on the Hugging Face Hub, or is private.*HF_TOKEN"):
        find_model("nobody/nothing")


def test_a_download_that_is_cut_off_says_so_and_goes_on_later(hub: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.time", SimpleNamespace(sleep=lambda seconds: None))
    source = find_model(NAME)
    hub.cut_off = True
    with pytest.raises(ModelLoadError, match=r"could not be fetched to the end .* start again; what is here is kept"):
        load_pipeline(source, CPU)
    assert find_local_model(NAME) is None
    hub.cut_off = False
    assert load_pipeline(source, CPU).unet.config.in_channels == 9


def test_a_model_that_is_here_in_part_says_so_offline(hub: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    source = find_model(NAME)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelLoadError, match="is only in part on this machine, and HF_HUB_OFFLINE keeps it"):
        load_pipeline(source, CPU)


def test_a_download_that_the_disk_cannot_hold_is_not_begun(hub: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    source = find_model(NAME)
    monkeypatch.setattr("shutil.disk_usage", lambda place: shutil._ntuple_diskusage(0, 0, 1))
    with pytest.raises(ModelLoadError, match=r"needs a download of \d+ MB, .* make room, or set HF_HOME"):
        load_pipeline(source, CPU)


def test_closing_stops_a_download(hub: StandIn) -> None:
    events = fetch_missing(find_model(NAME), "float32")
    next(events)
    events.close()
