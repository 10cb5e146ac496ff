"""The schedulers [A1111: Samplers] that a cell can name. Adding one is one row here; tests run over every row."""

from dataclasses import dataclass, field
from typing import Any

from bgen_core.errors import UserInputError


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
    max_steps
        Most steps that it can take; None where there is no limit of its own.
    """

    name: str
    label: str
    class_name: str
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    order: int = 1
    max_steps: int | None = None

    def check_steps(self, steps: int) -> None:
        """Refuse more steps than the scheduler can take."""
        if self.max_steps is not None and steps > self.max_steps:
            raise UserInputError(
                f"scheduler {self.name!r} cannot take {steps} steps: choose at most {self.max_steps}, or another one."
            )


SCHEDULERS: tuple[SchedulerEntry, ...] = (
    SchedulerEntry(name="default", label="the model's own", class_name=""),
    SchedulerEntry(name="ddim", label="DDIM", class_name="DDIMScheduler"),
    SchedulerEntry(name="ddpm", label="DDPM", class_name="DDPMScheduler"),
    SchedulerEntry(name="pndm", label="PLMS", class_name="PNDMScheduler", options={"skip_prk_steps": True}),
    SchedulerEntry(name="euler", label="Euler", class_name="EulerDiscreteScheduler"),
    SchedulerEntry(name="euler_a", label="Euler a", class_name="EulerAncestralDiscreteScheduler"),
    SchedulerEntry(name="heun", label="Heun", class_name="HeunDiscreteScheduler", order=2),
    SchedulerEntry(name="dpm2", label="DPM2", class_name="KDPM2DiscreteScheduler", order=2),
    SchedulerEntry(name="dpm2_a", label="DPM2 a", class_name="KDPM2AncestralDiscreteScheduler", order=2),
    SchedulerEntry(name="dpmpp_2m", label="DPM++ 2M", class_name="DPMSolverMultistepScheduler"),
    SchedulerEntry(
        name="dpmpp_2m_karras",
        label="DPM++ 2M Karras",
        class_name="DPMSolverMultistepScheduler",
        options={"use_karras_sigmas": True},
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
    ),
    SchedulerEntry(name="deis", label="DEIS", class_name="DEISMultistepScheduler"),
    SchedulerEntry(name="unipc", label="UniPC", class_name="UniPCMultistepScheduler"),
    SchedulerEntry(name="lcm", label="LCM", class_name="LCMScheduler", max_steps=50),
)

_BY_NAME = {entry.name: entry for entry in SCHEDULERS}


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
        raise UserInputError(f"scheduler {name!r} is not known: choose {', '.join(_BY_NAME)}.")
    return entry
