"""DynamoDB: the resource policies of tables, each with the moment since when it is in force.

An actor of the world writes as a role of the service: it is refused what the policy denies that role. What the role's
own policies allow is asked of calls from outside only.
"""

import functools
from dataclasses import dataclass
from datetime import datetime

from drcore.sandbox.identity.evaluation import Policies, Ruling, decide
from drcore.sandbox.identity.policy import Principal, read


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """A policy, or with an empty text its deletion, in force since a moment."""

    text: str
    revision: str
    since: datetime


@functools.lru_cache(maxsize=1024)
def refuses(text: str, role: str, action: str, resource: str) -> bool:
    """Whether a policy explicitly denies an action on a table to a role, by its ARN."""
    who = Principal(role, role, role.split(":")[4])
    context = {"aws:principalarn": (role,), "aws:principalaccount": (who.account,)}
    decision = decide(who, action, resource, context, Policies(resource=read("table", text)))
    return decision.ruling is Ruling.EXPLICIT_DENY
