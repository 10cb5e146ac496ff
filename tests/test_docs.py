"""The documentation is true: its commands parse, its links lead somewhere, its settings and axes are the program's."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer.main

from bgen_core.cli import command_line
from bgen_core.client.client import TOKEN_VARIABLE
from bgen_core.settings import Settings
from bgen_core.sweep.axes import parse_axis

PROJECT = Path(__file__).parents[1]
PAGES = sorted([*PROJECT.glob("*.md"), PROJECT / "NOTICE", *(PROJECT / "docs").rglob("*.md")])
COMMANDS = typer.main.get_command(command_line())

COMMAND = "python -m bgen_core "  # or, at the beginning of a line, `bgen` of an installed package
# Words behind it that stand for any command.
ANY_COMMAND = ("…", "...", "--help")
# Folders of the repository: a path that begins with one of them, written as code, has to exist.
ROOTS = ("bgen_core", "docs", "pages", "scripts", "tests", "training", ".ci", ".github", ".streamlit")
# What a run of the training makes; git ignores it.
MADE_LATER = "training/work"


def code_of(page: Path) -> list[str]:
    """Lines of code blocks, continued lines joined, and everything between single backticks outside of them."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    prose, *rest = re.split(r"^```.*\n?", text, flags=re.MULTILINE)
    lines: list[str] = []
    for number, part in enumerate(rest):
        if number % 2:
            prose += part
        else:
            lines += part.splitlines()
    lines += re.findall(r"^ {4}(\S.*)$", prose, flags=re.MULTILINE)
    return lines + [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]


def command_lines() -> Iterator[tuple[str, str]]:
    """Page and arguments of every command line that the documentation shows."""
    for page in PAGES:
        for line in code_of(page):
            if COMMAND in line:
                yield page.name, line.partition(COMMAND)[2]
            elif called := re.search(r"(?:^|/bin/|: )bgen (.+)", line):
                yield page.name, called[1]


def links() -> Iterator[tuple[Path, str]]:
    """Page and target of every link and picture that is no address on another host."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                yield page, target


def paths() -> Iterator[tuple[str, str]]:
    """Page and path for everything written as code that names a file or folder of the repository."""
    for page in PAGES:
        words = page.read_text(encoding="utf-8").split() if page.name == "NOTICE" else code_of(page)
        for word in words:
            name = word.strip("().,;")
            if name.split("/")[0] in ROOTS and "/" in name and re.fullmatch(r"[\w./*-]+", name):
                yield page.name, name


@cache
def anchors(page: Path) -> set[str]:
    """The names under which a page's headings are linked to."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table_under(page: Path, heading: str) -> list[list[str]]:
    """Cells of the first table under a heading, without its head."""
    section = page.read_text(encoding="utf-8").partition(f"## {heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", section, flags=re.MULTILINE)
    assert table, f"{page.name} has no table under {heading!r}"
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table[0].splitlines()]
    return rows[2:]


@pytest.mark.parametrize(("page", "arguments"), list(command_lines()))
def test_a_command_line_parses(page: str, arguments: str):
    name, *options = shlex.split(arguments, comments=True)
    if name in ANY_COMMAND:
        return
    assert name in COMMANDS.commands, f"{page}: no command {name!r}"
    COMMANDS.commands[name].make_context(name, options)  # raises for an unknown option or a missing argument


def test_every_command_is_in_the_readme():
    shown = {arguments.split()[0] for page, arguments in command_lines() if page == "README.md"}
    assert shown >= set(COMMANDS.commands)


def test_links_lead_somewhere():
    lost: list[str] = []
    for page, target in links():
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        is_there = linked.exists() and linked.is_relative_to(PROJECT) and (not anchor or anchor in anchors(linked))
        lost += [] if is_there else [f"{page.name}: {target}"]
    assert lost == []


def test_named_files_exist():
    named = {*paths()}
    assert named
    assert [each for each in sorted(named) if not each[1].startswith(MADE_LATER) and not file_is_there(each[1])] == []


@cache
def file_is_there(name: str) -> bool:
    return bool(list(PROJECT.glob(name.rstrip("/"))))


def test_every_make_target_exists():
    targets = set(re.findall(r"^([\w-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {found for page in PAGES for line in code_of(page) for found in re.findall(r"\bmake ([a-z-]+)", line)}
    assert {"run", "test"} <= named <= targets


def test_the_settings_are_those_of_the_program():
    listed = {row[0].strip("`"): row[1].strip("`") for row in table_under(PROJECT / "docs/deploy.md", "Settings")}
    fields = {f"BGEN_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert set(listed) == set(fields)
    for name, field in fields.items():
        if field.default_factory is None:
            assert listed[name] == str(field.default), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_an_unknown_setting(page: Path):
    known = {f"BGEN_{name.upper()}" for name in Settings.model_fields} | {TOKEN_VARIABLE}
    assert set(re.findall(r"BGEN_[A-Z_]+", page.read_text(encoding="utf-8"))) <= known


@pytest.mark.parametrize("row", table_under(PROJECT / "README.md", "Axes"), ids=lambda row: row[0])
def test_an_axis_gives_what_the_readme_says(row: list[str]):
    written, gives = row[0].strip("`"), row[1].partition(":")[0]
    assert parse_axis("guidance", written).values == tuple(float(value) for value in gives.split(","))
