# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""The subject as IC-Light paints it in a background's light: of that picture only the light is used.

The way is that of IC-Light's own demonstrations: what they ask, how strongly they follow it, and in how many steps. The
noise is drawn once for all, on the CPU: the same photo before the same background has the same light.
"""

import logging
import threading
from collections.abc import Generator
from functools import lru_cache
from typing import Any

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.models.devices import is_lasting_device_fault, is_out_of_memory
from bgen_core.models.folder_check import count_weights
from bgen_core.models.steering.light_model import LATENT, SEES, SETTING, LightModel
from bgen_core.subject.resizing import reduced
from bgen_core.sweep.canvas import choose_model_extent

logger = logging.getLogger(__name__)

_PROMPT, _NEGATIVE = "best quality", "lowres, bad anatomy, bad hands, cropped, worst quality"
# By what it sees beside the noise. What sees no background begins with it, as "lighting preference".
_STEPS = {"subject": 25, "subject and background": 20}
_GUIDANCE = {"subject": 2.0, "subject and background": 7.0}
_STRENGTH = {"subject": 0.9, "subject and background": 1.0}
_GREY = 127.0  # behind the subject, as it was trained; 0 in the network's own range
_SEED = 0
_UNUSABLE = f"The light model {SETTING} cannot be used: name another one, or none for light without a model."


class IcLight:
    """One IC-Light; one call at a time. Loaded at its first call, and in the machine's memory between two.

    Parameters
    ----------
    model
        Its files, and where it computes: the UNet in the number format that is asked for, the rest in float32.
    """

    def __init__(self, model: LightModel) -> None:
        self._model = model
        self._turn = threading.Lock()
        self._parts: dict[str, Any] | None = None

    def relight(self, image: np.ndarray, alpha: np.ndarray, background: np.ndarray) -> Generator[int, None, np.ndarray]:
        """The subject in the light of a background; tells before and after each evaluation how many are done.

        Whoever takes no more of it stops it within one evaluation.

        Parameters
        ----------
        image
            uint8, HWC, RGB: the photo.
        alpha
            float32, HW, in [0, 1], at the photo's size.
        background
            uint8, HWC, RGB, any size.

        Returns
        -------
        numpy.ndarray
            uint8, HWC, RGB, at the model's size.

        Raises
        ------
        UserInputError
            The model cannot be loaded or used here.
        """
        with self._turn:
            try:
                return (yield from self._painted(image, alpha, background))
            except UserInputError:
                raise
            except Exception as error:  # the libraries' own code, on a checkpoint that nobody here has seen
                self._parts = None
                if is_lasting_device_fault(error):
                    raise
                logger.warning("the light model cannot be used", exc_info=True)
                if is_out_of_memory(error):
                    raise UserInputError(
                        f"The light model {SETTING} does not fit into the device's memory beside what paints: "
                        "choose light 0, or name no model."
                    ) from error
                raise UserInputError(_UNUSABLE) from error

    def _painted(
        self, image: np.ndarray, alpha: np.ndarray, background: np.ndarray
    ) -> Generator[int, None, np.ndarray]:
        import torch

        yield 0  # before it is loaded
        parts = self._parts = self._parts or _loaded(self._model)
        networks = parts["unet"], parts["vae"], parts["text_encoder"]
        try:
            for network in networks:
                network.to(self._model.device)
            # Entered anew for each of its parts: who is told of one is not in it
            picture = yield from torch.inference_mode()(_paint)(parts, self._model, image, alpha, background)
        finally:
            for network in networks if self._model.device != "cpu" else ():
                network.to("cpu")
        if not np.isfinite(picture).all():
            raise UserInputError(
                f"The light model {SETTING} gives no numbers in {self._model.dtype}: name another one, or set "
                "BGEN_PRECISION=full."
            )
        return np.rint(np.clip(picture * 127.5 + 127.5, 0, 255)).astype(np.uint8)


def evaluations(model: LightModel) -> int:
    """Rows of its UNet for one picture."""
    return 2 * steps_of(model)


def steps_of(model: LightModel) -> int:
    """Evaluations of its UNet for one picture, each of two rows."""
    return _STEPS[SEES[model.channels]]


@lru_cache(maxsize=1)
def ic_light(model: LightModel) -> IcLight:
    """The one of this process."""
    return IcLight(model)


def _paint(
    parts: dict[str, Any], model: LightModel, image: np.ndarray, alpha: np.ndarray, background: np.ndarray
) -> Generator[int, None, np.ndarray]:
    """float32, HWC, in about [-1, 1]."""
    import torch

    unet, vae, sees, device = parts["unet"], parts["vae"], SEES[model.channels], model.device
    factor = 2 ** (len(vae.config.block_out_channels) - 1)
    halvings = 2 ** (len(unet.config.block_out_channels) - 1)
    extent = choose_model_extent(
        Extent.of(image), side=int(unet.config.sample_size) * factor, factor=factor * halvings
    )  # fmt: skip
    seen = [_encoded(vae, picture, device) for picture in (_on_grey(image, alpha, extent), reduced(background, extent))]
    asked = torch.cat([_read(parts, text, device) for text in (_NEGATIVE, _PROMPT)]).to(unet.dtype)
    shown = torch.cat(seen if sees == "subject and background" else seen[:1], dim=1)

    noise = torch.randn(seen[0].shape, generator=torch.Generator("cpu").manual_seed(_SEED)).to(device)
    scheduler = _scheduler()
    scheduler.set_timesteps(round(_STEPS[sees] / _STRENGTH[sees]), device=device)
    first = len(scheduler.timesteps) - _STEPS[sees]
    scheduler.set_begin_index(first)
    times = scheduler.timesteps[first:]
    latents = scheduler.add_noise(seen[1], noise, times[:1]) if first else noise * scheduler.init_noise_sigma
    for done, time in enumerate(times):
        yield done
        both = torch.cat([torch.cat([scheduler.scale_model_input(latents, time), shown], dim=1)] * 2)
        without, with_text = unet(both.to(unet.dtype), time, encoder_hidden_states=asked).sample.float().chunk(2)
        guided = without + _GUIDANCE[sees] * (with_text - without)
        latents = scheduler.step(guided, time, latents).prev_sample
    yield len(times)
    picture = vae.decode(latents / vae.config.scaling_factor).sample[0]
    return picture.permute(1, 2, 0).float().cpu().numpy()


def _on_grey(image: np.ndarray, alpha: np.ndarray, extent: Extent) -> np.ndarray:
    """The subject alone, float32, HWC, in [0, 255]."""
    small, share = reduced(image, extent).astype(np.float32), reduced(alpha, extent)[..., None]
    return _GREY + (small - _GREY) * share


def _encoded(vae: Any, picture: np.ndarray, device: str) -> Any:
    import torch

    pixels = torch.from_numpy(picture.astype(np.float32) / np.float32(127) - 1).permute(2, 0, 1)[None]
    return vae.encode(pixels.to(device)).latent_dist.mode() * vae.config.scaling_factor


def _read(parts: dict[str, Any], text: str, device: str) -> Any:
    tokenizer, encoder = parts["tokenizer"], parts["text_encoder"]
    longest = min(tokenizer.model_max_length, encoder.config.max_position_embeddings)
    read = tokenizer(text, padding="max_length", max_length=longest, truncation=True, return_tensors="pt")
    return encoder(read.input_ids.to(device)).last_hidden_state


def _scheduler() -> Any:
    """Its demonstrations', without the noise that they add on the way, and with Stable Diffusion's own schedule."""
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler

    return DPMSolverMultistepScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        algorithm_type="dpmsolver++",
        use_karras_sigmas=True,
        steps_offset=1,
    )


def _loaded(model: LightModel) -> dict[str, Any]:
    from bgen_core.models.loading import quiet_libraries

    quiet_libraries()
    import torch
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    kinds = {"unet": UNet2DConditionModel, "vae": AutoencoderKL, "text_encoder": CLIPTextModel}
    parts: dict[str, Any] = {
        name: kind.from_pretrained(
            model.folder,
            subfolder=name,
            variant=model.variant if any((model.folder / name).glob(f"*.{model.variant}*")) else None,
            local_files_only=True,
            use_safetensors=True,
        )
        .float()
        .eval()
        for name, kind in kinds.items()
    }
    for name, network in parts.items():
        # transformers fills what a file lacks with random numbers, and only logs it
        if count_weights(model.folder, [name], model.variant) < sum(each.numel() for each in network.parameters()):
            raise UserInputError(f"The light model {SETTING} lacks some weights of its part {name}: download it again.")
    if model.offsets is not None:
        with torch.no_grad():
            _add_offsets(parts["unet"], model)
    parts["unet"].to(getattr(torch, model.dtype))
    parts["tokenizer"] = CLIPTokenizer.from_pretrained(model.folder, subfolder="tokenizer", local_files_only=True)
    return parts


def _add_offsets(unet: Any, model: LightModel) -> None:
    """Widen the first convolution with zeros, and add the published weights to all."""
    import torch
    from safetensors.torch import load_file

    offsets = load_file(model.offsets or "")
    narrow = unet.conv_in
    wide: Any = torch.nn.Conv2d(
        model.channels, narrow.out_channels, narrow.kernel_size, narrow.stride, narrow.padding
    )  # fmt: skip
    wide.weight.zero_()
    wide.weight[:, :LATENT] = narrow.weight
    wide.bias.copy_(narrow.bias)
    unet.conv_in = wide
    unet.register_to_config(in_channels=model.channels)
    own = unet.state_dict()
    if own.keys() != offsets.keys():
        raise UserInputError(
            "The file BGEN_LIGHT_OFFSETS belongs to another UNet than that of BGEN_LIGHT_MODEL, which must be a Stable "
            "Diffusion 1.5: name another one."
        )
    unet.load_state_dict({name: weight + offsets[name].float() for name, weight in own.items()}, strict=True)
