"""The notebook format, loaded without the second that its unused parsers cost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

# nbformat imports jsonschema, which imports rfc3987_syntax, which builds 35 grammars for the formats "iri"
# and "iri-reference". No notebook schema has them, and jsonschema does without when the package is absent.
# So it is declared absent for the length of this one import; whoever wants it afterwards gets it.
_LOADED = "rfc3987_syntax" in sys.modules
if not _LOADED:
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
try:
    import nbformat
finally:
    if not _LOADED:
        del sys.modules["rfc3987_syntax"]

__all__ = ["as_text", "nbformat", "redacted"]


def redacted(notebook: nbformat.NotebookNode, redact: Callable[[str], str]) -> nbformat.NotebookNode:
    """A copy with every string redacted, keys too.

    Strings are redacted before they are dumped or rendered: an escaped quote or `&amp;` cannot hide a secret.
    """
    copy: nbformat.NotebookNode = _redacted(notebook, redact)
    return copy


def as_text(notebook: nbformat.NotebookNode) -> bytes:
    """The notebook as its file's content, not validated (once a second is too often for that).

    A lone surrogate in an output, which UTF-8 cannot hold, is written as its JSON escape.
    """
    text: str = nbformat.v4.writes(notebook)
    return (text + "\n").encode("utf-8", errors="backslashreplace")


def _redacted(node: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(node, str):
        return redact(node)
    if isinstance(node, Mapping):
        pairs = {redact(key): _redacted(value, redact) for key, value in node.items()}
        return nbformat.NotebookNode(pairs)
    if isinstance(node, list | tuple):
        return [_redacted(value, redact) for value in node]
    return node
