"""A file that is dropped anywhere on a page: it goes into the page's one field for files, behind a button."""

from streamlit.components.v2 import component

from pages._ui.shared.component_data import component_data
from pages._ui.shared.frontend_source import frontend_source

_file_drop = component(
    "bgen_file_drop",
    html='<div class="notice" hidden></div><div class="notice" role="status" hidden></div>',
    css=frontend_source("file_drop.css"),
    js=frontend_source("in_order.js", "file_drop.js"),
)


def take_dropped_files(*, invitation: str, button: str, field: str, label: str, taken: int, several: str = "") -> None:
    """Hand each file that is dropped on the page to a field.

    Parameters
    ----------
    invitation
        What stands over the page while a file is held above it.
    button, field
        Keys of the popover that holds the field, and of the container around the field.
    label
        The popover's label: what is named where a file could not be handed over.
    taken
        A number that grows with each file that the page has taken.
    several
        What is said of several files that are dropped at once; where it is empty, the first of them is taken.
    """
    places = {"button": f".st-key-{button}", "field": f".st-key-{field}"}
    words = {"invitation": invitation, "label": label, "several": several}
    _file_drop(key="file_drop", data=component_data("file_drop", places | words | {"round": taken}), width="content")
