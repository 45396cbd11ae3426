"""ARC: routing controls, read or set at any of a cluster's five endpoints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from drcore.calls.aws import Aws
from drcore.errors import Unknown

_SERVICE = "route53-recovery-cluster"


@dataclass(frozen=True, slots=True)
class Control:
    """Whether a routing control lets traffic in, and the region of the endpoint that said so.

    At least three of the five endpoints are meant to answer at any time.
    """

    on: bool
    endpoint: str = field(default="", compare=False)


def control(aws: Aws, endpoints: Iterable[tuple[str, str]], arn: str) -> Control:
    """The state as the first endpoint says that answers; `endpoints` are pairs of region and URL.

    Raises Unknown when none does, Rejected when one says no.
    """
    silent = []
    for region, url in endpoints:
        aws.set_endpoint(_SERVICE, region, url)
        try:
            answer = aws.call(_SERVICE, region, "get_routing_control_state", RoutingControlArn=arn)
        except Unknown as error:
            silent.append(str(error))
        else:
            return Control(answer["RoutingControlState"] == "On", region)
    raise Unknown(f"no endpoint of the ARC cluster answers: {'; '.join(silent)}")


def set_control(aws: Aws, endpoint: str, arn: str, *, on: bool) -> None:
    """Set it, at the endpoint that answered last. Says the state, so that a second time does no harm."""
    state = "On" if on else "Off"
    aws.call(_SERVICE, endpoint, "update_routing_control_state", RoutingControlArn=arn, RoutingControlState=state)
