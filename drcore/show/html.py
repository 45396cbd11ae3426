"""The HTML of the cards: templates, their styles inline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from drcore.clock import iso
from drcore.show import alt_text, states, values, wording

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"
_RULE = re.compile(r"\.(dr-[\w-]+)\s*\{([^}]*)\}")
_LONGEST = 24  # characters of a word that a narrow column still has room for
_CLASSES = re.compile(r'class="([^"]*)"')


def render(template: str, **values: object) -> str:
    """A template as HTML, everything in it escaped.

    Styles go into each element: JupyterLab and the page of a record keep those, and drop a style sheet. Only
    the templates can hold a class, as quotes in what they are given are escaped.
    """
    text = _environment().get_template(f"{template}.html.j2").render(**values)
    return _CLASSES.sub(lambda match: f'class="{match[1]}" style="{_style(match[1])}"', text).strip()


def document(template: str, **values: object) -> str:
    """A template that is a whole page with a style sheet of its own, everything that it is given escaped."""
    return _environment().get_template(f"{template}.html.j2").render(**values)


def sheet() -> str:
    """The styles of the cards as a style sheet, for pages that can have one."""
    return (_TEMPLATES / "show.css").read_text(encoding="utf-8")


def rules(css: str) -> Iterator[tuple[str, str]]:
    """The classes of cards in a style sheet, each with its declarations on one line."""
    return ((name, " ".join(body.split())) for name, body in _RULE.findall(css))


@cache
def _style(classes: str) -> str:
    return " ".join(_rules()[name] for name in classes.split())


@cache
def _rules() -> dict[str, str]:
    return {name: body.replace('"', "'") for name, body in rules(sheet())}


def _whole(text: str) -> str:
    """The class of a cell whose words are never broken: none is long enough to push a table out of its page."""
    return " dr-whole" if max(map(len, text.split()), default=0) <= _LONGEST else ""


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "named": wording.named,
        "duration": wording.duration,
        "at": wording.at,
        "day": wording.day,
        "minutes": alt_text.clock_minutes,
        "iso": iso,
        "plain": values.plain,
        "changed": states.changed,
        "because": wording.because,
        "whole": _whole,
    }
    environment.globals |= {"ANSWERS": wording.ANSWERS}
    return environment
