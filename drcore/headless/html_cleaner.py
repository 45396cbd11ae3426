"""What untrusted HTML may keep on an archived page: nothing that runs, nothing that is fetched."""

from __future__ import annotations

import re
from functools import lru_cache

from bleach.css_sanitizer import CSSSanitizer  # type: ignore[import-untyped]
from bleach.sanitizer import Cleaner  # type: ignore[import-untyped]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# No svg and no math, whose contents a browser parses by other rules: a figure is an image (drcore.headless.page).
# No style, title, noscript or iframe, whose contents are not parsed as HTML at all.
_TAGS = _names(
    """a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3
    h4 h5 h6 hr i img ins kbd li mark ol p pre s samp section small span strong sub summary sup table tbody td
    tfoot th thead tr u ul var"""
)
_ANYWHERE = _names("id class style title lang dir role aria-label aria-hidden")
_OF_A_TAG = {
    "a": _names("href"),
    "details": _names("open"),
    "img": _names("alt src width height"),
    "ol": _names("start"),
    "td": _names("colspan rowspan align"),
    "th": _names("colspan rowspan align scope"),
}
# No position and no z-index: nothing may lie over what drcore says.
_STYLES = _names(
    """align-items background background-color border border-bottom border-bottom-color border-collapse
    border-color border-left border-left-color border-radius border-right border-right-color border-spacing
    border-style border-top border-top-color border-width color column-gap cursor display flex flex-direction
    flex-wrap font font-family font-size font-style font-variant-numeric font-weight gap grid-template-columns
    height justify-content letter-spacing line-height list-style list-style-type margin margin-bottom
    margin-left margin-right margin-top max-height max-width min-width opacity overflow overflow-wrap
    overflow-x overflow-y padding padding-bottom padding-left padding-right padding-top row-gap stroke
    stroke-width text-align text-decoration text-indent text-transform vertical-align white-space width
    word-break"""
)
_FETCHES = re.compile(r"url|image|src|\\", re.IGNORECASE)  # a backslash could spell any of them otherwise


def sanitised(markup: str) -> str:
    """The markup with harmless tags, attributes, styles only; the text of what is dropped stays, as text."""
    return str(_CLEANER.clean(markup))


class _Styles(CSSSanitizer):  # type: ignore[misc]
    def sanitize_css(self, style: str) -> str:
        return _style(style)


@lru_cache(maxsize=1024)  # a thousand elements of a page share a few dozen styles
def _style(style: str) -> str:
    return "" if _FETCHES.search(style) else str(CSSSanitizer.sanitize_css(_STYLE_CLEANER, style))


def _allowed(tag: str, name: str, value: str) -> bool:
    match tag, name:
        case "img", "src":
            return re.match(r"data:image/(png|jpeg|gif|svg\+xml);base64,", value) is not None
        case "a", "href":
            return not value.strip().lower().startswith("data")
    return name in _ANYWHERE or name in _OF_A_TAG.get(tag, ())


_STYLE_CLEANER = _Styles(allowed_css_properties=_STYLES)
_CLEANER = Cleaner(
    tags=_TAGS,
    attributes=_allowed,
    protocols=_names("http https mailto data"),
    strip=True,
    strip_comments=True,
    css_sanitizer=_STYLE_CLEANER,
)
