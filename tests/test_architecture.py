"""The house's structure: no arrow upwards between floors, no circle, no folder that nobody can take in at a glance."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[1]
MODULES = sorted(path for folder in ("bgen_core", "pages") for path in (PROJECT / folder).rglob("*.py"))
PAGES = [path for path in MODULES if path.is_relative_to(PROJECT / "pages")]

# From the ground up: a floor imports from itself and from those below. What stands beside another shares its line.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("bgen_core.errors",),
    (
        "bgen_core.extent",
        "bgen_core.fault_log",
        "bgen_core.home_paths",
        "bgen_core.content_address",
        "bgen_core.ids",
        "bgen_core.json_log",
        "bgen_core.json_value",
        "bgen_core.limits",
        "bgen_core.private_files",
        "bgen_core.process_identity",
        "bgen_core.python_path",
        "bgen_core.recent",
        "bgen_core.server_secret",
        "bgen_core.whole_file",
        "bgen_core.wording",
        "bgen_core.typed_lines",
    ),
    ("bgen_core.settings", "bgen_core.disk_room"),
    ("bgen_core.models",),
    ("bgen_core.parameters",),
    ("bgen_core.subject",),
    ("bgen_core.sweep",),
    ("bgen_core.records",),
    ("bgen_core.authentication",),
    ("bgen_core.metrics",),
    ("bgen_core.store",),
    ("bgen_core.runs",),
    ("bgen_core.archive", "bgen_core.reports"),
    ("bgen_core.jobs", "bgen_core.bench"),
    ("bgen_core.cluster",),
    ("bgen_core.api", "bgen_core.client"),
    ("bgen_core.cli",),
    ("pages",),
)
MOST_MODULES = 22


def floor_of(module: str) -> int | None:
    for number, floor in enumerate(FLOORS):
        if any(module == name or module.startswith(f"{name}.") for name in floor):
            return number
    return None


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Everything that a module says, read once for all tests."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def imports_of(path: Path) -> Iterator[str]:
    for node in nodes_of(path):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_every_module_stands_on_a_floor() -> None:
    """But for the package itself, and what starts it."""
    nowhere = {name for path in MODULES if floor_of(name := module_name(path)) is None}
    assert nowhere == {"bgen_core", "bgen_core.__main__"}


def test_a_module_imports_nothing_from_above() -> None:
    above: set[tuple[str, str]] = set()
    for path in MODULES:
        module = module_name(path)
        if (floor := floor_of(module)) is not None:
            above |= {(module, name) for name in imports_of(path) if (floor_of(name) or 0) > floor}
    assert above == set()


def test_modules_import_each_other_in_one_direction() -> None:
    names = {module_name(path): path for path in MODULES}
    waiting = {
        name: {each for each in imports_of(path) if each in names and not f"{name}.".startswith(f"{each}.")}
        for name, path in names.items()
    }
    while free := [name for name, needs in waiting.items() if not needs & waiting.keys()]:
        for name in free:
            del waiting[name]
    assert not waiting, f"a circle among {sorted(waiting)}"


def test_no_folder_holds_more_modules_than_can_be_taken_in_at_a_glance() -> None:
    # Migrations are a chain, each written once and read by its number: no place where somebody looks for one.
    counted = Counter(path.parent for path in MODULES if not re.match(r"__init__|\d{4}_", path.name))
    assert {str(folder): count for folder, count in counted.items() if count > MOST_MODULES} == {}


def test_pages_and_routes_tell_what_is_meant_for_visitors() -> None:
    """The text of a fault of the store names folders and addresses: `told` gives the other one, and logs this one."""
    in_full = [
        path.name
        for path in PAGES
        for handler in nodes_of(path)
        if isinstance(handler, ast.ExceptHandler) and handler.name
        for node in ast.walk(handler)
        if (isinstance(node, ast.Call) and ast.unparse(node) == f"str({handler.name})")
        or (isinstance(node, ast.FormattedValue) and ast.unparse(node.value) == handler.name)
    ]
    assert in_full == ["gate.py"]  # why the server does not start is read by who starts it


def test_pages_and_routes_know_the_store_only_as_their_visitor_sees_it() -> None:
    known = {
        (path.name, name.rpartition(".")[2])
        for path in PAGES
        for name in imports_of(path)
        if name.startswith("bgen_core.store.store.")
    }
    opened = {("resources.py", "OpenStore"), ("resources.py", "open_store")}
    assert {each for each in known - opened if each[1] != "SeenStore"} == set()


def test_an_id_has_the_type_of_what_it_names() -> None:
    """A bare text where an id belongs takes any other id too."""
    names = {"run_id", "raw_id", "sweep_id", "subject_id"}
    bare: set[tuple[str, str]] = set()
    for path in MODULES:
        for node in nodes_of(path):
            match node:
                case ast.arg(arg=name, annotation=ast.Name(id="str")) if name in names:
                    bare.add((module_name(path), name))
                case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id="str")) if name in names:
                    bare.add((module_name(path), name))
    # A person's text and a link may hold the beginning of an id alone.
    assert bare == {
        ("bgen_core.store.runs", "run_id"),
        ("bgen_core.runs.links", "run_id"),
    }


def test_html_with_texts_in_it_comes_from_a_template() -> None:
    """Templates escape every text; f-strings and `html.escape` leave one out some day."""
    texts = [
        (module_name(path), str(part.value))
        for path in MODULES
        for node in nodes_of(path)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
        if isinstance(part, ast.Constant)
    ]
    assert [(module, text) for module, text in texts if re.search(r"(?<!P)<[a-z]+[ >/]", text)] == []
    assert [module_name(path) for path in MODULES if "html" in set(imports_of(path))] == []
