"""One scheduler object with everything that cells of the same (scheduler, steps, strength) share."""

import copy
import inspect
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import torch

from bgen_core.models.schedulers import get_scheduler
from bgen_core.sweep.params import InpaintParams


@dataclass(frozen=True, kw_only=True)
class ScheduleKey:
    """Cells that agree in these can be stepped by one scheduler object, in lockstep."""

    scheduler: str
    num_inference_steps: int
    strength: float
    flow_shift: float
    edits_whole: bool

    @classmethod
    def of(cls, params: InpaintParams) -> "ScheduleKey":
        return cls(
            scheduler=params.scheduler,
            num_inference_steps=params.num_inference_steps,
            strength=1.0 if params.edits_whole else params.strength,
            flow_shift=params.flow_shift,
            edits_whole=params.edits_whole,
        )


class Schedule(Protocol):
    """A scheduler set up for one key, advanced for a batch of latents, in lockstep.

    Attributes
    ----------
    timesteps
        One per evaluation of the network.
    starts_from_noise
        Whether the first latents hold nothing of the photo.
    """

    timesteps: torch.Tensor
    starts_from_noise: bool

    def __len__(self) -> int:
        """Evaluations of the network; second-order schedulers need about two per step."""
        ...

    def start(self, noise: torch.Tensor, photo: torch.Tensor | None) -> torch.Tensor:
        """First latents: scaled noise, or below strength 1 the photo's latents with noise added."""
        ...

    def scale(self, latents: torch.Tensor, index: int) -> torch.Tensor:
        """The network's input at evaluation `index`."""
        ...

    def first_input_scale(self) -> float:
        """Factor from unit noise to the first input: equal factors mean equal inputs, whatever the scheduler."""
        ...

    def step(
        self, prediction: torch.Tensor, latents: torch.Tensor, index: int, generators: list[torch.Generator]
    ) -> torch.Tensor:
        """Latents after evaluation `index`; stochastic schedulers draw each row from its own generator."""
        ...

    def expected(self, prediction: torch.Tensor, scaled: torch.Tensor, index: int) -> torch.Tensor:
        """The latents without noise that evaluation `index` stands for, from its input `scaled`."""
        ...

    def noised_photo(self, photo: torch.Tensor, noise: torch.Tensor, index: int) -> torch.Tensor:
        """What the kept region holds after evaluation `index`: the photo at the next timestep's noise level."""
        ...


class DiffusionSchedule:
    """A scheduler of betas.

    Follows StableDiffusionInpaintPipeline.__call__ of diffusers 0.42.1, steps 4, 6 and 10.

    Parameters
    ----------
    key
        What the cells share.
    own
        The model's own scheduler, whose configuration every other one takes over.
    device
        Where the latents are.
    """

    def __init__(self, key: ScheduleKey, own: Any, device: str) -> None:
        self._scheduler: Any = copy.deepcopy(_unused_scheduler(key.scheduler, own))
        self._scheduler.set_timesteps(key.num_inference_steps, device=device)
        effective = min(int(key.num_inference_steps * key.strength), key.num_inference_steps)
        begin = (key.num_inference_steps - effective) * self._scheduler.order
        self.timesteps: torch.Tensor = self._scheduler.timesteps[begin:]
        if hasattr(self._scheduler, "set_begin_index"):
            self._scheduler.set_begin_index(begin)
        self.starts_from_noise = key.strength == 1.0
        self._takes_generator = "generator" in inspect.signature(self._scheduler.step).parameters

    def __len__(self) -> int:
        return len(self.timesteps)

    def start(self, noise: torch.Tensor, photo: torch.Tensor | None) -> torch.Tensor:
        if self.starts_from_noise:
            return noise * self._scheduler.init_noise_sigma
        return self._scheduler.add_noise(photo, noise, self.timesteps[:1].repeat(len(noise)))

    def scale(self, latents: torch.Tensor, index: int) -> torch.Tensor:
        return self._scheduler.scale_model_input(latents, self.timesteps[index])

    def first_input_scale(self) -> float:
        if not hasattr(self, "_first_scale"):
            probe = torch.ones(1, device=self.timesteps.device) * self._scheduler.init_noise_sigma
            self._first_scale = float(self._scheduler.scale_model_input(probe, self.timesteps[0]))
        return self._first_scale

    def step(
        self, prediction: torch.Tensor, latents: torch.Tensor, index: int, generators: list[torch.Generator]
    ) -> torch.Tensor:
        options: dict[str, Any] = {"generator": generators} if self._takes_generator else {}
        advanced = self._scheduler.step(prediction, self.timesteps[index], latents, return_dict=False, **options)[0]
        return advanced.to(latents.dtype)

    def expected(self, prediction: torch.Tensor, scaled: torch.Tensor, index: int) -> torch.Tensor:
        # Salimans and Ho 2022, arXiv:2202.00512, eq. 3 and appendix D; timesteps between two trained ones are rounded.
        kind = self._scheduler.config.get("prediction_type", "epsilon")
        if kind == "sample":
            return prediction
        alphas = self._scheduler.alphas_cumprod
        place = min(max(round(float(self.timesteps[index])), 0), len(alphas) - 1)
        signal = float(alphas[place])
        if kind == "v_prediction":
            return signal**0.5 * scaled - (1 - signal) ** 0.5 * prediction
        return (scaled - (1 - signal) ** 0.5 * prediction) / max(signal, 1e-6) ** 0.5

    def noised_photo(self, photo: torch.Tensor, noise: torch.Tensor, index: int) -> torch.Tensor:
        if index + 1 >= len(self):
            return photo
        following = torch.tensor([self.timesteps[index + 1]])
        return self._scheduler.add_noise(photo, noise, following)


class FlowSchedule:
    """A flow-matching scheduler, as the inpainting pipelines of SD 3, Flux, Qwen-Image and Z-Image use it.

    Follows steps 4, 5 and 6 of FluxInpaintPipeline.__call__ of diffusers 0.42.1.

    Parameters
    ----------
    key
        What the cells share.
    own
        The model's own scheduler.
    device
        Where the latents are.
    sigmas
        Noise levels before the scheduler's own shift; None for those that it chooses.
    mu
        Shift by the picture's size; None gives none.

    Raises
    ------
    ValueError
        The scheduler takes no such sigmas.
    """

    def __init__(
        self, key: ScheduleKey, own: Any, device: str, *, sigmas: list[float] | None, mu: float | None
    ) -> None:
        self._scheduler: Any = shifted(own, key.flow_shift, key.scheduler)
        accepted = inspect.signature(self._scheduler.set_timesteps).parameters
        options: dict[str, Any] = {"mu": mu} if mu is not None and "mu" in accepted else {}
        if sigmas is None:
            self._scheduler.set_timesteps(key.num_inference_steps, device=device, **options)
        elif "sigmas" in accepted:
            self._scheduler.set_timesteps(sigmas=sigmas, device=device, **options)
        else:
            raise ValueError(f"{type(own).__name__} takes no noise levels")
        computed = min(key.num_inference_steps * key.strength, key.num_inference_steps)
        begin = int(max(key.num_inference_steps - computed, 0)) * self._scheduler.order
        self.timesteps: torch.Tensor = self._scheduler.timesteps[begin:]
        self._scheduler.set_begin_index(begin)
        self._takes_generator = "generator" in inspect.signature(self._scheduler.step).parameters
        # A photo mixed in by a part of 0 changes no bit.
        self.starts_from_noise = float(self._scheduler.sigmas[begin]) == 1.0

    def __len__(self) -> int:
        return len(self.timesteps)

    def start(self, noise: torch.Tensor, photo: torch.Tensor | None) -> torch.Tensor:
        if self.starts_from_noise:
            return noise
        return self._scheduler.scale_noise(photo, self.timesteps[:1], noise)

    def scale(self, latents: torch.Tensor, index: int) -> torch.Tensor:
        del index
        return latents

    def first_input_scale(self) -> float:
        return 1.0

    def step(
        self, prediction: torch.Tensor, latents: torch.Tensor, index: int, generators: list[torch.Generator]
    ) -> torch.Tensor:
        options: dict[str, Any] = {"generator": generators} if self._takes_generator else {}
        return self._scheduler.step(prediction, self.timesteps[index], latents, return_dict=False, **options)[0]

    def expected(self, prediction: torch.Tensor, scaled: torch.Tensor, index: int) -> torch.Tensor:
        noise_level = float(self.timesteps[index]) / self._scheduler.config.num_train_timesteps
        return scaled - noise_level * prediction

    def noised_photo(self, photo: torch.Tensor, noise: torch.Tensor, index: int) -> torch.Tensor:
        if index + 1 >= len(self):
            return photo
        return self._scheduler.scale_noise(photo, torch.tensor([self.timesteps[index + 1]]), noise)


def shifted(own: Any, flow_shift: float, name: str = "default") -> Any:
    """The model's own flow-matching scheduler or the one of that name, with another shift of its noise levels unless
    that is 0.
    """
    import diffusers

    class_name = get_scheduler(name).flow_class_name
    kind = getattr(diffusers, class_name) if class_name else own
    return kind.from_config(own.config, **({"shift": flow_shift} if flow_shift else {}))


@lru_cache(maxsize=64)
def _unused_scheduler(name: str, own: Any) -> Any:
    """As diffusers makes it, to be copied: DPM2 looks at each of 1000 noise levels for that, half a second long."""
    import diffusers

    entry = get_scheduler(name)
    kind = getattr(diffusers, entry.class_name) if entry.class_name else own.__class__
    return kind.from_config(own.config, **entry.options)
