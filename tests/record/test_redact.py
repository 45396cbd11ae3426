"""No secret gets into what is written, however it is spelled; ordinary words do."""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from drcore.record.redact import HIDDEN, Redactor
from tests.support.exhaustive import EXHAUSTIVE

# Made up at run time, so that no scanner of this repository takes them for real ones.
KEY_ID = "AKIA" + "IOSFODNN7EXAMPLE"
JWT = ".".join(["eyJ" + "hbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"])
PEM = "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEpAIBAAKCAQEA7\nbq+/=\n-----END RSA PRIVATE " + "KEY-----"


def redactor(*secrets: str) -> Redactor:
    return Redactor(secrets, {})


def _csv(text: str) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([text, 'a "quoted" cell'])
    return out.getvalue()


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda s: f"before {s} after",
    "glued": lambda s: f"x{s}y",
    "JSON": lambda s: json.dumps({"x": s}),
    "JSON, unicode kept": lambda s: json.dumps({"x": s}, ensure_ascii=False),
    "JSON in JSON": lambda s: json.dumps({"message": json.dumps({"x": s})}),
    "JSON in JSON, unicode kept": lambda s: json.dumps([json.dumps([s], ensure_ascii=False)], ensure_ascii=False),
    "HTML": lambda s: f"<td>{html.escape(s)}</td>",
    "HTML text": lambda s: f"<td>{html.escape(s, quote=False)}</td>",
    "URL": lambda s: f"https://x.test/{quote(s)}?q=1",
    "URL, all": lambda s: f"https://x.test/?q={quote(s, safe='')}",
    "form": lambda s: f"q={quote_plus(s)}&r=1",
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64, one before": lambda s: base64.b64encode(f"a{s}".encode()).decode(),
    "base64, two around": lambda s: base64.b64encode(f"ab{s}cd".encode()).decode(),
    "base64 of basic credentials": lambda s: base64.b64encode(f"user:{s}".encode()).decode(),
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(f"user:{s}!".encode()).decode(),
    "repr": repr,
    "repr of a dictionary": lambda s: repr({"x": s}),
    "repr with both quotes": lambda s: repr(f'it\'s "{s}"'),
    "shell": lambda s: shlex.join(["curl", "-H", f"X: {s}"]),
    "CSV": _csv,
}

# Whatever a password generator may give: punctuation, quotes, backslashes, letters of any script, spaces inside.
SECRETS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=("C", "Z")), min_size=8, max_size=40
).filter(lambda secret: len(set(secret)) > 4 and HIDDEN not in secret and secret not in HIDDEN)


@pytest.mark.parametrize("name", SPELLINGS)
@settings(max_examples=100 if EXHAUSTIVE else 25)
@given(SECRETS)
@example("/starts/with+slash==")
@example('it\'s "quoted" \\ & <é>')
@example("https://hooks.test/T00/B00/XXXX")
def test_a_planted_secret_should_never_survive(name: str, secret: str) -> None:
    text = SPELLINGS[name](secret)
    hidden = redactor(secret)(text)
    assert HIDDEN in hidden
    hidden = hidden.replace(HIDDEN, "\0")  # a secret may be a part of that word
    in_a_command = shlex.quote(f" {secret}")[2:-1]
    for spelled in (secret, html.escape(secret), quote(secret), json.dumps(secret)[1:-1], in_a_command):
        assert spelled not in hidden
    core = base64.b64encode(secret.encode()[: len(secret.encode()) // 3 * 3]).decode()
    assert core not in hidden


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(data=NESTED, secret=SECRETS, place=st.sampled_from(["value", "key", "list", "tuple", "deep", "text"]))
def test_a_secret_in_data_should_be_found_wherever_it_is(data: object, secret: str, place: str) -> None:
    held: object = {
        "value": {"a": secret, "rest": data},
        "key": {secret: data},
        "list": [data, secret],
        "tuple": (data, (secret,)),
        "deep": {"a": [{"b": {"c": [f"x {secret} y"]}}, data]},
        "text": json.dumps({"a": [secret, data]}),
    }[place]
    text = json.dumps(redactor(secret).data(held), ensure_ascii=False)
    assert HIDDEN in text
    assert secret not in text and json.dumps(secret, ensure_ascii=False)[1:-1] not in text


@given(data=NESTED)
def test_data_without_a_secret_should_stay_as_it_is(data: object) -> None:
    assert redactor("not-in-there-at-all").data(data) == data


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"id {KEY_ID}.", f"id {HIDDEN}."),
        ("ASIA" + "IOSFODNN7EXAMPLE", HIDDEN),
        (f"jwt={JWT};", f"jwt={HIDDEN};"),
        (f"a\n{PEM}\nb", f"a\n{HIDDEN}\nb"),
        (f"cut off: {PEM[:60]}", f"cut off: {HIDDEN}"),
        ("postgres://app:hunter2@db.test/x", f"postgres://{HIDDEN}@db.test/x"),
        ("postgres://app:hun:ter2@db.test/x", f"postgres://{HIDDEN}@db.test/x"),
        ("Authorization: OAuth 0123456789abcdef", f"Authorization: OAuth {HIDDEN}"),
        ("authorization=Bearer abc.def-ghi_jkl", f"authorization=Bearer {HIDDEN}"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz'}", f"{{'Authorization': 'Basic {HIDDEN}'}}"),
        ("sent Bearer 0123456789abcdefghijkl", f"sent Bearer {HIDDEN}"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", f"AWS_SECRET_ACCESS_KEY={HIDDEN}"),
        ('"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG"', f'"SecretAccessKey": "{HIDDEN}"'),
        ('{"SessionToken": "FwoGZXIvYXdzEBY"}', f'{{"SessionToken": "{HIDDEN}"}}'),
        ('{"SecretString": "correct-horse"}', f'{{"SecretString": "{HIDDEN}"}}'),
        (r"{\"password\": \"hunter22\"}", rf"{{\"password\": \"{HIDDEN}\"}}"),
        ("password = hunter22, user = app", f"password = {HIDDEN}, user = app"),
        ("api-key: abcdef123", f"api-key: {HIDDEN}"),
        ("\N{LATIN SMALL LETTER LONG S}ecret_String=abcdef123", f"\N{LATIN SMALL LETTER LONG S}ecret_String={HIDDEN}"),
        ("ap\N{LATIN SMALL LETTER DOTLESS I}_key=abcdef123", f"ap\N{LATIN SMALL LETTER DOTLESS I}_key={HIDDEN}"),
        ("https://x.test/?access_token=abcdef123&n=1", f"https://x.test/?access_token={HIDDEN}&n=1"),
    ],
)
def test_a_secret_should_be_known_by_its_form(text: str, left: str) -> None:
    assert redactor()(text) == left
    assert redactor()(left) == left, "twice is the same as once"


@pytest.mark.parametrize(
    "name", ["password", "Authorization", "SecretString", "SecretAccessKey", "api_key", "client_secret"]
)
def test_a_value_under_a_secret_name_should_be_hidden_whatever_it_is(name: str) -> None:
    assert redactor().data({"a": [{name: "x y"}]}) == {"a": [{name: HIDDEN}]}


@pytest.mark.parametrize("path", sorted(Path("parameters").glob("*/*.yaml")), ids=str)
def test_what_the_parameters_say_should_be_read_back_as_it_is(path: Path) -> None:
    """A run reads its facts from its own record: one that was hidden there would keep the plan from being opened."""
    facts = YAML(typ="safe").load(path)
    assert redactor().data(facts) == facts


def test_a_reference_to_a_secret_should_survive() -> None:
    facts = {
        "status_page": {"api_key": {"secret": "aws:syncwell/statuspage-key"}},
        "token": "",
        "password": None,
        "operations": {"refresh-token": "/oauth/token"},
    }
    assert redactor().data(facts) == facts
    assert redactor()(json.dumps(facts)) == json.dumps(facts)


@pytest.mark.parametrize(
    "text",
    [
        "The password was changed, and the token has expired.",
        'WOULD lambda:UpdateAlias {"FunctionName": "syncwell-api", "RevisionId": "5f0f"} in us-east-1',
        "arn:aws:sns:us-east-1:123456789012:syncwell-oncall",
        "http://127.0.0.1:8420/_sandbox/clock and https://x.test:443/path@2",
        "aws sts get-caller-identity --region us-west-2",
        'curl -X GET https://x.test -H "Authorization: OAuth $KEY"',
        "Authorization: OAuth [redacted]",
        "eyJ is how they begin; AKIA too; -----BEGIN CERTIFICATE-----",
        "Bearer tokens are secrets; the bearer of this is on call",
        "2026-01-05T09:41:12.000Z f-drill-20260105T094112Z-3f9a " + "0123456789abcdef" * 4,
    ],
)
def test_ordinary_words_should_survive(text: str) -> None:
    assert redactor("another secret")(text) == text


def test_secrets_of_the_environment_should_be_known_by_their_names() -> None:
    environment = {
        "AWS_SECRET_ACCESS_KEY": "/begins-with-a-slash",
        "GITHUB_TOKEN": "ghp_abcdef",
        "Db_Password": "hunter22",
        "HOME_TOWN": "Springfield",
    }
    hidden = Redactor((), environment)("/begins-with-a-slash ghp_abcdef hunter22 Springfield")
    assert hidden == f"{HIDDEN} {HIDDEN} {HIDDEN} Springfield"


def test_what_only_says_where_a_secret_lies_should_stay(tmp_path: Path) -> None:
    environment = {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path),
        "TOKEN_URL": "https://sts.test/token",
        "MAX_TOKENS": "32000",
        "NO_TOKEN": "",
    }
    text = " ".join(environment.values())
    assert Redactor((), environment)(text) == text


def test_a_secret_learned_later_should_be_hidden_from_then_on() -> None:
    redact = redactor("first-secret")
    assert redact("second-secret") == "second-secret"
    redact.add("second-secret")
    assert redact("first-secret second-secret") == f"{HIDDEN} {HIDDEN}"


def test_a_secret_that_holds_another_should_vanish_whole() -> None:
    assert redactor("abcdef", "abcdefghijkl")("abcdefghijkl abcdef") == f"{HIDDEN} {HIDDEN}"


@pytest.mark.parametrize(
    "piece",
    ["-eyJaaaaaaaaaa", "eyJaaaaaaaaaa.", "-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN A", "http://a:b:", "password ",
     "authorization: bearer ", "Bearer aaaaaaaaaa", "password=\\", "a", "AKIA", " ", '\\"', "A" * 40],
)  # fmt: skip
def test_no_text_should_take_more_time_than_its_length_asks_for(piece: str) -> None:
    """A quadratic pattern takes 16 times as long for four times the text; a linear one about four times."""
    redact = redactor("some secret value")

    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        tries = []
        for _ in range(3):
            began = time.process_time()
            redact(text)
            tries.append(time.process_time() - began)
        return min(tries)

    assert seconds(160_000) < 9 * seconds(40_000) + 0.02
