"""Plans against the families of their models: what is refused, what is said, and which cells are one."""

from dataclasses import replace
from typing import Any

import pytest

from bgen_core.errors import UserInputError
from bgen_core.ids import SubjectId
from bgen_core.models.catalogue import BACKGROUNDS, ModelEntry, describe_model
from bgen_core.models.families import Configs, Family
from bgen_core.models.family_table import FAMILIES, find_family
from bgen_core.sweep.build import build_plan
from bgen_core.sweep.family_check import check_families, family_notes
from bgen_core.sweep.family_rules import could_be_settled, settled
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import CellAddress, SweepPlan, address_cell, address_plan

DEMO = describe_model("demo")
CLASSES = {
    "flux": ("FluxPipeline", {"transformer": {"guidance_embeds": True}}),
    "schnell": ("FluxPipeline", {}),
    "fill": ("FluxFillPipeline", {}),
    "kontext": ("FluxKontextPipeline", {"transformer": {"guidance_embeds": True}}),
    "qwen": ("QwenImagePipeline", {}),
    "z-image": ("ZImagePipeline", {}),
    "kandinsky": ("KandinskyV22CombinedPipeline", {}),
    "lcm": ("StableDiffusionPipeline", {"unet": {"time_cond_proj_dim": 256}}),
    "edm": ("StableDiffusionXLPipeline", {"scheduler": {"_class_name": "EDMEulerScheduler"}}),
    "sd": ("StableDiffusionPipeline", {"text_encoder": {"num_hidden_layers": 3}}),
    "moved": ("QwenImagePipeline", {"scheduler": {"use_dynamic_shifting": True, "shift_terminal": 0.02}}),
    "sd3": ("StableDiffusion3Pipeline", {"scheduler": {"shift": 3.0}, "transformer": {"sample_size": 64}}),
    "controlnet": ("StableDiffusionControlNetPipeline", {}),
}


def family(name: str) -> Family:
    class_name, configs = CLASSES[name]
    found = find_family(class_name, Configs(index={}, of=lambda component: configs.get(component, {})))
    assert found is not None
    return found


def entry(name: str) -> ModelEntry:
    row = family(name)
    return replace(describe_model(f"somebody/{name}"), family=row, steps=row.steps, guidance=row.usual_guidance)


def plan(models: list[ModelEntry], **given: Any) -> SweepPlan:
    texts = {name.replace("_", "-"): value for name, value in given.items()}
    return build_plan(models, {SubjectId("s"): "Ada"}, {"prompt": "a beach", **texts})


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("schnell", {"guidance": "3,5"}, "without guidance: choose the guidance 0, not 3"),
        ("schnell", {"guidance": "3"}, "choose the guidance 0, not 3"),
        ("fill", {"negative_prompt": "red"}, "Flux Fill takes no negative prompt: leave it empty"),
        ("lcm", {"negative_prompt": "red"}, "leave it empty"),
        ("kandinsky", {"strength": "0.5,1"}, "paints from noise alone: choose the strength 1, not 0.5"),
        ("kandinsky", {"lora": "ink"}, "takes no LoRAs: leave it empty"),
        ("kandinsky", {"lora_weight": "0,0.5"}, "takes no LoRAs: choose the lora weight 1, not 0"),
        ("sd", {"control_scale": "0.5"}, "has no ControlNet: choose the control scale 1, not 0.5"),
        ("flux", {"scheduler": "euler"}, "flow matching: choose the scheduler default or lcm, not 'euler'"),
        ("flux", {"scheduler": "default,unipc"}, "choose the scheduler default or lcm, not 'unipc'"),
        ("moved", {"scheduler": "heun"}, "choose the scheduler default or lcm, not 'heun'"),
        ("edm", {"scheduler": "default,dpmpp_2m"}, "has no betas"),
        ("flux", {"guidance_end": "0.5,1"}, "never switched off: choose the guidance end 1, not 0.5"),
        ("kandinsky", {"guidance_end": "0.5"}, "guides every step"),
        ("flux", {"clip_skip": "2"}, "has no CLIP text encoder .*: choose the clip skip 0, not 2"),
        ("lcm", {"clip_skip": "0,1"}, "choose the clip skip 0, not 1"),
        ("sd", {"clip_skip": "0,1,4"}, "has no 4 layers to leave out: choose clip skip 0 to 3"),
        ("lcm", {"prompt_syntax": "plain,a1111"}, "own call: choose the prompt syntax 'plain', not 'a1111'"),
        ("flux", {"prompt_syntax": "a1111"}, "as sentences, without weights: choose the prompt syntax 'plain'"),
        ("sd", {"flow_shift": "3"}, "no flow-matching noise levels .*: choose the flow shift 0, not 3"),
        ("moved", {"flow_shift": "3"}, "by the picture's size: choose the flow shift 0, not 3"),
        ("moved", {"steps": "1,4"}, "This Qwen-Image needs 2 steps or more: choose 2, not 1"),
        ("sd", {"repaint": "whole"}, "edits no whole picture: choose the repaint 'background', not 'whole'"),
        ("flux", {"repaint": "background,whole"}, "Flux repaints by a mask"),
        ("kontext", {"repaint": "whole", "strength": "0.5"}, "The strength has no effect .* leave it at 1, or choose"),
        ("kontext", {"repaint": "whole", "mask_grow": "1,2"}, "The mask grow has no effect where the whole photo"),
    ],
)
def test_what_a_family_ignores_is_refused_with_the_reason(name: str, given: dict[str, str], words: str) -> None:
    models = [entry(name)]
    with pytest.raises(UserInputError, match=words):
        check_families(plan(models, **given), models)


@pytest.mark.parametrize("name", CLASSES)
def test_what_nobody_typed_is_never_refused(name: str) -> None:
    models = [entry(name)]
    check_families(plan(models), models)
    assert list(family_notes(plan(models), models[0], models)) == []


def test_what_another_models_default_fills_has_no_effect_and_is_said() -> None:
    models = [DEMO, entry("schnell")]
    both = plan(models)
    check_families(both, models)
    notes = list(family_notes(both, models[1], models))
    assert any("the guidance 3 has no effect on its pictures" in note for note in notes)
    assert any("the scheduler 'unipc' has no effect on its pictures" in note for note in notes)
    with pytest.raises(UserInputError, match="choose the guidance 0, not 4"):
        check_families(plan(models, guidance="4"), models)


@pytest.mark.parametrize(
    ("name", "guidance", "words"),
    [
        ("sd", "1", "Guidance 1 and below switches guidance off"),
        ("z-image", "0", "Guidance 0 and below switches guidance off"),
        ("z-image", "0.5", ""),
        ("flux", "3", "evaluate the model twice a step, with classifier-free guidance 4"),
        ("kandinsky", "1", ""),
    ],
)
def test_what_a_negative_prompt_does_is_said(name: str, guidance: str, words: str) -> None:
    models = [entry(name)]
    notes = list(family_notes(plan(models, negative_prompt="red", guidance=guidance), models[0], models))
    assert (words in " ".join(notes)) if words else not notes


def test_a_plan_of_both_ways_says_where_the_mask_has_no_effect() -> None:
    models = [entry("kontext")]
    both = plan(models, repaint="background,whole", strength="0.5,1")
    check_families(both, models)
    assert any("there is no mask" in note for note in family_notes(both, models[0], models))


@pytest.mark.parametrize(("canvas", "is_said"), [("photo", False), ("photo,16:9", True)])
def test_a_whole_edit_on_a_larger_canvas_says_that_nothing_tells_of_it(canvas: str, is_said: bool) -> None:
    models = [entry("kontext")]
    notes = family_notes(plan(models, repaint="whole", canvas=canvas), models[0], models)
    assert any("larger canvas" in note for note in notes) is is_said


def address(name: str, **changes: Any) -> CellAddress:
    params = InpaintParams(**{"prompt": "a beach", "scheduler": "default"} | changes)
    return address_cell(
        params,
        subject_id=SubjectId("s"),
        model_revision="m",
        device_kind="cuda",
        dtype_name="float16",
        family=family(name),
    )


@pytest.mark.parametrize(
    ("name", "one", "other", "equal"),
    [
        ("schnell", {"guidance_scale": 3}, {"guidance_scale": 5}, True),
        ("flux", {"guidance_scale": 3}, {"guidance_scale": 5}, False),
        ("qwen", {"guidance_scale": 0.5, "negative_prompt": "red"}, {"guidance_scale": 1}, True),
        ("qwen", {"guidance_scale": 3, "negative_prompt": "red"}, {"guidance_scale": 3}, False),
        ("z-image", {"guidance_scale": 0, "negative_prompt": "red"}, {"guidance_scale": 0}, True),
        ("z-image", {"guidance_scale": 0}, {"guidance_scale": 1}, False),
        ("lcm", {"guidance_scale": 0}, {"guidance_scale": 1}, False),
        ("kandinsky", {"strength": 0.5}, {"strength": 1}, True),
        ("kandinsky", {"guidance_scale": 1, "negative_prompt": "red"}, {"guidance_scale": 1}, False),
        ("flux", {"scheduler": "euler"}, {}, True),
        ("flux", {"scheduler": "lcm"}, {}, False),
        ("edm", {"scheduler": "euler"}, {}, True),
        ("flux", {"shadow": 0.5}, {}, False),
        ("controlnet", {"control": "edges"}, {}, False),
        ("controlnet", {"control": "edges", "control_scale": 0}, {"control_scale": 0}, True),
        ("controlnet", {"control_scale": 0}, {}, False),
        ("flux", {"control_scale": 0.5}, {}, True),
        ("sd", {"guidance_end": 0.5}, {}, False),
        ("sd", {"guidance_end": 0.5, "guidance_scale": 1}, {"guidance_scale": 1}, True),
        ("sd", {"guidance_end": 0, "negative_prompt": "red"}, {"guidance_scale": 0}, True),
        ("flux", {"guidance_end": 0.5}, {}, True),
        ("qwen", {"flow_shift": 3}, {}, False),
        ("moved", {"flow_shift": 3}, {}, True),
        ("sd3", {"flow_shift": 3}, {}, True),
        ("sd3", {"flow_shift": 4}, {}, False),
        ("sd3", {"side": 512}, {}, True),
        ("sd3", {"side": 1024}, {}, False),
        ("sd", {"side": 512}, {}, True),
        ("sd", {"side": 256}, {}, False),
        ("sd", {"clip_skip": 1}, {}, False),
        ("sd", {"flow_shift": 3}, {}, True),
        ("sd", {"prompt_syntax": "a1111"}, {}, False),
        ("flux", {"prompt_syntax": "a1111"}, {}, True),
        ("kontext", {"repaint": "whole"}, {}, False),
        (
            "kontext",
            {"repaint": "whole", "strength": 0.5, "mask_grow": 4, "mask_feather": 2},
            {"repaint": "whole"},
            True,
        ),
        ("kontext", {"strength": 0.5}, {}, False),
        ("flux", {"repaint": "whole"}, {}, True),
        ("sd", {"guidance_scale": 0.5}, {"guidance_scale": 1}, False),  # older than the table: stays as it was
    ],
)
def test_cells_are_one_where_their_pictures_are_equal(
    name: str, one: dict[str, Any], other: dict[str, Any], equal: bool
) -> None:
    assert (address(name, **one) == address(name, **other)) == equal


@pytest.mark.parametrize(
    ("name", "side", "equal"),
    [("sd", 0, True), ("sd", 1536, True), ("sd", 1544, False), ("flux", 2048, False), ("kandinsky", 2048, True)],
)
def test_tiles_stand_in_the_address_of_what_is_painted_in_them_alone(
    name: str, side: int, equal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = address(name, side=side)
    monkeypatch.setattr("bgen_core.sweep.family_rules.TILED_ABOVE", 4096)
    assert (address(name, side=side) == found) == equal


def test_a_family_of_the_engine_has_the_address_that_it_had_without_the_table() -> None:
    plain = address_cell(
        InpaintParams(prompt="a beach", scheduler="default"),
        subject_id=SubjectId("s"), model_revision="m", device_kind="cuda", dtype_name="float16",
    )  # fmt: skip
    assert address("sd") == address("edm") == plain


def test_each_model_of_a_plan_is_addressed_by_its_own_family() -> None:
    models = [entry("sd"), entry("schnell")]
    cells = plan(models, guidance="3,5")
    families = {each.name: each.family for each in models}
    found = address_plan(
        cells, dict.fromkeys(cells.models, "m"), device_kind="cuda", dtype_name="float16", families=families
    )
    assert found[0] != found[1]
    assert found[2] == found[3]


@pytest.mark.parametrize("of", [*FAMILIES, *(entry.family for entry in BACKGROUNDS)], ids=lambda each: each.title)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"side": 256, "flow_shift": 3.0},
        {"guidance_scale": 1.0, "guidance_end": 0.5},
        {"guidance_end": 0.0, "negative_prompt": "red"},
        {"background_colour": "navy to  #fff", "canvas": "Story", "anchor": "left"},
        {"repaint": "whole", "mask_grow": 4.0, "strength": 0.5, "scheduler": "euler"},
        {"control": "edges", "control_scale": 0.0, "reference_scale": 0.0, "lora_weight": 0.3},
    ],
)
def test_a_run_belongs_to_its_cell_whatever_its_model_leaves_out(of: Family, changes: dict[str, Any]) -> None:
    asked = InpaintParams(prompt="a beach", **({"seed": 7} | changes))
    made = settled(replace(of, side=256, own_shift=3.0), asked)
    assert could_be_settled(asked, made)
    assert not could_be_settled(replace(asked, shadow=0.5), made)
    if not of.backdrop:
        assert not could_be_settled(replace(asked, seed=0), made)
        assert not could_be_settled(asked, replace(made, seed=0))
        assert not could_be_settled(replace(asked, prompt="a forest"), made)
    if of.backdrop == "colour" and "background_colour" in changes:  # white is what stands where none acts
        assert not could_be_settled(replace(asked, background_colour="red"), made)
