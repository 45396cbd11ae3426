"""SyncWell's releases: real zips, whose code does what its digest stands for.

A behaviour is looked up by the CodeSha256 of the version that runs. 2026.01.2 exists in two builds, one for
each way in which a release can be bad: `crashing` fails outright, `wrong` answers, slowly and wrongly.
"""

import base64
import functools
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime

from drcore.sandbox.syncwell.company.names import FUNCTIONS

OLDER, STABLE, CANDIDATE = "2025.12.3", "2026.01.1", "2026.01.2"
HOTFIX = "2026.01.1-h1"
RELEASED = {
    OLDER: datetime(2025, 12, 9, 10, 40, tzinfo=UTC),
    STABLE: datetime(2025, 12, 18, 14, 5, tzinfo=UTC),
}
"""When the releases of the past went live."""

PREVIEW_FORMS = {CANDIDATE: 2}
"""The form in which a release's API definition sends previews, and the newest that its code knows; else 1."""

VERSIONS = {
    "us-east-1": {"syncwell-api": 41, "syncwell-worker": 29, "syncwell-webhook": 18},
    "us-west-2": {"syncwell-api": 37, "syncwell-worker": 26, "syncwell-webhook": 18},
}
"""The version of each function that STABLE is; OLDER is one less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What code does with requests; shares are 0 to 1, times milliseconds."""

    release: str
    function: str
    median: float
    errors: float = 0.0001
    """Unhandled: Lambda counts an error, API Gateway answers 502."""
    refused: float = 0.0
    """Handled: the function answers 500 itself, and Lambda counts no error."""
    slow: float = 0.0
    slow_median: float = 1.0
    spread: float = 0.42
    """Sigma of the log-normal times."""
    preview_right: bool = True
    bad: bool = False


_MEDIANS = {"syncwell-api": 85.0, "syncwell-worker": 420.0, "syncwell-webhook": 60.0}


def _sound(release: str) -> dict[str, Behaviour]:
    return {
        name: Behaviour(release=release, function=name, median=median, refused=0.0004)
        for name, median in _MEDIANS.items()
    }


def _builds() -> dict[tuple[str, str], dict[str, Behaviour]]:
    """Behaviour by (release, build) and function."""

    def bad(function: str, **more: float | bool) -> Behaviour:
        return Behaviour(
            release=CANDIDATE,
            function=function,
            median=_MEDIANS[function],
            bad=True,
            errors=float(more.get("errors", 0.0001)),
            refused=float(more.get("refused", 0.0004)),
            slow=float(more.get("slow", 0.0)),
            slow_median=float(more.get("slow_median", 1.0)),
            preview_right=bool(more.get("preview_right", True)),
        )

    return {
        (OLDER, "main"): _sound(OLDER),
        (STABLE, "main"): _sound(STABLE),
        (HOTFIX, "main"): _sound(HOTFIX),
        (CANDIDATE, "crashing"): {
            "syncwell-api": bad("syncwell-api", errors=0.08),
            "syncwell-worker": bad("syncwell-worker", errors=0.08),
            "syncwell-webhook": bad("syncwell-webhook"),
        },
        # Slow requests are few enough that a tenth of the traffic does not move p99, and the refusals are no
        # Lambda errors: this is how it passes its canary.
        (CANDIDATE, "wrong"): {
            "syncwell-api": bad("syncwell-api", refused=0.04, slow=0.04, slow_median=1500.0, preview_right=False),
            "syncwell-worker": bad("syncwell-worker", slow=0.03, slow_median=4000.0),
            "syncwell-webhook": bad("syncwell-webhook"),
        },
    }


BUILDS = _builds()


@functools.cache
def package(release: str, build: str, function: str) -> bytes:
    """The zip that is deployed: the same bytes each time."""
    manifest = json.dumps({"release": release, "build": build, "function": function}, sort_keys=True)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in (("handler.py", _HANDLER), ("release.json", manifest)):
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


@functools.cache
def digest(release: str, build: str, function: str) -> str:
    """CodeSha256 of the package, as Lambda shows it."""
    return base64.b64encode(hashlib.sha256(package(release, build, function)).digest()).decode()


@functools.cache
def _known() -> dict[str, Behaviour]:
    return {
        digest(release, build, function): BUILDS[release, build][function]
        for release, build in BUILDS
        for function in FUNCTIONS
    }


def behaviour(sha256: str, function: str) -> Behaviour:
    """What the code with this CodeSha256 does; code that nobody knows fails every request."""
    unknown = Behaviour(release="unknown", function=function, median=5.0, errors=1.0, preview_right=False)
    return _known().get(sha256, unknown)


_HANDLER = '''"""Entry point of one SyncWell function."""

import json
import pathlib

RELEASE = json.loads(pathlib.Path(__file__).with_name("release.json").read_text())


def handle(event, context):
    return {"statusCode": 200, "body": json.dumps(RELEASE)}
'''
