"""Models that cannot be used, each answered in one sentence that names what is missing and what to do.

Every case goes the whole way: what is told before anything is loaded must not be left to the libraries.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from bgen_core.errors import ModelLoadError
from bgen_core.models.devices import Device
from bgen_core.models.loading import load_pipeline
from bgen_core.models.revision import find_entry, find_local_model, find_model
from tests.tiny_families import tiny_family
from tests.tiny_models import tiny_pipeline

CPU = Device(kind="cpu", name="cpu", dtype_name="float32")
UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "model"
    tiny_pipeline("sdxl-9").save_pretrained(folder)
    return folder


@pytest.fixture
def model(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "ein Modell – 模型"))


def change_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def without(*names: str) -> Callable[[Path], None]:
    def remove(folder: Path) -> None:
        for name in names:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return remove


def holding(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content) and None


def cut(folder: Path) -> None:
    weights = (folder / UNET).read_bytes()
    (folder / UNET).write_bytes(weights[: len(weights) // 2])


def pickled(folder: Path) -> None:
    (folder / UNET).rename(folder / "unet" / "diffusion_pytorch_model.bin")


def sharded_with_a_gap(folder: Path) -> None:
    (folder / UNET).rename(folder / "unet" / "diffusion_pytorch_model-00001-of-00002.safetensors")
    listing = {"weight_map": {f"x{i}": f"diffusion_pytorch_model-0000{i}-of-00002.safetensors" for i in (1, 2)}}
    (folder / f"{UNET}.index.json").write_text(json.dumps(listing))


def in_whole_numbers(folder: Path) -> None:
    save_file({name: tensor.to(torch.int8) for name, tensor in load_file(folder / UNET).items()}, folder / UNET)


def with_code_in_the_index(folder: Path) -> None:
    change_json(folder / "model_index.json", unet=["my_unet", "MyUNet"])
    (folder / "unet" / "my_unet.py").write_text("raise SystemExit('run')")


def with_code_in_a_config(folder: Path) -> None:
    change_json(folder / "text_encoder" / "config.json", auto_map={"AutoModel": "mine.Model"})


DAMAGES: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "no VAE": (without("vae"), ("vae", "AutoencoderKL", "missing", "download or save")),
    "no text encoder": (without("text_encoder"), ("text_encoder", "CLIPTextModel", "missing")),
    "no second tokenizer": (without("tokenizer_2"), ("tokenizer_2", "CLIPTokenizer", "missing")),
    "no scheduler": (without("scheduler"), ("scheduler", "PNDMScheduler", "missing")),
    "no UNet": (without("unet"), ("unet", "UNet2DConditionModel", "missing")),
    "a tokenizer without its words": (
        without("tokenizer/tokenizer.json"), ("tokenizer", "incomplete", "tokenizer.json")
    ),
    "no configuration of a part": (without("vae/config.json"), ("vae", "incomplete", "config.json")),
    "no weights": (without(UNET), ("unet", "no weights", ".safetensors")),
    "empty weights": (holding(UNET, b""), (UNET, "is empty")),
    "cut weights": (cut, (UNET, "cut off")),
    "no weights but text": (holding(UNET, b"hello, this is no file of weights"), (UNET, "safetensors")),
    "a pointer of Git LFS": (
        holding(UNET, b"version https://git-lfs.github.com/spec/v1\noid sha256:1"), (UNET, "git lfs pull")
    ),
    "a lost shard": (sharded_with_a_gap, ("00002-of-00002", "lacks a part")),
    "a damaged configuration": (holding("vae/config.json", b"{"), ("config.json", "no JSON")),
    "pickles alone": (pickled, ("diffusion_pytorch_model.bin", "never opened", "safetensors")),
    "code of its own": (with_code_in_the_index, ("my_unet.py", "never run")),
    "code that a configuration names": (with_code_in_a_config, ("text_encoder", "never run")),
    "an empty folder": (
        lambda folder: without(*(path.name for path in folder.iterdir()))(folder), ("empty folder", "download or save")
    ),
    "a damaged index": (holding("model_index.json", b"[]"), ("model_index.json", "damaged")),
    "a folder in a file's place": (
        lambda folder: without("vae/config.json")(folder) or (folder / "vae" / "config.json").mkdir(),
        ("cannot be read", "vae/config.json", "download or save"),
    ),
    "a link that leads nowhere": (
        lambda folder: without(UNET)(folder) or (folder / UNET).symlink_to("/nowhere"),
        ("cannot be read", UNET, "download or save"),
    ),
    "a scheduler that says nothing": (
        holding("scheduler/scheduler_config.json", b"{}"), ("scheduler_config.json says nothing", "download or save")
    ),
    "a network that says nothing": (holding("unet/config.json", b"{}"), ("unet/config.json says nothing",)),
    "a VAE without a scale": (
        lambda folder: change_json(folder / "vae" / "config.json", scaling_factor=0),
        ("vae/config.json", "scaling_factor '0'", "download or save"),
    ),
    "a VAE whose scale is a word": (
        lambda folder: change_json(folder / "vae" / "config.json", scaling_factor="big"), ("scaling_factor 'big'",)
    ),
    "an unknown class": (
        lambda folder: change_json(folder / "model_index.json", _class_name="PixArtAlphaPipeline"),
        ("PixArtAlphaPipeline", "StableDiffusionPipeline"),
    ),
    "a configuration that is a list": (holding("vae/config.json", b"[]"), ("vae/config.json", "no JSON object")),
    "a configuration without end": (holding("unet/config.json", b"[" * 100_000), ("unet/config.json", "no JSON")),
    "an index without end": (holding("model_index.json", b"[" * 100_000), ("model_index.json", "nested too deeply")),
    "a header without end": (
        holding(UNET, (100_000).to_bytes(8, "little") + b"[" * 100_000), (UNET, "no safetensors file")
    ),
    "a list of shards that names none": (holding(f"{UNET}.index.json", b"[]"), ("index.json", "no JSON object")),
    "a tokenizer without words": (holding("tokenizer/tokenizer.json", b"{}"), ("tokenizer.json", "no tokenizer")),
    "a part that was saved without": (
        lambda folder: change_json(folder / "model_index.json", vae=[None, None]), ("its part vae", "saved without")
    ),
    "a reader that was saved without": (
        lambda folder: change_json(folder / "model_index.json", text_encoder_2=[None, None]),
        ("its part text_encoder_2", "saved without"),
    ),
    "a part that nobody can read": (
        lambda folder: change_json(folder / "model_index.json", unet=["diffusers"]), ("unet", "a library and a class")
    ),
    "weights in whole numbers": (in_whole_numbers, ("quantised", UNET, "half precision")),
    "two tokenizers that do not agree": (
        lambda folder: change_json(folder / "tokenizer_2" / "tokenizer_config.json", model_max_length=20),
        ("two tokenizers give 48 and 20 tokens",),
    ),
    "a tokenizer that gives more than is read": (
        lambda folder: change_json(folder / "text_encoder" / "config.json", max_position_embeddings=20),
        ("tokenizer gives 48 tokens, and its text_encoder reads 20",),
    ),
    "a decoder without its prior": (
        lambda folder: change_json(
            folder / "model_index.json", _class_name="KandinskyV22Pipeline", movq=["diffusers", "AutoencoderKL"]
        ) or ((folder / "vae").rename(folder / "movq") and change_json(folder / "model_index.json", vae=[None, None])),
        ("decoder alone", "kandinsky-community/kandinsky-2-2-prior", "beside the decoder"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_folder_is_one_sentence(case: str, model: Path) -> None:
    damage, words = DAMAGES[case]
    damage(model)
    with pytest.raises(ModelLoadError) as refusal:
        find_model(str(model))
    said = str(refusal.value)
    assert all(word in said for word in words), said
    assert said.count("\n") == 0
    assert said.startswith("model '")
    assert len(said) < 600


@pytest.mark.parametrize(
    ("part", "words"),
    [("vae", "is one part of a pipeline (AutoencoderKL"), ("text_encoder", "is one part of a pipeline (CLIPTextModel")],
)
def test_a_part_is_no_pipeline(part: str, words: str, model: Path) -> None:
    with pytest.raises(ModelLoadError, match="one part") as refusal:
        find_model(str(model / part))
    assert words in str(refusal.value)


@pytest.mark.parametrize("entrance", [find_model, find_local_model, find_entry])
def test_what_may_not_be_read_is_one_sentence(
    entrance: Callable[[str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refused)  # root may read everything
    with pytest.raises(ModelLoadError, match=rf"cannot be read: {tmp_path} \(Permission denied\): give access"):
        entrance(str(tmp_path))


def test_a_controlnet_and_a_lora_are_told_by_their_name(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "config.json").write_text(json.dumps({"_class_name": "ControlNetModel"}))
    with pytest.raises(ModelLoadError, match="is a ControlNet"):
        find_model(str(tmp_path / "net"))
    (tmp_path / "lora").mkdir()
    weights = tmp_path / "lora" / "pytorch_lora_weights.safetensors"
    weights.write_bytes(b"")
    with pytest.raises(ModelLoadError, match="is a LoRA"):
        find_model(str(tmp_path / "lora"))


def test_a_single_file_says_what_it_is(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"is one part of a pipeline .a UNet"):
        find_model(str(whole / UNET))
    tensors = load_file(whole / UNET)
    name, tensor = next(iter(tensors.items()))
    save_file({f"lora_unet_{name}": tensor}, tmp_path / "style.safetensors")
    with pytest.raises(ModelLoadError, match="is a LoRA"):
        find_model(str(tmp_path / "style.safetensors"))
    (tmp_path / "old.ckpt").write_bytes(b"x")
    with pytest.raises(ModelLoadError, match="never opened"):
        find_model(str(tmp_path / "old.ckpt"))
    (tmp_path / "notes.txt").write_bytes(b"x")
    with pytest.raises(ModelLoadError, match=r"give a .safetensors file, or the folder"):
        find_model(str(tmp_path / "notes.txt"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("owner/na me", "is no Hub id"),
        ("nonsense", "is not there"),
        ("./not/here", "is not there"),
        ("/not/here", "is not there"),
        ("owner/nothing", "HF_HUB_OFFLINE|could not be reached"),
    ],
)
def test_a_name_that_nothing_has(name: str, words: str) -> None:
    with pytest.raises(ModelLoadError, match=words):
        find_model(name)


def test_ways_to_write_a_folder_are_one_model(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "link"
    link.symlink_to(model)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    ways = [str(model), f"{model}/", str(link), f"./{model.name}", f"~/{model.name}"]
    assert len({find_model(way).revision for way in ways}) == 1


@pytest.mark.parametrize("file", [UNET, "text_encoder/model.safetensors", "vae/diffusion_pytorch_model.safetensors"])
def test_a_part_that_lacks_weights_is_not_filled_with_random_numbers(file: str, model: Path) -> None:
    tensors = load_file(model / file)
    save_file(dict([*tensors.items()][3:]), model / file)
    part = file.partition("/")[0]
    with pytest.raises(ModelLoadError, match=rf"its part {part} \(\w+\) lacks some of its weights; download or save"):
        load_pipeline(find_model(str(model)), CPU)


def test_what_fails_while_loading_names_the_part(model: Path) -> None:
    change_json(model / "vae" / "config.json", block_out_channels=[7, 7])
    with pytest.raises(ModelLoadError, match="its part vae cannot be read") as refusal:
        load_pipeline(find_model(str(model)), CPU)
    assert "\n" not in str(refusal.value)


def test_weights_saved_as_fp16_alone_are_loaded(model: Path) -> None:
    for path in [*model.rglob("*.safetensors")]:
        path.rename(path.with_name(path.name.replace(".safetensors", ".fp16.safetensors")))
    source = find_model(str(model))
    assert source.variant == "fp16"
    assert load_pipeline(source, CPU).unet.config.in_channels == 9


def test_weights_saved_both_ways_are_loaded_as_they_were(model: Path) -> None:
    path = model / UNET
    shutil.copyfile(path, path.with_name(path.name.replace(".safetensors", ".fp16.safetensors")))
    assert find_model(str(model)).variant is None


def test_sd3_without_its_longest_encoder_is_loaded(tmp_path: Path) -> None:
    pipeline = tiny_family("sd3")
    parts = dict(pipeline.components) | {"text_encoder_3": None, "tokenizer_3": None}
    type(pipeline)(**parts).save_pretrained(tmp_path)
    source = find_model(str(tmp_path))
    assert source.family.title == "Stable Diffusion 3 without T5"
    assert load_pipeline(source, CPU).text_encoder_3 is None


def test_a_folder_that_changes_while_it_is_loaded_is_not_used(model: Path) -> None:
    source = find_model(str(model))
    change_json(model / "vae" / "config.json", scaling_factor=0.5)
    with pytest.raises(ModelLoadError, match=r"was changed in .* while it was loaded"):
        load_pipeline(source, CPU)


def test_a_model_that_cannot_fit_is_refused_before_it_is_read(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = find_model(str(model))
    pipeline = load_pipeline(source, CPU)
    networks = (pipeline.unet, pipeline.vae, pipeline.text_encoder, pipeline.text_encoder_2)
    assert source.weights == sum(network.num_parameters() for network in networks)
    monkeypatch.setattr("bgen_core.models.placement.memory_bytes", lambda device: source.weights * 4 - 1)
    with pytest.raises(
        ModelLoadError, match=r"needs 0\.\d GB for its weights alone, and cpu has .* BGEN_PRECISION=half"
    ):
        load_pipeline(source, CPU)


def test_a_model_that_does_not_fit_is_one_sentence(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import diffusers

    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(diffusers.AutoPipelineForInpainting, "from_pretrained", full)
    with pytest.raises(ModelLoadError, match="does not fit into the memory of cpu"):
        load_pipeline(find_model(str(model)), CPU)


@pytest.mark.parametrize("name", ["~nobody-of-this-name/model", "~nobody-of-this-name"])
def test_the_home_of_a_user_that_is_not_there(name: str) -> None:
    with pytest.raises(ModelLoadError, match=name):
        find_model(name)


def test_a_decoder_is_loaded_with_the_prior_beside_it(tmp_path: Path) -> None:
    whole = tiny_family("kandinsky")
    whole.decoder_pipe.save_pretrained(tmp_path / "decoder")
    whole.prior_pipe.save_pretrained(tmp_path / "kandinsky-2-2-prior")
    source = find_model(str(tmp_path / "decoder"))
    assert source.family.title == "Kandinsky 2.2"
    assert find_local_model(str(tmp_path / "decoder")) == source
    loaded = load_pipeline(source, CPU)
    assert type(loaded) is type(whole)
    networks = [name for name, part in whole.components.items() if hasattr(part, "num_parameters")]
    assert all(getattr(loaded, name).num_parameters() == getattr(whole, name).num_parameters() for name in networks)
    change_json(tmp_path / "kandinsky-2-2-prior" / "scheduler" / "scheduler_config.json", clip_sample_range=2.0)
    assert find_model(str(tmp_path / "decoder")).revision != source.revision
