"""The package that `pip install .` installs: it is the whole program, and runs where no clone is.

Its server is in `tests/browser/test_installed_in_browser.py`.
"""

import ast
import json
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import bgen_core
from tests.installed import PROJECT, Installed, build, unpack

pytestmark = pytest.mark.slow

CONFIG = ".streamlit/config.toml"
LAUNCHER = "streamlit_app.py"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return unpack(wheel, tmp_path_factory.mktemp("installed"))


def tracked(*folders: str) -> list[str]:
    """Files under version control that are there."""
    listed = subprocess.run(["git", "ls-files", "-z", *folders], cwd=PROJECT, capture_output=True, check=True).stdout
    return [name for name in listed.decode().split("\0") if name and (PROJECT / name).is_file()]


def requirements(file: str = "requirements.txt") -> dict[str, Requirement]:
    lines = (PROJECT / file).read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]
    assert len({canonicalize_name(each.name) for each in found}) == len(found), "a library is pinned twice"
    return {canonicalize_name(each.name): each for each in found}


def test_the_wheel_holds_every_file_of_the_program(installed: Installed) -> None:
    names = {name: name for name in tracked("bgen_core")}
    names |= {name: f"bgen_app/{name}" for name in [*tracked("pages"), LAUNCHER, CONFIG]}
    assert len(names) > 200
    for name, packed in names.items():
        assert (installed.packages / packed).is_file(), f"{name} is missing in the wheel"
        assert (installed.packages / packed).read_bytes() == (PROJECT / name).read_bytes()


def test_the_wheel_holds_nothing_else(installed: Installed) -> None:
    folders = {path.name for path in installed.packages.iterdir()}
    assert folders == {"bgen_core", "bgen_app", f"bgen-{bgen_core.__version__}.dist-info"}
    assert {path.name for path in (installed.packages / "bgen_app").iterdir()} == {"pages", LAUNCHER, ".streamlit"}
    assert [path.name for path in (installed.packages / "bgen_app" / ".streamlit").iterdir()] == ["config.toml"]
    with zipfile.ZipFile(installed.wheel) as archive:
        assert not [name for name in archive.namelist() if name.endswith((".pyc", ".log"))]


def test_the_sdist_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build(tmp_path / "sdist", target="sdist")) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    again = build(tmp_path / "again", source)
    assert again.read_bytes() == wheel.read_bytes()


def test_the_version_stands_in_one_place(installed: Installed) -> None:
    assert installed.distribution.version == bgen_core.__version__
    assert "version" not in tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"## [{bgen_core.__version__}]" in (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_dependencies_are_those_of_requirements_txt(installed: Installed) -> None:
    declared = [Requirement(text) for text in installed.distribution.requires or []]
    assert {canonicalize_name(each.name): each for each in declared} == requirements()
    assert len(declared) == len(requirements())


def test_every_library_that_is_imported_is_pinned() -> None:
    providers = packages_distributions()
    files = [path.name for path in PROJECT.glob("requirements*.txt") if path.name != "requirements-dev.txt"]
    pinned = {name: each for file in files for name, each in requirements(file).items()}
    for name in [LAUNCHER, *tracked("bgen_core", "pages")]:
        if not name.endswith(".py"):
            continue
        for imported in _imported((PROJECT / name).read_text(encoding="utf-8")):
            if imported in sys.stdlib_module_names or imported in ("bgen_core", "pages"):
                continue
            known = {canonicalize_name(provider) for provider in providers.get(imported, [])}
            assert known & pinned.keys(), f"{name} imports {imported}, which no file of requirements pins"
    assert all(str(each.specifier).startswith("==") for each in pinned.values())


def test_the_commands_work_from_any_folder(installed: Installed) -> None:
    listed = installed.call("models", "--json")
    assert listed.returncode == 0, listed.stderr
    (demo,) = [model for model in json.loads(listed.stdout)["models"] if model["default"]]
    assert demo["here"]
    looked_at = installed.call("doctor", "--json")
    assert looked_at.returncode == 0, looked_at.stdout + looked_at.stderr
    assert all(finding["ok"] for finding in json.loads(looked_at.stdout))


def test_a_mistake_is_answered_with_the_command_that_was_called(installed: Installed) -> None:
    ended = installed.call("segmnt")
    assert ended.returncode == 2
    assert ended.stderr.endswith("see `bgen --help`.\n")


def test_the_server_does_not_start_open(installed: Installed) -> None:
    ended = installed.call("app", "--address", "0.0.0.0", "--port", "0")
    assert ended.returncode != 0
    assert "Start it with BGEN_PASSWORD=… in its environment, or with --server.address 127.0.0.1." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_pre_commit_runs_what_make_lint_runs() -> None:
    hooks = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8").replace("$(BIN)", ".venv/bin")
    lines = [line.strip().removeprefix("@") for line in makefile.splitlines()]
    assert len(hooks) == 3
    assert [hook["entry"] for hook in hooks if hook["entry"] not in lines] == []


def _imported(source: str) -> set[str]:
    """First names of all modules that a file imports, at its top or within a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found
