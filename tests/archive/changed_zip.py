"""ZIPs as somebody else may have written them: the program's own after a change of their list of contents."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def changed(archive: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The same ZIP after a change of its list of contents."""
    with zipfile.ZipFile(archive) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    manifest = json.loads(files["bgen-runs.json"])
    change(manifest)
    files["bgen-runs.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(archive, "w") as written:
        for name, data in files.items():
            written.writestr(name, data)
    return archive
