"""What untrusted HTML may keep on an archived page: nothing that runs, nothing that is fetched."""

from __future__ import annotations

import re

import nh3


def _names(text: str) -> set[str]:
    return set(text.split())


# No svg and no math, whose contents a browser parses by other rules: a figure is an image (drcore.headless.page).
# No style, title, noscript or iframe, whose contents are not parsed as HTML at all.
_TAGS = _names(
    """a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3
    h4 h5 h6 hr i img ins kbd li mark ol p pre s samp section small span strong sub summary sup table tbody td
    tfoot th thead tr u ul var"""
)
_ATTRIBUTES = {
    "*": _names("id class style title lang dir role aria-label aria-hidden"),
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
_FIGURE = re.compile(r"data:image/(png|jpeg|gif|svg\+xml);base64,")


def sanitised(markup: str) -> str:
    """The markup with harmless tags, attributes, styles only; the text of what is dropped stays, as text."""
    return _CLEANER.clean(markup)


def _allowed(tag: str, name: str, value: str) -> str | None:
    """An attribute's value, None where it must go; the names and schemes have been looked at by then."""
    match tag, name:
        case _, "style":
            return None if _FETCHES.search(value) else value
        case "img", "src":
            return value if _FIGURE.match(value) else None
        case "a", "href":
            return None if value.strip().lower().startswith("data") else value
    return value


_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=set(),
    attributes=_ATTRIBUTES,
    attribute_filter=_allowed,
    filter_style_properties=_STYLES,
    url_schemes={"http", "https", "mailto", "data"},
    link_rel=None,
)
