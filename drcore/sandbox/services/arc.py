"""ARC routing control: the cluster's data plane, one state behind five endpoints.

Simplified: the state is the same at all endpoints at once; one safety rule (at least one control must be On).
"""

from collections.abc import Mapping
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.world import World

SERVICE = "route53-recovery-cluster"
ENDPOINTS = ("us-east-1", "us-west-2", "eu-west-1", "ap-northeast-1", "ap-southeast-2")
PANEL = "0123456bbbbbbb0123456bbbbbb0123456"
CONTROLS: Mapping[str, str] = {"us-east-1": "abcdefg1234567", "us-west-2": "hijklmn8901234"}
"""The id of each region's routing control."""


class RoutingControls:
    """The routing controls of the account, by ARN."""

    def __init__(self, world: World) -> None:
        base = f"arn:aws:route53-recovery-control::{world.account}:controlpanel/{PANEL}"
        self.panel = base
        self.rule = f"{base}/safetyrule/atleastone0001"
        self.arns = {region: f"{base}/routingcontrol/{name}" for region, name in CONTROLS.items()}
        self.states = dict.fromkeys(self.arns.values(), "On")
        world.add_to_dump(SERVICE, lambda: self.states)

    def on(self, region: str) -> bool:
        """Whether the control of a region is On."""
        return self.states[self.arns[region]] == "On"

    def is_on(self, arn: str) -> bool:
        """Whether the control of that ARN is On; one that is not there is not."""
        return self.states.get(arn) == "On"

    def change(self, wanted: Mapping[str, str], overridden: list[str]) -> None:
        """Set several together. Raises AwsError where one is not there, or the safety rule refuses."""
        for arn, state in wanted.items():
            self.known(arn)
            if state not in ("On", "Off"):
                raise AwsError("ValidationException", f"RoutingControlState: expected On or Off, saw {state!r}", 400)
        after = {**self.states, **wanted}
        if "On" not in after.values() and self.rule not in overridden:
            raise AwsError("ConflictException", f"The assertion rule {self.rule} was not met", 409)
        self.states = after

    def known(self, arn: str) -> str:
        """The ARN, if there is such a control; raises AwsError otherwise."""
        if arn not in self.states:
            raise AwsError("ResourceNotFoundException", f"Routing control {arn} does not exist", 404)
        return arn

    def named(self, arn: str) -> dict[str, Any]:
        """One control as the API shows it."""
        region = next(region for region, own in self.arns.items() if own == arn)
        return {"RoutingControlArn": arn, "RoutingControlName": f"syncwell-{region}"}


def _endpoint(call: AwsCall) -> RoutingControls:
    """The state, if the call was sent to one of the cluster's endpoints."""
    if call.region not in ENDPOINTS:
        raise AwsError("AccessDeniedException", f"{call.region} is not an endpoint of this cluster", 403)
    return call.world.state(RoutingControls)


@operation(SERVICE, "GetRoutingControlState")
def get_routing_control_state(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    controls = _endpoint(call)
    arn = controls.known(call.params["RoutingControlArn"])
    return controls.named(arn) | {"RoutingControlState": controls.states[arn]}


@operation(SERVICE, "ListRoutingControls")
def list_routing_controls(call: AwsCall) -> dict[str, Any]:
    """As the API, 500 a page."""
    controls = _endpoint(call)
    extra = {"ControlPanelArn": controls.panel, "ControlPanelName": "syncwell", "Owner": call.account}
    rows = [controls.named(a) | extra | {"RoutingControlState": s} for a, s in sorted(controls.states.items())]
    size = int(call.params.get("MaxResults") or 500)
    here, token = page(rows, call.params.get("NextToken"), size, "ValidationException")
    return {"RoutingControls": list(here)} | ({"NextToken": token} if token else {})


@operation(SERVICE, "UpdateRoutingControlState")
def update_routing_control_state(call: AwsCall) -> dict[str, Any]:
    """As the API; doing it twice is doing it once."""
    params = call.params
    wanted = {params["RoutingControlArn"]: params["RoutingControlState"]}
    _endpoint(call).change(wanted, params.get("SafetyRulesToOverride") or [])
    return {}


@operation(SERVICE, "UpdateRoutingControlStates")
def update_routing_control_states(call: AwsCall) -> dict[str, Any]:
    """As the API: all together or none."""
    entries = call.params["UpdateRoutingControlStateEntries"]
    wanted = {entry["RoutingControlArn"]: entry["RoutingControlState"] for entry in entries}
    _endpoint(call).change(wanted, call.params.get("SafetyRulesToOverride") or [])
    return {}
