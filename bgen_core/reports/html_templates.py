"""HTML from Jinja2 templates that lie beside the modules which fill them."""

from pathlib import Path

import jinja2


def templates_in(folder: Path) -> jinja2.Environment:
    """The templates of a folder and of those in it.

    Every text is escaped unless a template says otherwise, and a name that a template was not given is an error.
    """
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
