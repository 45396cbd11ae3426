"""How Apple writes an answer (JSON:API), page by page, or a refusal."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from drcore.sandbox.core.registry import AwsError, HttpCall, JsonReply, refusal
from drcore.sandbox.vendors.appstoreconnect.access import SERVICE, AppStoreKeys

Row = dict[str, Any]
_MOST, _USUAL = 200, 50
_TITLES = {
    400: ("PARAMETER_ERROR.INVALID", "A parameter has an invalid value"),
    401: ("NOT_AUTHORIZED", "Authentication credentials are missing or invalid."),
    403: ("FORBIDDEN_ERROR", "This request is forbidden for security reasons"),
    404: ("NOT_FOUND", "The specified resource does not exist"),
    409: ("STATE_ERROR", "The request cannot be fulfilled because of the state of another resource."),
    422: ("ENTITY_UNPROCESSABLE", "The request entity could not be processed"),
    429: ("RATE_LIMIT_EXCEEDED", "The request rate limit has been reached."),
}


def not_there(kind: str, name: str) -> AwsError:
    """There is no such resource."""
    return AwsError("NOT_FOUND", f"There is no resource of type '{kind}' with id '{name}'", 404)


def state_error(detail: str) -> AwsError:
    """The resource's state, or another's, does not allow it."""
    return AwsError("STATE_ERROR", detail, 409)


def attribute_error(detail: str) -> AwsError:
    """An attribute has a value that it cannot have."""
    return AwsError("ENTITY_ERROR.ATTRIBUTE.INVALID", detail, 409)


def parameter_error(detail: str) -> AwsError:
    """A parameter of the address is wrong."""
    return AwsError("PARAMETER_ERROR.INVALID", detail, 400)


@refusal(SERVICE)
def refused(call: HttpCall, error: AwsError) -> JsonReply:
    """`{"errors": [{"id", "status", "code", "title", "detail"}]}`, with how many calls are left."""
    status = error.status or 400
    usual, title = _TITLES.get(status, ("UNEXPECTED_ERROR", "An unexpected error occurred."))
    code = error.code if error.code.isupper() else usual
    number = call.world.count(SERVICE, "error", "")
    name = f"{call.world.rng('app store error', number).getrandbits(128):032x}"
    document = {"id": name, "status": str(status), "code": code, "title": title, "detail": error.message}
    return JsonReply(status, {"errors": [document]}, call.world.state(AppStoreKeys).limits())


def reply(call: HttpCall, document: object, status: int = 200) -> JsonReply:
    """An answer, with how many calls of this hour are left."""
    return JsonReply(status, document, call.world.state(AppStoreKeys).limits())


def one(call: HttpCall, row: Row, *, status: int = 200, included: Iterable[Row] = ()) -> JsonReply:
    """A document with one resource."""
    document: Row = {"data": row, "links": {"self": call.path}}
    more = list(included)
    return reply(call, document | ({"included": more} if more else {}), status)


def listed(
    call: HttpCall, rows: Sequence[Row], known: Iterable[str] = (), included: Mapping[str, Row] | None = None
) -> JsonReply:
    """A page of resources. `known` are the parameters that this address has; `included` by the id of its row."""
    allowed = {"limit", "cursor", *known}
    for name in call.query:
        if name not in allowed and not name.startswith("fields["):
            raise AwsError("PARAMETER_ERROR.ILLEGAL", f"The parameter '{name}' can not be used with this request", 400)
    text = call.query.get("limit", str(_USUAL))
    if not text.isdigit() or not 1 <= int(text) <= _MOST:
        raise parameter_error(f"The limit must be a number from 1 to {_MOST}; it is '{text}'")
    limit, first = int(text), _place(call.query.get("cursor", ""))
    shown = list(rows[first : first + limit])
    links: Row = {"self": call.path}
    paging: Row = {"total": len(rows), "limit": limit}
    document: Row = {"data": shown, "links": links, "meta": {"paging": paging}}
    if first + limit < len(rows):
        cursor = base64.urlsafe_b64encode(str(first + limit).encode()).decode()
        paging["nextCursor"] = cursor
        links["next"] = f"{call.path}?{urlencode({**call.query, 'cursor': cursor})}"
    if included:
        held = [included[row["id"]] for row in shown if row["id"] in included]
        document["included"] = list({(row["type"], row["id"]): row for row in held}.values())
    return reply(call, document)


def attributes(call: HttpCall, kind: str, known: Iterable[str], *, name: str = "") -> Row:
    """The attributes that a request sends for a resource of that kind. Raises AwsError 409 for what is not one."""
    data = call.json().get("data")
    if not isinstance(data, dict) or data.get("type") != kind or (name and data.get("id") != name):
        raise AwsError("ENTITY_ERROR", f"The request must have data of type '{kind}', with its id", 409)
    sent: Row = data.get("attributes") or {}
    for field in sent:
        if field not in known:
            raise AwsError("ENTITY_ERROR.ATTRIBUTE.UNKNOWN", f"The attribute '{field}' is unknown in '{kind}'", 409)
    return sent


def related(call: HttpCall, relationship: str, kind: str) -> str:
    """The id of the resource that a request relates to; empty where it names none. Raises AwsError 409."""
    data = (call.json()["data"].get("relationships") or {}).get(relationship, {}).get("data")
    if data is None:
        return ""
    if not isinstance(data, dict) or data.get("type") != kind or not data.get("id"):
        raise AwsError("ENTITY_ERROR.RELATIONSHIP.INVALID", f"'{relationship}' must be of type '{kind}'", 409)
    return str(data["id"])


def to(kind: str, name: str) -> Row:
    """A relationship to one resource."""
    return {"data": {"type": kind, "id": name}}


def _place(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor)) if cursor else 0
    except ValueError as error:
        raise parameter_error("The cursor is not one that this request has given") from error
