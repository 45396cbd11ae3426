"""A proof of who somebody is: a request to STS for its own identity, signed by them, sent by somebody else.

Signature Version 4 covers the headers, so what the signer says in one of them is theirs. STS takes such a request for
15 minutes, in the region that it was signed for. Nothing else can be done with it: the secret key is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest

from drcore.calls.aws import Aws
from drcore.errors import BadInput

_FORM = "application/x-www-form-urlencoded; charset=utf-8"
_BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
_PASSED_ON = {"authorization", "content-type", "x-amz-date", "x-amz-security-token"}  # beside what the signer says


def sign(aws: Aws, region: str, says: Mapping[str, str], at: datetime) -> dict[str, str]:
    """The headers of a request for one's identity, with what one says in it. Raises Unknown, Rejected.

    `at` is the time of whoever is asked, where botocore's `add_auth` would take that of this machine.
    """
    url, keys = aws.signs_with(region)
    stamp = at.astimezone(UTC).strftime(SIGV4_TIMESTAMP)
    request = AWSRequest("POST", f"{url.rstrip('/')}/", headers={"Content-Type": _FORM, **says}, data=_BODY)
    request.context["timestamp"] = request.headers["X-Amz-Date"] = stamp
    if keys.token:
        request.headers["X-Amz-Security-Token"] = keys.token
    auth = SigV4Auth(keys, "sts", region)
    names = auth.signed_headers(auth.headers_to_sign(request))
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    authorization = f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, SignedHeaders={names}, Signature={signature}"
    return {name.lower(): value for name, value in request.headers.items()} | {"authorization": authorization}


def header(headers: Mapping[str, str], name: str) -> str:
    """What the signer says in a header. Raises BadInput where the signature does not cover it."""
    covered = headers.get("authorization", "").partition("SignedHeaders=")[2].partition(",")[0].split(";")
    if name.lower() not in covered or name.lower() not in headers:
        raise BadInput(f"{name}: expected a header that is signed, seen {', '.join(covered)}")
    return headers[name.lower()]


def signed_at(headers: Mapping[str, str]) -> datetime:
    """When it was signed, as the signer says. Raises BadInput."""
    text = header(headers, "x-amz-date")
    try:
        return datetime.strptime(text, SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise BadInput(f"x-amz-date: expected a time such as 20260105T094112Z, seen {text!r}") from error


def signer(aws: Aws, region: str, headers: Mapping[str, str]) -> tuple[str, str]:
    """The ARN and the account of whoever has signed it, by STS. Raises Rejected where it does not take it, Unknown.

    Only what belongs to such a request is sent: nobody makes this run send another one.
    """
    sent = {name: value for name, value in headers.items() if name in _PASSED_ON or name.startswith("x-drcore-")}
    answer = aws.pass_on(region, sent, _BODY)
    return answer["Arn"], answer["Account"]
