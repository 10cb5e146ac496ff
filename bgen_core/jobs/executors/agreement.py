"""What a worker and whoever hands it a sweep must have in common, so that both mean the same pictures."""

from collections.abc import Mapping

import bgen_core
from bgen_core.content_address import hash_content
from bgen_core.settings import Settings
from bgen_core.sweep.plan import pixel_versions


def terms_of(settings: Settings) -> dict[str, str]:
    """What is agreed on -> how it is here.

    Addresses and folders come as hashes: the worker writes this into the database. Its device is no part of it, since
    the worker says that itself.
    """
    parts = {
        "version of this program or its libraries": {"bgen": bgen_core.__version__} | pixel_versions(),
        "database or folder of pictures": {
            "database": settings.database_url.render_as_string(hide_password=True),
            "pictures": settings.blob_root,
        },
        "BGEN_PRECISION": {"precision": settings.precision},
        "BGEN_LORAS": {"folder": str(settings.lora_folder)},
        "BGEN_SAFETY_CHECKER": {"checks": settings.safety_checker},
    }
    return {what: hash_content(content)[:16] for what, content in parts.items()}


def disagreement(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """The first thing that is not the same, in words; empty where all is."""
    return next((what for what, here in ours.items() if theirs.get(what) != here), "")
