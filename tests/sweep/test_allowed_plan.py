"""What of a plan visitors may have made."""

from pathlib import Path
from typing import Any

import pytest

from bgen_core.errors import UserInputError
from bgen_core.settings import Settings, load_settings
from bgen_core.sweep.allowed_plan import check_allowed
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan

ADAPTER = "h94/IP-Adapter/models/ip-adapter_sd15.safetensors"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "ink.safetensors").touch()
    folder = str(tmp_path)
    return load_settings(model="demo", models_allowed="catalogue,team/*", loras=folder, ip_adapters=folder)


def plan_with(model: str = "demo", axes: tuple[Axis, ...] = (), **params: Any) -> SweepPlan:
    return SweepPlan(subject_id="s", model=model, base=InpaintParams(prompt="a beach", **params), axes=axes)


@pytest.mark.parametrize(
    "plan",
    [
        plan_with(),
        plan_with("team/model"),
        plan_with(loras="ours/ink:0.5, team/ink"),
        plan_with(loras="absent"),  # no repository: the search says that it is not there
        plan_with(ip_adapter=ADAPTER),
        plan_with(ip_adapter="ours/ink"),
    ],
    ids=lambda plan: f"{plan.model} {plan.base.loras}{plan.base.ip_adapter}",
)
def test_what_is_on_the_list_and_in_the_folders_is_allowed(settings: Settings, plan: SweepPlan) -> None:
    check_allowed(plan, settings)


@pytest.mark.parametrize(
    ("plan", "named"),
    [
        (plan_with("/etc"), "model '/etc'"),
        (plan_with("other/model"), "model 'other/model'"),
        (plan_with(axes=(Axis(name="model", values=("demo", "/etc")),)), "model '/etc'"),
        (plan_with(loras="ours/ink, other/ink:0.5"), "LoRA of the Hub 'other/ink'"),
        (plan_with(axes=(Axis(name="lora", values=("", "other/ink/a.safetensors")),)), "LoRA of the Hub 'other/ink'"),
        (plan_with(ip_adapter="other/adapter/a.safetensors"), "IP-Adapter of the Hub 'other/adapter'"),
    ],
)
def test_all_else_is_refused_by_its_name(settings: Settings, plan: SweepPlan, named: str) -> None:
    with pytest.raises(UserInputError, match=f"^The {named} cannot be used on this server"):
        check_allowed(plan, settings)
