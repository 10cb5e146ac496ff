"""The model that tells a subject's light before a background: by its settings and pinned, without importing torch.

IC-Light (Zhang, Rao, Agrawala, "Scaling in-the-wild training for diffusion-based illumination harmonization and
editing", ICLR 2025) is a UNet of Stable Diffusion 1.5 that sees more than noise: with 8 input channels the subject,
with 12 the background too. It is published as what is to be added to the weights of such a UNet.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

from bgen_core.errors import UserInputError
from bgen_core.home_paths import with_home
from bgen_core.models.content_hash import hash_file, hash_files
from bgen_core.models.folder_check import names_in
from bgen_core.models.hub.kept_model import CONFIG, config_of, kept_model
from bgen_core.models.safetensors_header import read_header, shape_of
from bgen_core.models.weight_variants import choose_variant, lacking, weights_of
from bgen_core.settings import Settings
from bgen_core.wording import quoted

SETTING, OFFSETS = "BGEN_LIGHT_MODEL", "BGEN_LIGHT_OFFSETS"
NETWORKS = ("unet", "vae", "text_encoder")
LATENT = 4  # channels of Stable Diffusion's latents
# Input channels -> what the UNet sees beside the noise
SEES: dict[int, Literal["subject", "subject and background"]] = {8: "subject", 12: "subject and background"}

_FIRST = "conv_in.weight"  # the tensor whose second side is the number of input channels
_USUAL, _USUAL_OFFSETS = (
    "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "lllyasviel/ic-light/iclight_sd15_fbc.safetensors",
)
_FILES = ("model_index.json", *(f"{part}/{CONFIG}" for part in NETWORKS), "tokenizer/tokenizer_config.json")
_TOKENIZER = ("tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json")


@dataclass(frozen=True, kw_only=True)
class LightModel:
    """An IC-Light: the folder of a Stable Diffusion 1.5, and what is added to its UNet.

    Attributes
    ----------
    channels
        That its UNet takes in all, one of `SEES`.
    variant
        As which its weights are saved ("fp16"), else None.
    offsets
        File of what is added to the UNet's weights; None where they are IC-Light's already.
    content
        Hash of what can change a pixel.
    device, dtype
        Where its UNet computes, and in which number format.
    """

    folder: Path
    channels: int
    variant: str | None
    offsets: Path | None
    content: str
    device: str = "cpu"
    dtype: str = "float32"

    @property
    def in_address(self) -> tuple[str, str, str]:
        """What can change a pixel."""
        return self.content, self.device.partition(":")[0], self.dtype

    @property
    def told(self) -> str:
        """What a run's record says: "IC-Light with 12 channels, 0123456789ab"."""
        return f"IC-Light with {self.channels} channels, {self.content[:12]}"


def light_model_for(
    strengths: Iterable[float], settings: Settings, *, device_kind: str, dtype_name: str
) -> LightModel | None:
    """The model of the settings, where one of these strengths of the light needs it; see `find_light_model`."""
    if not any(strengths):
        return None
    found = find_light_model(settings.light_model, settings.light_offsets)
    dtype = dtype_name if dtype_name in ("float32", "bfloat16") else "float16"  # weights of one byte are another's
    return None if found is None else replace(found, device=device_kind, dtype=dtype)


def find_light_model(name: str, offsets: str = "") -> LightModel | None:
    """The model of a Hub id that has been downloaded, or of a local folder; None where none is named.

    Parameters
    ----------
    name
        Of a Stable Diffusion 1.5, saved by diffusers.
    offsets
        The file that is added to its UNet, as an absolute path or as REPOSITORY/FILE of the Hub; empty where it is an
        IC-Light already.

    Raises
    ------
    UserInputError
        It is missing, damaged or no such model: says what to do.
    """
    if not name:
        if offsets:
            raise UserInputError(
                f"{OFFSETS} is added to a model that {SETTING} names: set that to the folder of a Stable Diffusion "
                f"1.5, or to a Hub id that has been downloaded, such as {_USUAL}."
            )
        return None
    said = f"The light model {SETTING}"
    folder = kept_model(name, setting=SETTING, said=said, files=_FILES, forms="no Hub id and no absolute folder")
    names = names_in(folder)
    variant = choose_variant(NETWORKS, "float32", here=names, there=names)
    if part := lacking(NETWORKS, variant, names):
        raise UserInputError(f"{said} has no .safetensors weights of its part {part}: download it as a whole.")
    weights = sorted(file for part in NETWORKS for file in weights_of(part, variant, names))
    found = {file: _channels(folder / file, said) for file in weights}
    own = max(channels for file, channels in found.items() if file.startswith("unet/"))
    stated = config_of(folder / "unet").get("in_channels")
    if own != stated:
        raise UserInputError(
            f"{said} cannot be used: its UNet has {own} input channels, where its {CONFIG} says {stated}."
        )
    added = _offsets_file(offsets) if offsets else None
    seen = _check_channels(said, own, added)
    tokenizer = sorted(file for each in _TOKENIZER if (file := f"tokenizer/{each}") in names)
    content = hash_files(folder, (*_FILES, *tokenizer, *weights))
    return LightModel(
        folder=folder,
        channels=seen,
        variant=variant,
        offsets=added,
        content=sha256(f"{content} {hash_file(added)}".encode()).hexdigest()[:40] if added else content,
    )


def _check_channels(said: str, own: int, offsets: Path | None) -> int:
    """The channels that the UNet has in the end; refuses what is no IC-Light."""
    if offsets is None:
        if own not in SEES:
            raise UserInputError(
                f"{said} has a UNet with {own} input channels, and IC-Light's have 8 or 12: name another one, or add "
                f"what makes it one with {OFFSETS}, such as {_USUAL_OFFSETS}."
            )
        return own
    if own != LATENT:
        raise UserInputError(
            f"{said} has a UNet with {own} input channels, and {OFFSETS} is added to one with 4: name a plain Stable "
            f"Diffusion 1.5 such as {_USUAL}" + (f", or leave {OFFSETS} empty." if own in SEES else ".")
        )
    added = _channels(offsets, f"The file {OFFSETS}")
    if added not in SEES:
        raise UserInputError(
            f"The file {OFFSETS} is for a UNet with {added or 'no'} input channels, and IC-Light's have 8 or 12: name "
            f"one such as {_USUAL_OFFSETS}."
        )
    return added


def _channels(file: Path, said: str) -> int:
    """Input channels of the UNet whose weights these are; 0 where they are of something else."""
    try:
        shape = shape_of(read_header(file).get(_FIRST, {}))
    except ValueError as error:
        raise UserInputError(f"{said} cannot be read: its {file.name} {error}: download it again.") from error
    return shape[1] if len(shape) == 4 else 0


def _offsets_file(name: str) -> Path:
    local = with_home(name)
    if local.is_absolute():
        found = local
    else:
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError

        owner, _, rest = name.partition("/")
        repository, _, file = rest.partition("/")
        try:
            cached = try_to_load_from_cache(f"{owner}/{repository}", file)
        except HFValidationError as error:
            raise UserInputError(
                f"{OFFSETS} {quoted(name, 80)} is no absolute path and no file of the Hub: name one such as "
                f"{_USUAL_OFFSETS}."
            ) from error
        found = Path(cached) if isinstance(cached, str) else Path()
    if not found.is_file():
        raise UserInputError(
            f"The file {OFFSETS} is not on this machine: download it, or name another one such as {_USUAL_OFFSETS}."
        )
    return found
