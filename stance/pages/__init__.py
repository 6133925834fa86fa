"""The HTML templates: self-contained pages without script or network; every value is escaped."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def template(name: str) -> Template:
    """The template of that file name.

    Example:
        >>> "<script>" in template("table.html").render(rows=[], labels=[])
        False
    """
    from jinja2 import Environment, PackageLoader

    return Environment(loader=PackageLoader("stance", "pages"), autoescape=True).get_template(name)
