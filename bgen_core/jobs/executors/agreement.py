"""What a worker and whoever hands it a sweep must have in common, so that both mean the same pictures."""

from collections.abc import Mapping

import bgen_core
from bgen_core.content_address import hash_content
from bgen_core.settings import Settings
from bgen_core.sweep.plan import pixel_versions

# Of the terms, what makes pixels whatever the machine is: folders and addresses may be called otherwise on another one.
_VERSION, _PRECISION, _CHECKER = "version of this program or its libraries", "BGEN_PRECISION", "BGEN_SAFETY_CHECKER"
ON_ALL_MACHINES = (_VERSION, _PRECISION, _CHECKER)


def terms_of(settings: Settings) -> dict[str, str]:
    """What is agreed on -> how it is here.

    Addresses and folders come as hashes: the worker writes this into the database. Its device is no part of it, since
    the worker says that itself.
    """
    parts = {
        _VERSION: {"bgen": bgen_core.__version__} | pixel_versions(),
        "database or folder of pictures": {
            "database": settings.database_url.render_as_string(hide_password=True),
            "pictures": settings.blob_root,
        },
        _PRECISION: {"precision": settings.precision},
        "BGEN_LORAS": {"folder": str(settings.lora_folder)},
        _CHECKER: {"checks": settings.safety_checker},
    }
    return {what: hash_content(content)[:16] for what, content in parts.items()}


def disagreement(ours: Mapping[str, str], theirs: Mapping[str, str], *, other_machine: bool = False) -> str:
    """The first thing that is not the same, in words; empty where all is.

    Parameters
    ----------
    other_machine
        Whether they may be on another machine: then only what makes pixels counts.
    """
    asked = [what for what in ours if what in ON_ALL_MACHINES or not other_machine]
    return next((what for what in asked if theirs.get(what) != ours[what]), "")
