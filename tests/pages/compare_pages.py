"""The compare and the run page through AppTest, without the Subject page that a visitor sees first."""

import json
import re
from html.parser import HTMLParser
from typing import Any

from streamlit.testing.v1 import AppTest

from pages._ui.app import page_files


def _shell() -> None:
    import streamlit as st

    from pages._ui.app import page_files

    st.navigation(
        [
            st.Page(page_files.COMPARE, title="Compare", url_path="compare", default=True),
            st.Page(page_files.RUN, title="Run", url_path="run"),
            st.Page(page_files.SWEEP, title="Sweep", url_path="sweep"),
            st.Page(page_files.SUBJECT, title="Subject", url_path="subject"),
        ]
    ).run()


def open_compare(**query: str | list[str]) -> AppTest:
    """The compare page at an address, with the runs as a table that is not folded away."""
    at = open_link(**query)
    return button(at, "Show the list").click().run() if has_button(at, "Show the list") else at


def open_link(**query: str | list[str]) -> AppTest:
    """The compare page as who opens an address sees it first, but for the runs as a table."""
    return _opened(AppTest.from_function(_shell, default_timeout=60), {"list": "table"} | query)


def open_run(**query: str | list[str]) -> AppTest:
    """The run page at an address."""
    at = AppTest.from_function(_shell, default_timeout=60)
    at.switch_page(page_files.RUN)
    return _opened(at, query)


def open_sweep(**query: str | list[str]) -> AppTest:
    """The sweep page at an address."""
    at = AppTest.from_function(_shell, default_timeout=60)
    at.switch_page(page_files.SWEEP)
    return _opened(at, query)


def open_subject(**query: str | list[str]) -> AppTest:
    """The subject page at an address."""
    at = AppTest.from_function(_shell, default_timeout=60)
    at.switch_page(page_files.SUBJECT)
    return _opened(at, query)


def _opened(at: AppTest, query: dict[str, Any]) -> AppTest:
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def texts(at: AppTest) -> str:
    """Everything that is said on the page, as it is read."""
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.success, at.subheader, at.code)
    return as_read(" ".join(str(element.value) for kind in kinds for element in kind))


def viewed(at: AppTest) -> dict[str, Any]:
    """What the picture viewer was given; empty where there is none."""
    found = [element.proto for element in at.get("bidi_component")]
    return next((json.loads(proto.json) for proto in found if proto.component_name == "bgen_picture_viewer"), {})


def images(at: AppTest) -> list[dict[str, str | None]]:
    """Attributes of the pictures that are drawn as HTML."""
    found: list[dict[str, str | None]] = []

    class Images(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "img":
                found.append(dict(attrs))

    for element in at.get("html"):
        Images().feed(element.proto.body)
    return found


def seeds(at: AppTest) -> list[int]:
    """The seeds of the table's rows, which name the runs."""
    return [int(seed) for seed in at.dataframe[0].value["seed"].tolist()]


def tables(at: AppTest) -> list[dict[str, list[str]]]:
    """Row -> values, as text, of each small table."""
    return [
        {str(name): [str(value) for value in row] for name, row in table.value.T.to_dict("list").items()}
        for table in at.table
    ]


def button(at: AppTest, label: str) -> Any:
    return next(each for each in at.button if each.label == label)


def address(at: AppTest) -> dict[str, Any]:
    """What the address says beside the shape of the list."""
    return {name: value for name, value in dict(at.query_params).items() if name != "list"}


def has_button(at: AppTest, label: str) -> bool:
    return any(each.label == label for each in at.button)


def as_read(markdown: str) -> str:
    """Markdown without what keeps a text from being interpreted."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown).replace("\u2060", "")
