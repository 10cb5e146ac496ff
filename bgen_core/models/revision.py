"""Which exact weights a model name stands for, found without importing torch."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from bgen_core.errors import ModelLoadError
from bgen_core.home_paths import with_home
from bgen_core.models.catalogue import ModelEntry, describe_model
from bgen_core.models.content_hash import hash_file, hash_files, hash_folder
from bgen_core.models.folder_check import check_folder, names_in, reading
from bgen_core.models.hub.client import cached_snapshot, fetch_small_files
from bgen_core.models.kandinsky_prior import find_prior
from bgen_core.models.model_source import ModelSource, is_whole, source_of_folder
from bgen_core.models.saved_pipeline import read_entry, read_index
from bgen_core.models.single_files.configuration import configuration_of, index_for, read_model_file
from bgen_core.models.weight_variants import choose_variant, files_of
from bgen_core.wording import quoted

# Raise it whenever a background without diffusion gets other pixels for the same parameters.
BACKDROP_REVISION = 1


def find_model(spec: str) -> ModelSource:
    """Pin a catalogue name, Hub id, local folder or file to its exact weights.

    Raises
    ------
    ModelLoadError
        Nothing of that name can be found: says which, why, and what to do.
    """
    entry = describe_model(spec)
    if entry.family.backdrop:
        return _of_backdrop(entry)
    with reading(spec):
        local = _find_given(spec, entry, asks_hub=True)
    if local is not None:
        return local
    if not _may_be_on_hub(entry):
        raise ModelLoadError(
            f"model {quoted(spec)} is not there: give a catalogue name (the command `models` lists them), "
            "a Hub id such as owner/name, a .safetensors file, or the folder of a saved diffusers pipeline."
        )
    return _with_prior(_of_hub(spec, entry, _snapshot(spec, entry)), asks_hub=True)


def find_local_model(spec: str) -> ModelSource | None:
    """The model if all its files are on this machine (a local folder or file, or the Hub's cache), else None.

    Raises
    ------
    ModelLoadError
        Something is there, but it is no model.
    """
    entry = describe_model(spec)
    if entry.family.backdrop:
        return _of_backdrop(entry)
    with reading(spec):
        source = _find_given(spec, entry, asks_hub=False)
        if source is None and (snapshot := cached_snapshot(entry.source)) is not None:
            source = _with_prior(_of_hub(spec, entry, snapshot), asks_hub=False)
        return source if source is not None and is_whole(source) else None


def find_entry(spec: str) -> ModelEntry:
    """The catalogue's entry, with what the model's own files say where they are on this machine. Hashes no weights.

    Raises
    ------
    ModelLoadError
        The files are here, but nothing here can paint with them.
    """
    with reading(spec):
        return _read_entry_here(spec, describe_model(spec))


def fetch_entry(spec: str) -> ModelEntry:
    """`find_entry`, and for a model of the Hub that is not here, what its configuration there says.

    Raises
    ------
    ModelLoadError
        Nothing here can paint with it, or the Hub cannot be reached.
    """
    entry = describe_model(spec)
    if entry.family.backdrop:
        return entry
    given = with_home(entry.source)
    if given.is_file():
        with reading(spec):
            configuration_of(spec, read_model_file(spec, given.resolve()), asks_hub=True)
    elif not given.is_dir() and _may_be_on_hub(entry):
        _snapshot(spec, entry)
    return find_entry(spec)


def _read_entry_here(spec: str, entry: ModelEntry) -> ModelEntry:
    if entry.family.backdrop:
        return entry
    given = with_home(entry.source)
    if given.is_file():
        single = read_model_file(spec, given.resolve())
        place = configuration_of(spec, single, asks_hub=False)
        return entry if place is None else read_entry(spec, entry, place.folder, index_for(spec, single, place))
    files = given if given.is_dir() else cached_snapshot(entry.source)
    return entry if files is None else read_entry(spec, entry, files, read_index(spec, files))


def current_revision(source: ModelSource) -> str:
    """What the files of a pinned model hash to now; for a model of the Hub its commit."""
    if source.single is not None:
        return _hash_single(source)
    if source.prior is not None:
        alone = replace(source, prior=None)
        return sha256(f"{current_revision(alone)} {current_revision(source.prior)}".encode()).hexdigest()[:40]
    return hash_folder(source.folder) if source.folder else source.commit


def _of_backdrop(entry: ModelEntry) -> ModelSource:
    """What has no weights is pinned by what it is called, and by the number of the way in which it is made."""
    revision = sha256(f"{entry.family.backdrop} {BACKDROP_REVISION}".encode()).hexdigest()[:40]
    return ModelSource(entry=entry, revision=revision, folder=None, files=Path())


def _with_prior(source: ModelSource, *, asks_hub: bool) -> ModelSource:
    """A decoder and the prior that belongs to it are one model."""
    prior = find_prior(source, asks_hub=asks_hub)
    if prior is None:
        return source
    both = sha256(f"{source.revision} {prior.revision}".encode()).hexdigest()[:40]
    return replace(source, prior=prior, revision=both)


def _find_given(spec: str, entry: ModelEntry, *, asks_hub: bool) -> ModelSource | None:
    """A folder or a file, where a path to one is given."""
    given = with_home(entry.source)
    if given.is_dir():
        return _with_prior(_of_folder(spec, entry, given.resolve()), asks_hub=asks_hub)
    return _of_file(spec, entry, given.resolve(), asks_hub=asks_hub) if given.is_file() else None


def _of_folder(spec: str, entry: ModelEntry, folder: Path) -> ModelSource:
    index = read_index(spec, folder)
    entry = read_entry(spec, entry, folder, index)
    check_folder(spec, folder, index)
    return source_of_folder(entry, folder, index)


def _of_file(spec: str, entry: ModelEntry, file: Path, *, asks_hub: bool) -> ModelSource | None:
    single = read_model_file(spec, file)
    place = configuration_of(spec, single, asks_hub=asks_hub)
    if place is None:
        return None
    index = index_for(spec, single, place)
    entry = read_entry(spec, entry, place.folder, index)
    source = ModelSource(
        entry=entry,
        revision="",
        folder=None if place.repository else place.folder,
        files=place.folder,
        index=index,
        repository=place.repository,
        commit=place.commit,
        single=single,
    )
    if not place.repository:
        check_folder(spec, place.folder, index, held=single.parts)
        names = names_in(place.folder)
        source = replace(source, variant=choose_variant(source.networks, "float32", here=names, there=names))
    return replace(source, revision=_hash_single(source))


def _hash_single(source: ModelSource) -> str:
    assert source.single is not None
    names = files_of(source.index, names_in(source.files), source.variant, weighted=source.networks)
    rest = source.commit or hash_files(source.files, sorted(names))
    return sha256(f"{hash_file(source.single.path)} {rest}".encode()).hexdigest()[:40]


def _may_be_on_hub(entry: ModelEntry) -> bool:
    absolute = with_home(entry.source).is_absolute()
    return entry.source.count("/") == 1 and not absolute and not entry.source.startswith(".")


def _snapshot(spec: str, entry: ModelEntry) -> Path:
    """The Hub client's copy of the configuration, which is fetched where it is not here."""
    here = cached_snapshot(entry.source)
    return here or fetch_small_files(spec, entry.source)


def _of_hub(spec: str, entry: ModelEntry, snapshot: Path) -> ModelSource:
    index = read_index(spec, snapshot)
    return ModelSource(
        entry=read_entry(spec, entry, snapshot, index),
        revision=snapshot.name,
        folder=None,
        files=snapshot,
        index=index,
        repository=entry.source,
        commit=snapshot.name,
    )
