"""A partner's API over HTTP: `GET /partner/NAME/v1/OPERATION` with `Authorization: Bearer KEY`.

401 for a key that is not the partner's, 429 with Retry-After above its rate, 503 for an error; a call that times out
gets no answer.
"""

from drcore.sandbox.core.registry import AwsError, HttpCall, JsonReply, http_route
from drcore.sandbox.protocol.exchange import NoResponse
from drcore.sandbox.vendors.partners.state import OPERATIONS, Partner, Partners


@http_route("GET", "/partner/<partner>/v1/<operation>")
def call_partner(call: HttpCall) -> JsonReply:
    """One call of an operation."""
    partner, operation = named(call), call.args["operation"]
    if operation not in OPERATIONS:
        raise AwsError("NotFound", f"operation: expected one of {', '.join(OPERATIONS)}; saw {operation}", 404)
    scheme, _, key = call.headers.get("Authorization", "").partition(" ")
    rng = call.world.rng("partner call", partner.name, call.world.count("partner", partner.name, operation))
    done = call.world.state(Partners).call(partner.name, operation, 1, rng, key if scheme == "Bearer" else "")
    if done.timeouts:
        raise NoResponse
    if done.unauthorized:
        return JsonReply(401, {"error": "invalid_token", "error_description": "The access token expired"})
    if done.throttled:
        return JsonReply(429, {"error": "rate_limited"}, {"Retry-After": str(60 - call.world.clock.now().second)})
    if done.errors:
        return JsonReply(503, {"error": "temporarily_unavailable"})
    return JsonReply(200, {"partner": partner.name, "operation": operation, "items": []})


def named(call: HttpCall) -> Partner:
    """The partner of a call. Raises AwsError (404)."""
    partner = call.world.state(Partners).known.get(call.args["partner"])
    if partner is None:
        raise AwsError("NotFound", f"partner: there is no {call.args['partner']}", 404)
    return partner
