"""What a saved pipeline's small files say: its family, and where a first picture should start."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bgen_core.errors import ModelLoadError, reason
from bgen_core.json_value import NO_JSON
from bgen_core.models.catalogue import MODELS, ModelEntry
from bgen_core.models.families import configs_of_folder
from bgen_core.models.family_table import find_family, missing_packages, working_classes
from bgen_core.models.folder_check import explain_folder, unreadable
from bgen_core.models.prompt_length import window_fault
from bgen_core.wording import quoted


def read_entry(spec: str, entry: ModelEntry, folder: Path, index: Mapping[str, Any]) -> ModelEntry:
    """The catalogue's entry with the family as the checkpoint has it, or for another model all that its files say.

    Parameters
    ----------
    index
        Its model_index.json.

    Raises
    ------
    ModelLoadError
        Nothing here can paint with it.
    """
    name, configs = str(index["_class_name"]), configs_of_folder(folder, index)
    family = find_family(name, configs)
    if family is None:
        raise ModelLoadError(
            f"model {quoted(spec)} is saved as {quoted(name, 80)}, with which nothing here can repaint a picture: "
            f"choose one of {', '.join(working_classes())}, or choose the model 'demo'."
        )
    missing = ", ".join(missing_packages(family))
    why = family.refusal or (f"needs the package {missing}, which is not installed" if missing else "")
    if why := why or window_fault(configs):
        raise ModelLoadError(f"model {quoted(spec)} cannot be used: {family.title} {why}; or choose the model 'demo'.")
    if entry in MODELS:
        return replace(entry, family=replace(family, side=entry.side))
    return replace(entry, family=family, side=family.side, steps=family.steps, guidance=family.usual_guidance)


def read_index(spec: str, folder: Path) -> dict[str, Any]:
    """A saved pipeline's model_index.json.

    Raises
    ------
    ModelLoadError
        It is not there, or damaged: says what the folder is.
    """
    try:
        index: Any = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        index["_class_name"]
        return index
    except FileNotFoundError as error:
        raise ModelLoadError(f"model {quoted(spec)} {explain_folder(folder)}") from error
    except OSError as error:
        raise ModelLoadError(unreadable(spec, error, folder / "model_index.json")) from error
    except (*NO_JSON, KeyError, TypeError) as error:
        raise ModelLoadError(
            f"model {quoted(spec)} cannot be read: {folder / 'model_index.json'} is damaged ({reason(error)})."
        ) from error
