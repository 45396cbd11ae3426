"""How Google writes a refusal (google.rpc.Status in JSON)."""

from drcore.sandbox.core.registry import AwsError, HttpCall, JsonReply, refusal

SERVICE = "googleplay"
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    501: "UNIMPLEMENTED",
}
_REASONS = {
    400: "badRequest",
    401: "authError",
    403: "forbidden",
    404: "notFound",
    409: "editConflict",
    429: "rateLimitExceeded",
}
_CODES = {*_STATUSES.values(), "FAILED_PRECONDITION", "UNAVAILABLE"}


def invalid(message: str) -> AwsError:
    """The request is wrong, whatever the state."""
    return AwsError("INVALID_ARGUMENT", message, 400)


def precondition(message: str) -> AwsError:
    """The state does not allow it."""
    return AwsError("FAILED_PRECONDITION", message, 400)


def conflict(message: str) -> AwsError:
    """Somebody else has changed it meanwhile."""
    return AwsError("ABORTED", message, 409)


def not_found(message: str) -> AwsError:
    """There is no such thing."""
    return AwsError("NOT_FOUND", message, 404)


@refusal(SERVICE)
def refused(_: HttpCall, error: AwsError) -> JsonReply:
    """`{"error": {"code", "message", "errors", "status"}}`."""
    code = error.status or 400
    status = error.code if error.code in _CODES else _STATUSES.get(code, "UNKNOWN")
    detail = {"message": error.message, "domain": "global", "reason": _REASONS.get(code, "backendError")}
    return JsonReply(code, {"error": {"code": code, "message": error.message, "errors": [detail], "status": status}})
