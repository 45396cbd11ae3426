"""What is displayed in a notebook carries its alternative text and no secret; outside one nothing is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from drcore import show
from tests.support import show_samples as sample


@contextmanager
def in_ipython() -> Iterator[list[dict[str, Any]]]:
    """What IPython would display, caught."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    InteractiveShell.instance()
    caught: list[dict[str, Any]] = []
    try:
        with capture_output() as captured:
            yield caught
        caught += [{"data": each.data, "metadata": each.metadata} for each in captured.outputs]
    finally:
        InteractiveShell.clear_instance()


def test_displayed_charts_should_carry_their_alt_text_and_no_secret() -> None:
    secret = replace(sample.chart(panels=("hunter22",)), title="Errors of hunter22")
    with in_ipython() as caught:
        show.display_chart(secret, lambda text: text.replace("hunter22", "[redacted]"))
        show.display("<b>bold\x1b[31m</b>", "bold\x1b[31m\nnext")
    chart, card = caught
    assert chart["metadata"]["image/png"]["alt"].startswith("Errors of [redacted]. errors, %")
    assert chart["data"]["text/plain"].splitlines()[0] == "Errors of [redacted]"
    assert "hunter22" not in str(chart)
    clean = replace(secret, title="Errors of x", series=tuple(replace(each, panel="x") for each in secret.series))
    with in_ipython():
        assert show.display_chart(secret, lambda text: text.replace("hunter22", "x")) == show.png(clean)
    assert card["data"] == {"text/html": "<b>bold [31m</b>", "text/plain": "bold [31m\nnext"}


def test_outside_ipython_nothing_should_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show.display("<b>x</b>", "x")
    show.display_chart(sample.chart())
    assert capsys.readouterr().out == ""


def test_importing_it_should_not_import_what_draws() -> None:
    code = (
        "import sys, drcore.show; print([m for m in ('matplotlib', 'IPython', 'jinja2', 'pandas') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
