"""Two more parameters, of painting and of pasting, put into a copy of the program as docs/parameters.md says."""

import re
import shutil
from pathlib import Path

PROJECT = Path(__file__).parents[2]

ROWS = """    Parameter(
        field="eta", name="eta", label="Eta", help="Noise that each step adds.", kind="number", default=0.0,
        since=3, range=Range(low=0, high=1), unit="σ",
    ),
    Parameter(
        field="glow", name="glow", label="Rim glow", help="Light around the subject.", kind="number", default=0.0,
        stage="paste", since=3, range=Range(low=0, high=2), url="rim",
    ),
"""
MIGRATION = """import sqlalchemy as sa
from alembic import op

revision = "{new}"
down_revision = "{old}"


def upgrade() -> None:
    for name in ("eta", "glow"):
        op.add_column("runs", sa.Column(name, sa.Double, nullable=False, server_default="0"))
"""


def copy_with_two_more_parameters(target: Path) -> None:
    """The program and its tests under `target`, with the four edits that a new parameter needs."""
    for folder in ("bgen_core", "pages", "tests", ".streamlit"):
        shutil.copytree(PROJECT / folder, target / folder)  # with what is compiled: Python sees what is edited
    for file in ("streamlit_app.py", "pyproject.toml"):
        shutil.copy(PROJECT / file, target / file)
    _edit(target / "bgen_core/parameters.py", r"^\)\nTEXTS = ", ROWS + ")\nTEXTS = ")
    fields = "    eta: float = 0.0\n    glow: float = 0.0\n"
    _edit(target / "bgen_core/sweep/params.py", r"^    shadow: float = 0\.0\n", f"    shadow: float = 0.0\n{fields}")
    schema = target / "bgen_core/store/schema.py"
    _edit(
        schema,
        r"^    shadow: Mapped\[float\]\n",
        "    shadow: Mapped[float]\n" + fields.replace("float = 0.0", "Mapped[float]"),
    )
    (old,) = re.findall(r'^SCHEMA_VERSION = "(\d+)"', schema.read_text(encoding="utf-8"), re.MULTILINE)
    new = f"{int(old) + 1:04}"
    _edit(schema, rf'^SCHEMA_VERSION = "{old}"', f'SCHEMA_VERSION = "{new}"')
    versions = target / "bgen_core/store/migrations/versions"
    (versions / f"{new}_two_more_parameters.py").write_text(MIGRATION.format(old=old, new=new), encoding="utf-8")


def _edit(path: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, lambda _: replacement, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert count == 1, f"{pattern!r} stands {count} times in {path}"
    path.write_text(text, encoding="utf-8")
