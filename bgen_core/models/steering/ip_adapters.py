"""IP-Adapters: which exact files a name stands for, found without importing torch.

Such an adapter lets a UNet look at a reference picture, which a CLIP image encoder reads for it (Ye, Zhang, Liu, Han,
Yang, "IP-Adapter: text compatible image prompt adapter for text-to-image diffusion models", arXiv:2308.06721).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bgen_core.content_address import is_content_hash
from bgen_core.errors import UserInputError
from bgen_core.json_value import JsonValue
from bgen_core.models.content_hash import hash_file
from bgen_core.models.hub.client import LOOK_SECONDS, hub_fault
from bgen_core.models.safetensors_header import read_header, shape_of
from bgen_core.models.steering.weight_files import file_in_folder, header_of, names_in_folder, not_there
from bgen_core.wording import quoted

ENCODER = "image_encoder"
WEIGHTS = "model.safetensors"
USUAL = "h94/IP-Adapter/models/ip-adapter_sd15.safetensors"
MOST_SCALE = 2.0

_CONFIG = "config.json"
_HUB_ID = re.compile(r"(\w[\w.-]*/\w[\w.-]*)/(.+\.safetensors)")
# Tensor by which a kind is told -> the place in its shape, and the key in the encoder's configuration, of the width of
# what it reads: the picture as one vector, or the encoder's last layer but one.
_KINDS = {
    "image_proj.proj.weight": (1, "projection_dim"),
    "image_proj.proj.3.weight": (0, "hidden_size"),
    "image_proj.latents": (1, "hidden_size"),
}
_READS = {"image_proj.proj.3.weight": "image_proj.proj.0.weight", "image_proj.latents": "image_proj.proj_in.weight"}
_CLIP_DEFAULTS = {"projection_dim": 512, "hidden_size": 768}  # transformers 5.23.0 leaves them out of the file


@dataclass(frozen=True, kw_only=True)
class IPAdapter:
    """One pinned to its exact bytes, with those of the encoder that reads pictures for it.

    Attributes
    ----------
    name
        As it was asked for.
    content
        SHA-256 of its bytes.
    path
        Where it lies; None while it is on the Hub alone.
    encoder_content
        SHA-256 of its image encoder's weights; empty where the model must bring one.
    encoder
        The encoder's folder; None where the model must bring one, or while it is on the Hub alone.
    hub
        Repository, file, commit and the encoder's folder of one of the Hub, else None.
    """

    name: str
    content: str
    path: Path | None
    encoder_content: str
    encoder: Path | None
    hub: tuple[str, str, str, str] | None = None


def check_reference(text: str, name: str = "reference") -> None:
    """Refuse what is no address of a picture, for the parameter of that name.

    Raises
    ------
    UserInputError
        Says what to do.
    """
    if text and not is_content_hash(text):
        raise UserInputError(
            f"{name} {quoted(text, 60)} is no address of a stored picture: choose a file on the Sweep page, or give "
            f"one with --{name} FILE."
        )


def check_name(text: str) -> None:
    """Refuse what can be no name of an IP-Adapter.

    Raises
    ------
    UserInputError
        Says what to do.
    """
    if not text.isprintable() or text != text.strip():
        raise UserInputError(f"ip-adapter {quoted(text, 60)} is not allowed: give the name of a file, or {USUAL}.")


def find_ip_adapters(names: Iterable[str], folder: Path) -> dict[str, IPAdapter]:
    """Name -> adapter, of all that are named; empty names are none.

    Parameters
    ----------
    folder
        Where the deployment's adapters are.

    Raises
    ------
    UserInputError
        One of them is not there, damaged or no IP-Adapter of a kind that can be used.
    """
    return {name: _find(name, folder) for name in dict.fromkeys(names) if name}


def _find(name: str, folder: Path) -> IPAdapter:
    path = file_in_folder(name, folder)
    if path is not None:
        header = _header(name, path)
        encoder = _encoder_near(path, folder, header)
        return IPAdapter(
            name=name,
            content=hash_file(path),
            path=path,
            encoder=encoder,
            encoder_content="" if encoder is None else hash_file(encoder / WEIGHTS),
        )
    if found := _HUB_ID.fullmatch(name):
        return _on_hub(name, found[1], found[2])
    raise not_there(
        "IP-Adapter",
        name,
        offered=available_ip_adapters(folder),
        instead=f"one of the Hub such as {USUAL}",
        setting="BGEN_IP_ADAPTERS",
    )


def hub_repository(name: str) -> str | None:
    """The repository of the Hub in which an IP-Adapter of that name would be looked for, if in any."""
    found = _HUB_ID.fullmatch(name)
    return found[1] if found else None


def available_ip_adapters(folder: Path) -> tuple[str, ...]:
    """Names of the files of a folder and of those below it, without the encoders."""
    return tuple(name for name in names_in_folder(folder) if PurePosixPath(name).parent.name != ENCODER)


def _header(name: str, path: Path) -> dict[str, Any]:
    """What the file says of its tensors; refuses what is no IP-Adapter."""
    header = header_of("IP-Adapter", name, path)
    _check_kind(name, header)
    return header


def _check_kind(name: str, header: Iterable[str]) -> None:
    names = set(header)
    if not any(each.endswith(".to_k_ip.weight") for each in names):
        raise UserInputError(
            f"IP-Adapter {quoted(name, 80)} is none: no tensor of its file belongs to one; choose another file."
        )
    if not names & _KINDS.keys() or "image_proj.perceiver_resampler.proj_in.weight" in names:
        raise UserInputError(
            f"IP-Adapter {quoted(name, 80)} is of a kind that is not used here, such as FaceID, which reads faces by "
            "another network: choose one that reads pictures by CLIP."
        )


def _fits(config: Mapping[str, JsonValue], header: Mapping[str, Any]) -> bool:
    """Whether an encoder gives what an adapter reads."""
    kind = next(each for each in _KINDS if each in header)
    place, key = _KINDS[kind]
    shape = shape_of(header[_READS.get(kind, kind)])
    return len(shape) > place and config.get(key, _CLIP_DEFAULTS[key]) == shape[place]


def encoder_fits(config: Mapping[str, JsonValue], path: Path) -> bool:
    """Whether an image encoder with this configuration can read pictures for the adapter in that file."""
    return _fits(config, read_header(path))


def _config(file: Path) -> Mapping[str, JsonValue]:
    try:
        content: JsonValue = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _places(file: PurePosixPath) -> Iterator[PurePosixPath]:
    """Where an encoder may lie for a file: beside it or above, and in models/, as h94/IP-Adapter has them."""
    for parent in file.parents:
        yield parent / ENCODER
        yield parent / "models" / ENCODER


def _encoder_near(path: Path, root: Path, header: Mapping[str, Any]) -> Path | None:
    for place in _places(PurePosixPath(path.relative_to(root).as_posix())):
        folder = root / place
        if (folder / WEIGHTS).is_file() and _fits(_config(folder / _CONFIG), header):
            return folder
    return None


def _on_hub(name: str, repository: str, file: str) -> IPAdapter:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(repository, file)
    except HFValidationError as error:
        raise UserInputError(f"IP-Adapter {quoted(name, 80)} is not there, and {hub_fault(error)}") from error
    if isinstance(cached, str):
        path = Path(cached)
        header, root = _header(name, path), path.parents[len(PurePosixPath(file).parts) - 1]
        if encoder := _encoder_near(path, root, header):
            content, read_by = hash_file(path), hash_file(encoder / WEIGHTS)
            return IPAdapter(name=name, content=content, path=path, encoder=encoder, encoder_content=read_by)
    return _ask_hub(name, repository, file)


def _ask_hub(name: str, repository: str, file: str) -> IPAdapter:
    """What the Hub says of files that are not here yet; they are fetched when they are needed."""
    from huggingface_hub import HfApi, hf_hub_download  # pyright: ignore[reportUnknownVariableType]

    try:
        info = HfApi().model_info(repository, files_metadata=True, timeout=LOOK_SECONDS)
        files: dict[str, Any] = {each.rfilename: each.lfs for each in info.siblings or ()}
        commit = info.sha or ""
        if files.get(file) is None or not commit:
            raise UserInputError(
                f"IP-Adapter {quoted(name, 80)} names no file of weights of {repository} on the Hugging Face Hub: "
                f"write {repository}/FILE with one of its .safetensors files."
            )
        tensors = HfApi().parse_safetensors_file_metadata(repository, file, revision=commit).tensors
        header = {key: {"shape": list(each.shape)} for key, each in tensors.items()}
        _check_kind(name, header)
        for place in _places(PurePosixPath(file)):
            weights: Any = files.get(str(place / WEIGHTS))
            if weights is None or str(place / _CONFIG) not in files:
                continue
            if _fits(_config(Path(hf_hub_download(repository, str(place / _CONFIG), revision=commit))), header):
                where, read_by = str(place), str(weights.sha256)
                break
        else:
            where, read_by = "", ""
    except UserInputError:
        raise
    except Exception as error:  # see `hub_fault`
        raise UserInputError(f"IP-Adapter {quoted(name, 80)} {hub_fault(error)}") from error
    return IPAdapter(
        name=name,
        content=str(files[file].sha256),
        path=None,
        encoder_content=read_by,
        encoder=None,
        hub=(repository, file, commit, where),
    )


def without_encoder(adapter: IPAdapter, model: str) -> str:
    """One sentence for an adapter that nobody reads pictures for."""
    return (
        f"IP-Adapter {quoted(adapter.name, 80)} has no image encoder that fits it: put its folder {ENCODER} "
        f"({_CONFIG} and {WEIGHTS}) beside the adapter's file, or into the folder of {model}."
    )


def fetch_ip_adapter(adapter: IPAdapter) -> tuple[Path, Path | None]:
    """Where the adapter's file and its encoder's folder lie, with the bytes that they were planned with.

    Those of the Hub are downloaded first; None where the model must bring the encoder.

    Raises
    ------
    UserInputError
        They cannot be had, or are other files now.
    """
    path, encoder = adapter.path, adapter.encoder
    if adapter.hub is not None:
        from huggingface_hub import hf_hub_download  # pyright: ignore[reportUnknownVariableType]

        repository, file, commit, place = adapter.hub
        try:
            path = Path(hf_hub_download(repository, file, revision=commit))
            for each in (_CONFIG, WEIGHTS) if place else ():
                encoder = Path(hf_hub_download(repository, f"{place}/{each}", revision=commit)).parent
        except Exception as error:  # see `hub_fault`
            raise UserInputError(f"IP-Adapter {quoted(adapter.name, 80)} {hub_fault(error)}") from error
        _header(adapter.name, path)
    if (
        path is None
        or not _has_content(path, adapter.content)
        or (encoder and not _has_content(encoder / WEIGHTS, adapter.encoder_content))
    ):
        raise UserInputError(f"IP-Adapter {quoted(adapter.name, 80)} was changed since this was planned: start again.")
    return path, encoder


def _has_content(path: Path, content: str) -> bool:
    return path.is_file() and hash_file(path) == content
