"""Route 53: the operations on record sets or health checks.

Nothing is left to moto, whose Route 53 is not used. A hosted zone cannot be made. Health checks can.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.world import World
from drcore.sandbox.services.elasticloadbalancing import TTL, LoadBalancers
from drcore.sandbox.services.route53.health_checks import Checker, HealthChecks, HealthCheckState
from drcore.sandbox.services.route53.zones import Client, Record, Zone, normal

NAME_SERVERS = ("ns-2048.awsdns-64.com", "ns-2049.awsdns-65.net")

_MARKETS: Mapping[str, str] = {"203.0.113": "na", "198.51.100": "eu", "192.0.2": "apac"}
"""The documentation networks as client subnets of the markets; any other address counts as na."""

_FIXED = ("Type", "RequestInterval", "MeasureLatency")


class Route53:
    """The hosted zones, and how many questions each client has asked."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.zones: dict[str, Zone] = {}
        self._asked: dict[str, int] = {}
        world.add_to_dump("route53", self._state)

    def add(self, zone_id: str, name: str) -> Zone:
        """A hosted zone that was there before the doors opened."""
        self.zones[zone_id] = Zone(self._world, zone_id, name, self._world.state(HealthChecks).healthy)
        return self.zones[zone_id]

    def client(self, address: str) -> Client:
        """Who asks from that address: its questions go round the weights evenly, each from its own start."""
        number = self._asked[address] = self._asked.get(address, 0) + 1
        start = self._world.rng("dns client", address).random()
        market = _MARKETS.get(address.rpartition(".")[0], "na")
        return Client((start + number * 0.6180339887498949) % 1.0, market)

    def values(self, record: Record, at: datetime) -> tuple[int, tuple[str, ...]]:
        """How long the answer may be kept, in seconds, and its values: of an alias those of its target now."""
        alias = record.get("AliasTarget")
        if alias is None:
            return int(record["TTL"]), tuple(value["Value"] for value in record["ResourceRecords"])
        return TTL, self._world.state(LoadBalancers).nodes(alias["DNSName"], at) or ()

    def zone_of(self, name: str) -> Zone | None:
        """The zone that a name belongs to."""
        full = f"{name.lower().rstrip('.')}."
        return next((zone for zone in self.zones.values() if f".{full}".endswith(f".{zone.name}")), None)

    def _state(self) -> dict[str, Any]:
        checks = self._world.state(HealthChecks)
        return {
            "zones": {zone.id: list(zone.records) for zone in self.zones.values()},
            "checks": {check.id: check.config | {"HealthCheckVersion": check.version} for check in checks},
        }


@operation("route53", "ListHostedZones")
def list_hosted_zones(call: AwsCall) -> dict[str, Any]:
    """As the API, all on one page."""
    zones = call.world.state(Route53).zones.values()
    return {"HostedZones": [_zone_document(z) for z in zones], "Marker": "", "IsTruncated": False, "MaxItems": "100"}


@operation("route53", "ListHostedZonesByName")
def list_hosted_zones_by_name(call: AwsCall) -> dict[str, Any]:
    """As the API, all from DNSName on, on one page."""
    start = ".".join(reversed((call.params.get("DNSName") or "").rstrip(".").split(".")))
    zones = [
        zone
        for zone in call.world.state(Route53).zones.values()
        if ".".join(reversed(zone.name.rstrip(".").split("."))) >= start
    ]
    return {"HostedZones": [_zone_document(zone) for zone in zones], "IsTruncated": False, "MaxItems": "100"}


@operation("route53", "GetHostedZone")
def get_hosted_zone(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    zone = _zone(call, call.params["Id"])
    return {"HostedZone": _zone_document(zone), "DelegationSet": {"NameServers": list(NAME_SERVERS)}}


@operation("route53", "ListResourceRecordSets")
def list_resource_record_sets(call: AwsCall) -> dict[str, Any]:
    """As the API, from StartRecordName on; what was accepted, whether DNS knows it or not."""
    params, zone = call.params, _zone(call, call.params["HostedZoneId"])
    name = normal({"Name": params["StartRecordName"]})["Name"] if params.get("StartRecordName") else ""
    start = (name, params.get("StartRecordType") or "", params.get("StartRecordIdentifier") or "")
    size = int(params.get("MaxItems") or 300)
    records = [r for r in zone.records if (r["Name"], r["Type"], r.get("SetIdentifier", "")) >= start]
    shown, more = records[:size], records[size:]
    answer = {"ResourceRecordSets": shown, "IsTruncated": bool(more), "MaxItems": str(size)}
    if more:
        answer |= {"NextRecordName": more[0]["Name"], "NextRecordType": more[0]["Type"]}
        answer |= {"NextRecordIdentifier": more[0]["SetIdentifier"]} if "SetIdentifier" in more[0] else {}
    return answer


@operation("route53", "ChangeResourceRecordSets")
def change_resource_record_sets(call: AwsCall) -> dict[str, Any]:
    """As the API: the whole batch or nothing; an UPSERT replaces the whole record."""
    zone, batch = _zone(call, call.params["HostedZoneId"]), call.params["ChangeBatch"]
    change = zone.change(batch["Changes"], batch.get("Comment") or "")
    return {"ChangeInfo": change.document(call.world.clock.now())}


@operation("route53", "GetChange")
def get_change(call: AwsCall) -> dict[str, Any]:
    """As the API: PENDING, then INSYNC."""
    wanted = call.params["Id"].rpartition("/")[2]
    for zone in call.world.state(Route53).zones.values():
        for change in zone.changes:
            if change.id == wanted:
                return {"ChangeInfo": change.document(call.world.clock.now())}
    raise AwsError("NoSuchChange", f"A change with id {wanted} was not found", 404)


@operation("route53", "TestDNSAnswer")
def test_dns_answer(call: AwsCall) -> dict[str, Any]:
    """As the API; who asks is EDNS0ClientSubnetIP, else ResolverIP, else a resolver in us-east-1."""
    params, zone, route53 = call.params, _zone(call, call.params["HostedZoneId"]), call.world.state(Route53)
    asker = params.get("EDNS0ClientSubnetIP") or params.get("ResolverIP") or "203.0.113.1"
    name, kind = normal({"Name": params["RecordName"]})["Name"], params["RecordType"]
    now = call.world.clock.now()
    record = zone.answer(name, kind, now, route53.client(asker))
    return {
        "Nameserver": NAME_SERVERS[0],
        "RecordName": name,
        "RecordType": kind,
        "RecordData": [] if record is None else list(route53.values(record, now)[1]),
        "ResponseCode": "NXDOMAIN" if record is None else "NOERROR",
        "Protocol": "UDP",
    }


test_dns_answer.__test__ = False  # type: ignore[attr-defined]  # the operation's name, not a test's


@operation("route53", "ListHealthChecks")
def list_health_checks(call: AwsCall) -> dict[str, Any]:
    """As the API, 100 a page."""
    checks = sorted(call.world.state(HealthChecks), key=lambda check: check.id)
    here, marker = page(checks, call.params.get("Marker"), int(call.params.get("MaxItems") or 100), "InvalidInput")
    answer = {"HealthChecks": [_check_document(check) for check in here], "Marker": "", "MaxItems": "100"}
    return answer | {"IsTruncated": marker is not None} | ({"NextMarker": marker} if marker else {})


@operation("route53", "GetHealthCheck")
def get_health_check(call: AwsCall) -> dict[str, Any]:
    """As the API: the configuration, not the status."""
    return {"HealthCheck": _check_document(_check(call))}


@operation("route53", "GetHealthCheckStatus")
def get_health_check_status(call: AwsCall) -> dict[str, Any]:
    """As the API: what each checker saw last. Not for a calculated check."""
    check = _probing(call)
    return {"HealthCheckObservations": [_observation(check, checker) for checker in check.checkers]}


@operation("route53", "GetHealthCheckLastFailureReason")
def get_health_check_last_failure_reason(call: AwsCall) -> dict[str, Any]:
    """As the API: the checkers whose last probe failed."""
    check = _probing(call)
    return {"HealthCheckObservations": [_observation(check, checker) for checker in check.checkers if not checker.seen]}


@operation("route53", "CreateHealthCheck")
def create_health_check(call: AwsCall) -> dict[str, Any]:
    """As the API: the same CallerReference with the same settings is the same check."""
    params, checks = call.params, call.world.state(HealthChecks)
    config: dict[str, Any] = {"RequestInterval": 30, "FailureThreshold": 3, **params["HealthCheckConfig"]}
    if config["Type"] in ("CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"):
        config = dict(params["HealthCheckConfig"])
    elif config["RequestInterval"] not in (10, 30):
        raise AwsError("InvalidInput", "RequestInterval must be 10 or 30", 400)
    for known in checks:
        if known.reference == params["CallerReference"]:
            if known.config != config:
                raise AwsError("HealthCheckAlreadyExists", "A check with this reference has other settings", 409)
            return {"HealthCheck": _check_document(known), "Location": _location(known)}
    digest = hashlib.sha256(params["CallerReference"].encode()).hexdigest()
    name = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
    made = checks.add(name, params["CallerReference"], config)
    return {"HealthCheck": _check_document(made), "Location": _location(made)}


@operation("route53", "UpdateHealthCheck")
def update_health_check(call: AwsCall) -> dict[str, Any]:
    """As the API: HealthCheckVersion is compared, what is left out stays, ResetElements clears."""
    check, params = _check(call), call.params
    if params.get("HealthCheckVersion") not in (None, check.version):
        raise AwsError("HealthCheckVersionMismatch", f"The version of {check.id} is {check.version}", 409)
    asked = {k: v for k, v in params.items() if v is not None and k not in _NOT_SETTINGS}
    if any(key in asked for key in _FIXED):
        raise AwsError("InvalidInput", f"{', '.join(_FIXED)} cannot be changed", 400)
    for name in params.get("ResetElements") or ():
        check.config.pop(name, None)
    check.config |= asked
    check.version += 1
    call.world.state(HealthChecks).decide(check, call.world.clock.now())
    return {"HealthCheck": _check_document(check)}


@operation("route53", "DeleteHealthCheck")
def delete_health_check(call: AwsCall) -> dict[str, Any]:
    """As the API: not while a record set names it."""
    check = _check(call)
    for zone in call.world.state(Route53).zones.values():
        if any(record.get("HealthCheckId") == check.id for record in zone.records):
            raise AwsError("HealthCheckInUse", f"{check.id} is used by a record set", 400)
    call.world.state(HealthChecks).delete(check.id)
    return {}


_NOT_SETTINGS = frozenset({"HealthCheckId", "HealthCheckVersion", "ResetElements"})


def _zone(call: AwsCall, named: str) -> Zone:
    zone = call.world.state(Route53).zones.get(named.rpartition("/")[2])
    if zone is None:
        raise AwsError("NoSuchHostedZone", f"No hosted zone found with ID: {named}", 404)
    return zone


def _check(call: AwsCall) -> HealthCheckState:
    wanted = call.params["HealthCheckId"]
    check = call.world.state(HealthChecks).get(wanted)
    if check is None:
        raise AwsError("NoSuchHealthCheck", f"A health check with id {wanted} does not exist", 404)
    return check


def _probing(call: AwsCall) -> HealthCheckState:
    check = _check(call)
    if not check.checkers:
        raise AwsError("InvalidInput", f"A {check.config['Type']} health check has no checkers", 400)
    return check


def _zone_document(zone: Zone) -> dict[str, Any]:
    shown = {"Id": f"/hostedzone/{zone.id}", "Name": zone.name, "CallerReference": "founded"}
    return shown | {"Config": {"PrivateZone": False}, "ResourceRecordSetCount": len(zone.records)}


def _check_document(check: HealthCheckState) -> dict[str, Any]:
    shown = {"Id": check.id, "CallerReference": check.reference, "HealthCheckVersion": check.version}
    return shown | {"HealthCheckConfig": check.config}


def _observation(check: HealthCheckState, checker: Checker) -> dict[str, Any]:
    status: dict[str, Any] = {"Status": checker.report}
    if check.looked is not None:
        status["CheckedTime"] = checker.last_look(check.looked, check.config["RequestInterval"])
    return {"Region": checker.region, "IPAddress": checker.address, "StatusReport": status}


def _location(check: HealthCheckState) -> str:
    return f"https://route53.amazonaws.com/2013-04-01/healthcheck/{check.id}"
