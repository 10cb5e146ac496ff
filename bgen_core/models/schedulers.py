"""The schedulers [A1111: Samplers] that a cell can name. Adding one is one row here; tests run over every row."""

import re
from dataclasses import dataclass, field
from typing import Any

from bgen_core.errors import UserInputError
from bgen_core.wording import quoted


@dataclass(frozen=True, kw_only=True)
class SchedulerEntry:
    """One scheduler.

    Attributes
    ----------
    name
        What a person types, in plans and on the command line.
    label
        What A1111 calls it, written into the PNG.
    class_name
        The class in diffusers; empty for the one that the model was saved with.
    options
        Configuration beyond the model's own.
    order
        Evaluations of the UNet per step.
    flow_class_name
        The class in diffusers for flow matching, which begins with a photo as they do; empty where there is none.
    max_steps
        Most steps that it can take; None where there is no limit of its own.
    also
        What else it is called elsewhere, beyond what `scheduler_named` makes of its name, label and class: by ComfyUI,
        InvokeAI and NovelAI, by older versions of A1111, and by those who type.
    """

    name: str
    label: str
    class_name: str
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    flow_class_name: str = ""
    order: int = 1
    max_steps: int | None = None
    also: tuple[str, ...] = ()

    def check_steps(self, steps: int) -> None:
        """Refuse more steps than the scheduler can take."""
        if self.max_steps is not None and steps > self.max_steps:
            raise UserInputError(
                f"scheduler {quoted(self.name)} cannot take {steps} steps: "
                f"choose at most {self.max_steps}, or another one."
            )


SCHEDULERS: tuple[SchedulerEntry, ...] = (
    SchedulerEntry(name="default", label="the model's own", class_name=""),
    SchedulerEntry(name="ddim", label="DDIM", class_name="DDIMScheduler", also=("ddim_v3",)),
    SchedulerEntry(name="ddpm", label="DDPM", class_name="DDPMScheduler"),
    SchedulerEntry(
        name="pndm", label="PLMS", class_name="PNDMScheduler", options={"skip_prk_steps": True}, also=("PNDMScheduler",)
    ),
    SchedulerEntry(
        name="euler",
        label="Euler",
        class_name="EulerDiscreteScheduler",
        flow_class_name="FlowMatchEulerDiscreteScheduler",
    ),
    SchedulerEntry(name="euler_a", label="Euler a", class_name="EulerAncestralDiscreteScheduler"),
    SchedulerEntry(
        name="heun",
        label="Heun",
        class_name="HeunDiscreteScheduler",
        flow_class_name="FlowMatchHeunDiscreteScheduler",
        order=2,
    ),
    SchedulerEntry(name="dpm2", label="DPM2", class_name="KDPM2DiscreteScheduler", order=2, also=("kdpm_2",)),
    SchedulerEntry(
        name="dpm2_a", label="DPM2 a", class_name="KDPM2AncestralDiscreteScheduler", order=2, also=("kdpm_2_a",)
    ),
    SchedulerEntry(name="dpmpp_2m", label="DPM++ 2M", class_name="DPMSolverMultistepScheduler"),
    SchedulerEntry(
        name="dpmpp_2m_karras",
        label="DPM++ 2M Karras",
        class_name="DPMSolverMultistepScheduler",
        options={"use_karras_sigmas": True},
        also=("dpmpp_2m_k", "dpmpp_2m_ka"),
    ),
    SchedulerEntry(
        name="dpmpp_2m_sde",
        label="DPM++ 2M SDE",
        class_name="DPMSolverMultistepScheduler",
        options={"algorithm_type": "sde-dpmsolver++"},
    ),
    SchedulerEntry(
        name="dpmpp_2s",
        label="DPM++ 2S",
        class_name="DPMSolverSinglestepScheduler",
        options={"lower_order_final": True},
        also=("DPMSolverSinglestepScheduler",),
    ),
    SchedulerEntry(name="deis", label="DEIS", class_name="DEISMultistepScheduler"),
    SchedulerEntry(name="unipc", label="UniPC", class_name="UniPCMultistepScheduler", also=("uni_pc_bh2",)),
    SchedulerEntry(
        name="lcm", label="LCM", class_name="LCMScheduler", flow_class_name="FlowMatchLCMScheduler", max_steps=50
    ),
)

_BY_NAME = {entry.name: entry for entry in SCHEDULERS}


# Schedules of sigmas that are a sampler's own, by what A1111, ComfyUI and NovelAI call them.
_OWN_SCHEDULES = ("", "automatic", "normal", "uniform", "native", "default")
# What A1111 1.9 and later takes for the schedule "Automatic" (modules/sd_samplers_kdiffusion.py).
_AUTOMATIC = {"dpmpp2m": "dpmpp2mkarras"}


def _plain(name: str) -> str:
    """A name without what differs between spellings of one sampler: "DPM++ 2M Karras" and "k_dpmpp_2m_karras"."""
    plain = name.strip().lower().removeprefix("sample_").removeprefix("k_")
    return re.sub(r"[^a-z0-9]", "", plain.replace("++", "pp").replace("ancestral", "a"))


def _spellings() -> dict[str, str]:
    spelled: dict[str, str] = {}
    for entry in SCHEDULERS:
        names = (entry.name, entry.label, *entry.also, *(() if entry.options else (entry.class_name,)))
        spelled |= {_plain(name): entry.name for name in names if name}
    return spelled


_BY_SPELLING = _spellings()


def scheduler_named(name: str, schedule: str = "") -> str | None:
    """The name here of a scheduler as people and other programs call it; None where there is none.

    Parameters
    ----------
    name
        In any spelling: "Euler a", "k_euler_ancestral", "EulerAncestralDiscreteScheduler".
    schedule
        The schedule of sigmas where it is told apart, as A1111 1.9 does: "Karras". One that is not the sampler's own
        needs an entry of both together.
    """
    if name in _BY_NAME and not schedule:
        return name
    plain, sigmas = _plain(name), schedule.strip().lower()
    if sigmas == "automatic":
        plain = _AUTOMATIC.get(plain, plain)
    elif sigmas not in _OWN_SCHEDULES and not plain.endswith(_plain(sigmas)):
        plain += _plain(sigmas)
    return _BY_SPELLING.get(plain)


def scheduler_names() -> tuple[str, ...]:
    return tuple(_BY_NAME)


def get_scheduler(name: str) -> SchedulerEntry:
    """The entry of that name.

    Raises
    ------
    UserInputError
        No scheduler has that name.
    """
    entry = _BY_NAME.get(name)
    if entry is None:
        raise UserInputError(f"scheduler {quoted(name)} is not known: choose {', '.join(_BY_NAME)}.")
    return entry
