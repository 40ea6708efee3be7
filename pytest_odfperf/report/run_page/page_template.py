"""Jinja2 templates of the page, with all texts escaped, and its own files."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

#: What HTML has no place for: it would be dropped, or another character be put there. And what turns the
#: direction of all that stands behind it, also of what is not of its text.
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@cache
def asset(name: str) -> str:
    """A file of this package's ``assets``, by room and name."""
    return (resources.files(__package__) / "assets" / name).read_text("utf-8")


def render_template(name: str, **content: Any) -> str:
    """A template with ``content``: texts are escaped, `Markup` is not."""
    return _environment().get_template(name).render(**content)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(lambda name: asset(f"templates/{name}")),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _finalized(value: Any) -> Any:
    from markupsafe import Markup

    if isinstance(value, str) and not isinstance(value, Markup):
        return shown(value)
    return value


def shown(text: str) -> str:
    """``text`` without what is no text in HTML: each such character is shown as one that is missing."""
    return _NO_TEXT.sub("\ufffd", text)


def render_markup(name: str, **content: Any) -> Markup:
    """As `render_template`, for the inside of a page."""
    from markupsafe import Markup

    return Markup(render_template(name, **content))  # noqa: S704 - escaped by the template
