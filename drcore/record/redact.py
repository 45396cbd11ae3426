"""Taking secrets out of every text before it is written.

A secret is known by its value (resolved from a reference, or found in an environment variable whose name says so)
or by its form (access keys, bearer tokens, private keys). There is one redactor a run, and the record is written
through it: nothing else has to remember.
"""

from __future__ import annotations

import base64
import html
import json
import math
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus

HIDDEN = "[redacted]"

_SECRET_NAME = re.compile(r"(SECRET|TOKEN|PASSWORD|PASSWD|API_?KEY|PRIVATE_?KEY|CREDENTIAL)", re.IGNORECASE)
_LEAST = 6  # a shorter value would blot out ordinary words

_FORMS = re.compile(
    r"""
      \b(?:AKIA|ASIA)[A-Z0-9]{16}\b                                  # AWS access key ids
    | (?<![\w-])eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}                 # JSON web tokens
    | -----BEGIN[ A-Z]*PRIVATE\ KEY-----.*?(?:-----END[ A-Z]*PRIVATE\ KEY-----|\Z)  # cut off: all that is left of it
    | (?<=:\/\/)[^\/\s:@]+:[^\/\s@]+(?=@)                             # user:password in an address
    | (?<=\bBearer\ )[\w.~+\/-]{20,}=*                                # bearer tokens
    """,
    re.VERBOSE | re.DOTALL,
)
# Without one of these texts no form can match. To look for a text costs a twentieth of what the expression costs.
_IN_FORMS = ("AKIA", "ASIA", "eyJ", "-----BEGIN", "://", "Bearer ")

# Names whose values are secrets; each _ may be left out. `refresh-token` is none: so plan D calls what asks for one.
_NAMES = (
    *("secret_access_key", "secret_string", "session_token", "password", "passwd", "api_key", "api-key"),
    *("client_secret", "access_token", "refresh_token", "authorization"),
)
_ANY_NAME = rf"(?:(?:aws_?)?(?:{'|'.join(name.replace('_', '_?') for name in _NAMES)}))"
_NAMED = re.compile(
    rf"""({_ANY_NAME}[\\"']*\s*[:=]\s*[\\"']*(?:(?:bearer|oauth|basic)\s+)?)
         (?!bearer\s)((?:(?!\\["'])[^\s"',;&<>{{}}\[\]]){{6,}})""",
    re.IGNORECASE | re.VERBOSE,
)
_NAME = re.compile(_ANY_NAME, re.IGNORECASE)
_IN_NAMED = tuple(re.sub("[_-]", "", name) for name in _NAMES)


# Of what is kept: texts up to so many characters, so many of them.
_SHORT, _MANY = 64, 10_000


class Redactor:
    """Replaces every known or recognisable secret by `[redacted]`."""

    def __init__(
        self, secrets: Iterable[str] = (), environment: Mapping[str, str] = os.environ, facts: object = None
    ) -> None:
        """`facts` is plain data that holds no secret (what the files of parameters say).

        A variable whose name means a secret, and whose value stands there in full (`SECRETS_REGION=us-east-1`), is
        none: otherwise the facts would be read back as something else than they are.
        """
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        # What was redacted already: a journal has few names and short words, each on thousands of lines.
        self._short: dict[str, str] = {}
        named = [value for name, value in environment.items() if _SECRET_NAME.search(name)]
        public = "\n".join(_texts(facts)) if named else ""
        self.add(*secrets, *(value for value in named if not _points_at(value) and value not in public))

    def add(self, *secrets: str) -> None:
        """Learn values that must never be written, in every spelling in which they could turn up."""
        for secret in secrets:
            if len(secret) >= _LEAST:
                self._known |= set(_spellings(secret))
        self._short.clear()
        longest_first = sorted(self._known, key=lambda known: (-len(known), known))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        """The text without its secrets."""
        if self._pattern and any(known in text for known in self._known):
            text = self._pattern.sub(HIDDEN, text)
        if any(part in text for part in _IN_FORMS):
            text = _FORMS.sub(HIDDEN, text)
        joined = text.lower().replace("_", "").replace("-", "")
        # Beyond ASCII the expression takes more letters for the same than `lower` does (a dotless i, a long s).
        if not text.isascii() or any(name in joined for name in _IN_NAMED):
            text = _NAMED.sub(lambda match: match[1] + HIDDEN, text)
        return text

    def data(self, value: object) -> object:
        """The same for plain data (what JSON can hold): every string in it, keys included.

        A string under a name that means a secret is hidden whatever it is.
        """
        if isinstance(value, str):
            return self._word(value)
        if isinstance(value, Mapping):
            return {self._word(str(key)): self._named(str(key), inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(inner) for inner in value]
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)  # JSON has no such number, and a journal line must never fail for its content
        return value

    def _word(self, text: str) -> str:
        if len(text) > _SHORT:
            return self(text)
        if text not in self._short:
            if len(self._short) >= _MANY:
                self._short.clear()
            self._short[text] = self(text)
        return self._short[text]

    def _named(self, name: str, value: object) -> object:
        if isinstance(value, str) and value and _NAME.fullmatch(name):
            return HIDDEN
        return self.data(value)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _points_at(value: str) -> bool:
    """Whether a value only says where a secret lies: an address, or a path that exists."""
    # Path.exists raises for a value that is longer than a path may be; a secret can be.
    return value.startswith(("http://", "https://")) or (value.startswith("/") and os.path.exists(value))  # noqa: PTH110


def _spellings(secret: str) -> Iterable[str]:
    yield from (secret, secret.replace('"', '""'), shlex.quote(f" {secret}")[2:-1])  # as it is, in CSV, in a command
    for in_json in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        # and in a JSON text within JSON
        yield from (in_json, json.dumps(in_json)[1:-1], json.dumps(in_json, ensure_ascii=False)[1:-1])
    yield from (repr(secret)[1:-1], repr(f"\"'{secret}")[4:-1])  # the second: in a text that holds both quotes
    in_html = html.escape(secret, quote=False)
    for quoted, single in (('"', "'"), ("&quot;", "&#x27;"), ("&#34;", "&#39;"), ("&quot;", "'")):
        yield in_html.replace('"', quoted).replace("'", single)  # as html, as Jinja, as Markdown write them
    for safe in ("", "/"):
        yield from (quote(secret, safe), quote_plus(secret, safe))
    yield base64.b64encode(secret.encode()).decode().rstrip("=")
    yield from _in_base64(secret.encode())


def _in_base64(secret: bytes) -> Iterator[str]:
    """The characters that a secret alone decides, wherever it stands in what was encoded."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret).decode().rstrip("=")
        whole = len(encoded) - ((before + len(secret)) % 3 != 0)  # the last character may hold bits of what follows
        inner = encoded[(0, 2, 3)[before] : whole]
        yield from (inner, inner.translate(str.maketrans("+/", "-_")))
