"""Signature Version 4 of a request that one has signed, another sends: checked for real, with its age.

Simplified: any other request is believed by its access key, as the SDKs sign with the time of the wall, which is not
the world's. One is taken for passed on where the signature covers a header that no SDK sends.
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

from drcore.sandbox.protocol.exchange import Request
from drcore.sandbox.protocol.messages import AwsError

_OF_SDKS = {"host", "content-type", "content-md5", "content-length", "expect", "user-agent"}
_AGE = timedelta(minutes=15)
_TIME = "%Y%m%dT%H%M%SZ"


def _parts(request: Request) -> dict[str, str]:
    """Credential, SignedHeaders, Signature of a request; empty for one that is not signed so."""
    kind, _, rest = request.headers.get("Authorization", "").partition(" ")
    pairs = (part.strip().partition("=") for part in rest.split(",")) if kind == "AWS4-HMAC-SHA256" else ()
    return {name: value for name, _, value in pairs}


def is_passed_on(request: Request) -> bool:
    """Whether its signature covers what no SDK sends: somebody says something by it, to whoever sends it on."""
    signed = _parts(request).get("SignedHeaders", "").split(";")
    return any(name and name not in _OF_SDKS and not name.startswith(("x-amz-", "amz-sdk-")) for name in signed)


def check(request: Request, secret: str, now: datetime) -> None:
    """Raises AwsError where the signature is not that of the secret, or older than a quarter of an hour."""
    parts = _parts(request)
    names = parts.get("SignedHeaders", "").split(";")
    stamp = request.headers.get("X-Amz-Date", "")
    try:
        _, day, region, service, _ = parts["Credential"].split("/")
        signed = datetime.strptime(stamp, _TIME).replace(tzinfo=UTC)
        lines = [f"{name}:{' '.join(request.headers[name].split())}\n" for name in names]
    except (KeyError, ValueError):
        raise AwsError("IncompleteSignature", "The request signature does not conform to AWS standards", 403) from None
    query = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(parse_qsl(request.query, keep_blank_values=True))
    )
    payload = hashlib.sha256(request.body).hexdigest()
    canonical = "\n".join([request.method, request.path, query, "".join(lines), ";".join(names), payload])
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    right = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    if not secret or {"host", "x-amz-date"} - set(names) or not hmac.compare_digest(right, parts.get("Signature", "")):
        why = "The request signature we calculated does not match the signature you provided."
        raise AwsError("SignatureDoesNotMatch", why, 403)
    if abs(now - signed) > _AGE or not stamp.startswith(day):
        earliest = (now - _AGE).strftime(_TIME)
        why = f"Signature expired: {stamp} is now earlier than {earliest} ({now.strftime(_TIME)} - 15 min.)"
        raise AwsError("SignatureDoesNotMatch", why, 403)
