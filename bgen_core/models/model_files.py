"""What of a pinned model is not on this machine yet, fetching it, and the last look before it is loaded."""

from collections.abc import Generator
from dataclasses import replace

from bgen_core.errors import ModelLoadError
from bgen_core.models.folder_check import check_folder, count_weights, names_in
from bgen_core.models.hub.client import listed_files
from bgen_core.models.hub.download import Fetching, fetch_files
from bgen_core.models.model_source import SAFETY_CHECKER, ModelSource, has_settings, loaded_index
from bgen_core.models.safetensors_header import numbers_of, read_header
from bgen_core.models.weight_variants import choose_variant, files_of, lacking
from bgen_core.wording import quoted


def missing_bytes(source: ModelSource, dtype_name: str, *, with_safety_checker: bool = False) -> int:
    """Size of what has to be fetched before the model can be loaded in that number format.

    Raises
    ------
    ModelLoadError
        See `missing_files`.
    """
    models = [source, source.prior] if source.prior else [source]
    return sum(
        sum(missing_files(model, dtype_name, with_safety_checker=with_safety_checker).values()) for model in models
    )


def missing_files(source: ModelSource, dtype_name: str, *, with_safety_checker: bool = False) -> dict[str, int]:
    """Files that have to be fetched before the model can be loaded in that number format -> their bytes.

    Raises
    ------
    ModelLoadError
        That cannot be known, or the Hub has no weights that can be used.
    """
    return _choose(source, dtype_name, with_safety_checker=with_safety_checker)[1]


def fetch_missing(source: ModelSource, dtype_name: str, *, with_safety_checker: bool = False) -> Generator[Fetching]:
    """Fetch them; nothing happens where all is here.

    Raises
    ------
    ModelLoadError
        See `missing_files`; or the Hub does not give them.
    """
    for model in [source, source.prior] if source.prior else [source]:
        if missing := missing_files(model, dtype_name, with_safety_checker=with_safety_checker):
            yield from fetch_files(model.name, model.repository, model.commit, missing)


def settled(source: ModelSource, dtype_name: str, *, with_safety_checker: bool = False) -> ModelSource:
    """The model with all its files here and looked at: the variant that is loaded, and how large it is.

    Raises
    ------
    ModelLoadError
        A part is missing or damaged.
    """
    variant, _ = _choose(source, dtype_name, with_safety_checker=with_safety_checker)
    held = source.single.parts if source.single else ()
    try:
        check_folder(
            source.name, source.files, loaded_index(source, with_safety_checker=with_safety_checker), held=held
        )
    except ModelLoadError as error:
        if not source.repository:
            raise
        # Where the Hub's client keeps its files is not said to visitors.
        said = str(error).replace(f"{source.files}/", "").replace(str(source.files), source.repository)
        raise ModelLoadError(said) from error
    weights = count_weights(source.files, source.networks, variant)
    if source.single is not None:
        weights += sum(map(numbers_of, read_header(source.single.path).values()))
    if source.prior is None:
        return replace(source, variant=variant, weights=weights)
    prior = settled(source.prior, dtype_name)
    return replace(source, variant=variant, weights=weights + prior.weights, prior=prior)


def fetched(source: ModelSource, dtype_name: str, *, with_safety_checker: bool = False) -> ModelSource:
    """The model with all its files here: fetched where they were not, by whoever shows no progress, and looked at.

    Raises
    ------
    ModelLoadError
        See `fetch_missing` and `settled`.
    """
    for _ in fetch_missing(source, dtype_name, with_safety_checker=with_safety_checker):
        pass
    return settled(source, dtype_name, with_safety_checker=with_safety_checker)


def _choose(source: ModelSource, dtype_name: str, *, with_safety_checker: bool) -> tuple[str | None, dict[str, int]]:
    """The variant to load, and the files to fetch for it."""
    if not source.repository:
        return source.variant, {}
    here = names_in(source.files)
    parts = (*source.networks, *((SAFETY_CHECKER,) if with_safety_checker and _brings_checker(source) else ()))
    # The Hub is not asked where nothing can be better than what is here.
    variant = choose_variant(parts, dtype_name, here=here, there=here)
    is_exact = variant is None or dtype_name != "float32"
    if is_exact and lacking(parts, variant, here) is None and has_settings(source):
        return variant, {}
    sizes = listed_files(source.name, source.repository, source.commit)
    variant = choose_variant(parts, dtype_name, here=here, there=sizes)
    if (part := lacking(parts, variant, sizes)) is not None:
        raise ModelLoadError(
            f"model {quoted(source.name)} cannot be used: its part {part} has no .safetensors file on the Hugging Face "
            "Hub, and pickles are never opened: choose another one, or save it as safetensors in a folder."
        )
    wanted = files_of(loaded_index(source, with_safety_checker=with_safety_checker), sizes, variant, weighted=parts)
    return variant, {name: sizes[name] for name in sorted(wanted - here)}


def _brings_checker(source: ModelSource) -> bool:
    return isinstance(source.index.get(SAFETY_CHECKER), list) and SAFETY_CHECKER not in source.absent
