"""The Hugging Face Hub: what it holds of a model, what of that is here, and why it gave nothing.

Without torch. The Hub's client keeps its own cache: a commit that is in it stands for the model from then on.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from bgen_core.errors import ModelLoadError
from bgen_core.models.hub.meter import Meter
from bgen_core.wording import quoted

LOOK_SECONDS = 10  # for the answer to a question; files have the client's own limits

# Enough to know a family by.
CONFIG_FILES = ("model_index.json", "*/config.json", "scheduler/scheduler_config.json")
# And to set up all parts but their weights.
SETTING_FILES = ("model_index.json", "*/*.json", "*/*.txt", "*/*.model", "*/*.jinja")


def cached_snapshot(repository: str) -> Path | None:
    """The client's copy of a model, which may lack files; None where there is none, or where that is no Hub id."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(repository, "model_index.json")
    except HFValidationError:
        return None
    return Path(cached).parent if isinstance(cached, str) else None


def fetch_small_files(
    spec: str, repository: str, patterns: Iterable[str] = CONFIG_FILES, *, commit: str | None = None
) -> Path:
    """A few small files, in which a model says what it is. Returns the client's folder of their commit.

    Parameters
    ----------
    commit
        None for the newest, which stands for the model from then on.

    Raises
    ------
    ModelLoadError
        Says why they cannot be had.
    """
    from huggingface_hub import snapshot_download  # pyright: ignore[reportUnknownVariableType]

    try:
        return Path(
            snapshot_download(repository, revision=commit, allow_patterns=list(patterns), tqdm_class=Meter().bar())
        )
    except Exception as error:  # the hub client raises many kinds: no network, no such model, no permission
        raise ModelLoadError(f"model {quoted(spec)} {hub_fault(error)}") from error


def listed_files(spec: str, repository: str, commit: str) -> dict[str, int]:
    """All files of a commit with their sizes in bytes, as the Hub tells or has told.

    Raises
    ------
    ModelLoadError
        Says why that cannot be known.
    """
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    try:
        return {file.path: file.size for file in get_cached_repo_tree(repository, revision=commit)}
    except CachedRepoTreeNotFoundError:
        pass
    try:
        return _asked_files(repository, commit)
    except Exception as error:  # see `fetch_small_files`
        raise ModelLoadError(f"model {quoted(spec)} {hub_fault(error, partly=True)}") from error


@lru_cache(maxsize=16)
def _asked_files(repository: str, commit: str) -> dict[str, int]:
    from huggingface_hub import HfApi

    told = HfApi().model_info(repository, revision=commit, files_metadata=True, timeout=LOOK_SECONDS)
    return {file.rfilename: file.size or 0 for file in told.siblings or ()}


def hub_fault(error: BaseException, *, partly: bool = False) -> str:
    """Why the Hub gave nothing; completes "model … ".

    Parameters
    ----------
    partly
        Whether some of the model's files are here.
    """
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    here = "is only in part on this machine" if partly else "is not on this machine"
    told = _first_of(error, HfHubHTTPError | HFValidationError | OfflineModeIsEnabled)
    match told:
        case GatedRepoError():
            return (
                "is gated on the Hugging Face Hub: accept its licence on its page there, and give the token of the "
                "account that did so in HF_TOKEN."
            )
        case RepositoryNotFoundError():
            return "is not on the Hugging Face Hub, or is private: check the name, or give your token in HF_TOKEN."
        case HFValidationError():
            return "is no Hub id: those have letters, digits, dots, dashes and underscores, such as owner/name."
        case OfflineModeIsEnabled():
            return f"{here}, and HF_HUB_OFFLINE keeps it from the Hub: unset it, or give a local folder."
        case HfHubHTTPError() if _status(told) in (401, 403):
            return (
                f"is refused to you by the Hugging Face Hub ({_status(told)}): give a token in HF_TOKEN that may read "
                "it, and accept its licence on its page there."
            )
        case _:
            return (
                f"{here} and could not be reached on the Hugging Face Hub ({type(told or error).__name__}): "
                "check the name and the network, or give a local folder."
            )


def _first_of(error: BaseException, kinds: object) -> BaseException | None:
    """The Hub's own answer behind an error of its client, which says of some that nothing is cached."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, kinds):  # pyright: ignore[reportArgumentType]
        seen = seen.__cause__ or seen.__context__
    return seen


def _status(error: BaseException) -> int:
    return int(getattr(getattr(error, "response", None), "status_code", 0))
