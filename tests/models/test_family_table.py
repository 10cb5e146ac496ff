"""The table of families: its rows against diffusers' own classes, what folders say, and docs/models.md."""

import inspect
import json
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from bgen_core.errors import ModelLoadError
from bgen_core.models.catalogue import MODELS, describe_model
from bgen_core.models.families import (
    SHIFTED_BY_SIZE,
    Always,
    Cfg,
    Configs,
    Distilled,
    Family,
    Ignored,
    NeedsSecond,
    WithCfg,
)
from bgen_core.models.family_table import FAMILIES, STABLE_DIFFUSION, find_family, working_classes
from bgen_core.models.revision import find_entry, find_model
from bgen_core.models.single_files.layouts import LAYOUTS
from bgen_core.parameters import parameter_of
from tests.test_docs import PROJECT, table_under

WORKING = [family for family in FAMILIES if not family.refusal]
MODELS_PAGE = PROJECT / "docs" / "models.md"


def by_title(family: Family) -> str:
    return family.title


def saved(folder: Path, class_name: str, index: dict[str, Any] | None = None, **configs: dict[str, Any]) -> str:
    """A folder with nothing but configurations, which is all that a family is told by."""
    folder.mkdir()
    (folder / "model_index.json").write_text(json.dumps({"_class_name": class_name} | (index or {})))
    for component, config in configs.items():
        (folder / component).mkdir()
        name = "scheduler_config.json" if component == "scheduler" else "config.json"
        (folder / component / name).write_text(json.dumps(config))
    return str(folder)


def test_titles_are_unique() -> None:
    assert [title for title, count in Counter(family.title for family in FAMILIES).items() if count > 1] == []


@pytest.mark.slow
@pytest.mark.parametrize("family", WORKING, ids=by_title)
def test_the_pipeline_takes_what_the_row_says(family: Family) -> None:
    accepted = inspect.signature(getattr(import_module("diffusers"), family.loads_as).__call__).parameters
    wanted = {"prompt", "image", "mask_image", "height", "width", "num_inference_steps", "generator", "output_type"}
    if isinstance(family.guidance, Cfg | Distilled):
        wanted.add(family.guidance.argument)
    if not isinstance(family.negative, Ignored):
        wanted.add("negative_prompt")
    if isinstance(family.negative, NeedsSecond):
        wanted.add(family.negative.argument)
    if not isinstance(family.strength, Ignored):
        wanted.add("strength")
    if family.control is None:
        wanted |= {"control_image", "controlnet_conditioning_scale"}
    if family.reference is None:
        wanted.add("ip_adapter_image_embeds")
    wanted |= {name for name, _ in family.fixed}
    assert wanted <= accepted.keys()
    if family.edits_as:  # with the photo alone
        editing = inspect.signature(getattr(import_module("diffusers"), family.edits_as).__call__).parameters
        assert wanted - {"mask_image", "strength"} <= editing.keys()
        assert "mask_image" not in editing
    assert isinstance(family.strength, Ignored) == ("strength" not in accepted)


@pytest.mark.slow
@pytest.mark.parametrize("family", WORKING, ids=by_title)
def test_diffusers_loads_each_saved_class_as_the_row_says(family: Family) -> None:
    auto: Any = import_module("diffusers.pipelines.auto_pipeline")
    for name in family.saved_as:
        mapped = auto._get_task_class(auto.AUTO_INPAINT_PIPELINES_MAPPING, name, throw_error_if_not_exist=False)
        if family.mapped:
            assert mapped.__name__ == family.loads_as
        else:
            assert mapped is None or mapped.__name__ == family.loads_as


def test_everything_that_diffusers_maps_has_a_row() -> None:
    source = Path(import_module("importlib.util").find_spec("diffusers").origin).parent / "pipelines/auto_pipeline.py"
    table = source.read_text().partition("AUTO_INPAINT_PIPELINES_MAPPING = ")[2].partition("\n)\n")[0]
    mapped = {line.rpartition(", ")[2].rstrip("),") for line in table.splitlines() if line.strip().startswith('("')}
    assert mapped
    assert mapped <= {name for family in FAMILIES for name in (*family.saved_as, family.loads_as)}


FLUX = {"transformer": {"guidance_embeds": True}}


@pytest.mark.parametrize(
    ("class_name", "index", "configs", "title", "start"),
    [
        ("StableDiffusionPipeline", {}, {"unet": {"in_channels": 4}}, "Stable Diffusion", (512, 30, 7.5)),
        (
            "StableDiffusionXLPipeline",
            {},
            {"unet": {"sample_size": 128}, "vae": {"block_out_channels": [1, 2, 3, 4]}},
            "Stable Diffusion XL",
            (1024, 30, 7.5),
        ),
        (
            "StableDiffusionXLPipeline",
            {},
            {"scheduler": {"_class_name": "EDMDPMSolverMultistepScheduler"}},
            "Stable Diffusion XL, EDM",
            (1024, 30, 3.0),
        ),
        (
            "StableDiffusionPipeline",
            {},
            {"scheduler": {"timestep_spacing": "trailing"}},
            "Stable Diffusion Turbo",
            (512, 4, 0.0),
        ),
        (
            "StableDiffusionPipeline",
            {},
            {"unet": {"time_cond_proj_dim": 256}},
            "Stable Diffusion, latent consistency",
            (512, 4, 8.0),
        ),
        ("StableDiffusion3Pipeline", {"text_encoder_3": ["t", "T5"]}, {}, "Stable Diffusion 3", (1024, 28, 7.0)),
        (
            "StableDiffusion3Pipeline",
            {"text_encoder_3": [None, None]},
            {},
            "Stable Diffusion 3 without T5",
            (1024, 28, 7.0),
        ),
        ("FluxPipeline", {}, FLUX, "Flux", (1024, 28, 3.5)),
        ("FluxPipeline", {}, {"transformer": {"guidance_embeds": False}}, "Flux schnell", (1024, 4, 0.0)),
        ("FluxFillPipeline", {}, FLUX, "Flux Fill", (1024, 50, 30.0)),
        ("FluxKontextPipeline", {}, FLUX, "Flux Kontext", (1024, 28, 3.5)),
        ("Flux2KleinPipeline", {"is_distilled": True}, {}, "Flux.2 Klein, distilled", (1024, 4, 0.0)),
        ("Flux2KleinPipeline", {"is_distilled": False}, {}, "Flux.2 Klein", (1024, 50, 4.0)),
        ("QwenImagePipeline", {}, {"vae": {"temperal_downsample": [0, 1, 1]}}, "Qwen-Image", (1024, 50, 4.0)),
        ("ZImagePipeline", {}, {"scheduler": {"shift": 3.0}}, "Z-Image Turbo", (1024, 9, 0.0)),
        ("ZImagePipeline", {}, {"scheduler": {"shift": 6.0}}, "Z-Image", (1024, 50, 4.0)),
        ("KandinskyV22InpaintPipeline", {}, {"unet": {"sample_size": 64}}, "Kandinsky 2.2", (512, 50, 4.0)),
    ],
)
def test_a_folder_says_its_family_and_where_to_start(
    class_name: str,
    index: dict[str, Any],
    configs: dict[str, dict[str, Any]],
    title: str,
    start: tuple[int, int, float],
    tmp_path: Path,
) -> None:
    entry = find_entry(saved(tmp_path / "model", class_name, index, **configs))
    assert entry.family.title == title
    assert (entry.side, entry.steps, entry.guidance, entry.scheduler) == (*start, "default")


@pytest.mark.parametrize(
    ("class_name", "configs", "words"),
    [
        ("PixArtAlphaPipeline", {}, "'PixArtAlphaPipeline', with which nothing here can repaint a picture: choose one"),
        ("StableDiffusion3ControlNetPipeline", {}, "needs a control picture"),
        ("FluxControlPipeline", {}, "needs a control picture"),
        ("IFPipeline", {}, "64 × 64"),
        ("ChromaPipeline", {}, "diffusers 0.42.1"),
        ("StableDiffusionPipeline", {"unet": {"in_channels": 8}}, "neither 4 nor 9 input channels"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_loaded(
    class_name: str, configs: dict[str, dict[str, Any]], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelLoadError, match=words) as refusal:
        find_model(saved(tmp_path / "model", class_name, **configs))
    assert str(refusal.value).count("\n") == 0


@pytest.mark.parametrize(
    "class_name", ["StableDiffusion3Pipeline", "FluxPipeline", "QwenImagePipeline", "ZImagePipeline"]
)
def test_what_a_scheduler_does_not_allow_is_known_before_anything_is_loaded(class_name: str, tmp_path: Path) -> None:
    """Outside the engine's loop guidance cannot end early; without flow matching nothing can start from the photo."""
    drawing = {"_class_name": "FlowMatchEulerDiscreteScheduler", "stochastic_sampling": True}
    family = find_entry(saved(tmp_path / "drawing", class_name, scheduler=drawing)).family
    assert (family.engine, "guidance_end" in family.ignored, family.refusal) == (None, True, "")
    other = saved(tmp_path / "other", class_name, scheduler={"_class_name": "UniPCMultistepScheduler"})
    with pytest.raises(ModelLoadError, match=r"by flow matching alone, which its UniPCMultistepScheduler cannot"):
        find_model(other)


def test_an_unknown_class_is_answered_with_those_that_work(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError) as refusal:
        find_model(saved(tmp_path / "model", "NothingPipeline"))
    assert set(working_classes()) >= {"StableDiffusionPipeline", "FluxPipeline", "FluxFillPipeline", "ZImagePipeline"}
    assert all(name in str(refusal.value) for name in working_classes())


def test_a_model_of_the_list_is_what_its_own_files_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = saved(tmp_path / "fill", "FluxFillPipeline", scheduler={"use_dynamic_shifting": True})
    monkeypatch.setattr("bgen_core.models.revision.cached_snapshot", lambda repository: Path(folder))
    entry = find_entry("flux-fill")
    assert entry.family.ignored["flow_shift"] is SHIFTED_BY_SIZE
    assert (entry.name, entry.licence) == ("flux-fill", describe_model("flux-fill").licence)


def test_the_catalogue_names_families_of_the_table() -> None:
    assert all(entry.family in FAMILIES for entry in MODELS)


@pytest.mark.parametrize("damage", ["[]", '{"sample_size": [1, 2]}', '{"sample_size": -4}', "{"])
def test_a_strange_configuration_leaves_the_rows_own_side(damage: str, tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", "StableDiffusionPipeline", unet={})
    (Path(folder) / "unet" / "config.json").write_text(damage)
    assert find_entry(folder).side == STABLE_DIFFUSION.side


@pytest.mark.parametrize(
    ("class_name", "of_device", "computes_in"),
    [
        ("StableDiffusionPipeline", "float16", "float16"),
        ("FluxPipeline", "float16", "bfloat16"),
        ("QwenImagePipeline", "float16", "bfloat16"),
        ("ZImagePipeline", "float16", "bfloat16"),
        ("FluxPipeline", "float32", "float32"),
        ("StableDiffusionPipeline", "bfloat16", "bfloat16"),
    ],
)
def test_half_precision_is_of_the_familys_own_kind(class_name: str, of_device: str, computes_in: str) -> None:
    family = find_family(class_name, Configs(index={}, of=lambda component: {}))
    assert family is not None
    assert family.number_format(of_device) == computes_in


LATER = ("guidance_end", "clip_skip", "prompt_syntax", "flow_shift", "loras", "control", "reference", "repaint")


def described(family: Family) -> list[str]:
    """A row of the table in docs/models.md."""
    guidance = {
        Cfg: lambda how: f"CFG above {how.off_at:g}",
        Distilled: lambda how: "an input of the model",
        Ignored: lambda how: "none",
    }[type(family.guidance)](family.guidance)
    negative = {
        WithCfg: lambda how: "with CFG",
        Always: lambda how: "always",
        NeedsSecond: lambda how: f"through CFG {how.value:g} of its own",
        Ignored: lambda how: "none",
    }[type(family.negative)](family.negative)
    return [
        family.title,
        ", ".join(f"`{name}`" for name in (family.saved_as[0], *family.packages)),
        "engine" if family.engine else "own call",
        guidance,
        negative,
        "none" if isinstance(family.strength, Ignored) else "yes",
        "its own" if family.own_scheduler else ", ".join(family.schedulers) or "all",
        family.half,
        f"{family.steps}, {family.usual_guidance:g}",
        ", ".join(parameter_of(field).label for field in LATER if field not in family.ignored) or "none",
    ]


def test_the_documentation_has_every_family_as_it_is() -> None:
    assert table_under(MODELS_PAGE, "Families") == [described(family) for family in WORKING]
    page = MODELS_PAGE.read_text(encoding="utf-8")
    assert [family.title for family in FAMILIES if family.refusal and f"{family.title}:" not in page] == []


def test_the_documentation_has_every_model_of_the_list_as_it_is() -> None:
    listed = [
        [
            f"`{entry.name}`",
            "embedded" if entry.name == "demo" else f"`{entry.source}`",
            entry.licence,
            entry.access,
            entry.size or "-",
            f"{entry.side}, {entry.steps}, {entry.guidance:g}",
            "yes" if entry.was_run else "no",
        ]
        for entry in MODELS
    ]
    assert table_under(MODELS_PAGE, "The list") == listed
    page = MODELS_PAGE.read_text(encoding="utf-8")
    assert [
        layout.title for layout in LAYOUTS if f"`{layout.configuration}`" not in page and layout.configuration
    ] == []
