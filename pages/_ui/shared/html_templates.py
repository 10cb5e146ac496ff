"""The pages' own HTML: Jinja2 templates that lie beside the modules which fill them."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

from bgen_core.reports.html_templates import templates_in
from pages._ui.app.sub_path import sub_path


def render(template: str, /, **values: object) -> str:
    """A template, named by its path below pages/_ui, with these values; texts in it are escaped."""
    return _templates().get_template(template).render(values)


@lru_cache(maxsize=1)
def _templates() -> jinja2.Environment:
    templates = templates_in(Path(__file__).parents[1])
    named: dict[str, Any] = templates.globals
    named["sub_path"] = sub_path
    return templates
