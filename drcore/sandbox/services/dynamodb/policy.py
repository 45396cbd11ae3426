"""DynamoDB: the resource policies of tables, each with the moments between which it comes into force.

An actor of the world writes as a role of the service: it is refused what the policy denies that role. What the role's
own policies allow is asked of calls from outside only.
"""

import functools
from dataclasses import dataclass
from datetime import datetime
from random import Random

from drcore.sandbox.identity.evaluation import Policies, Ruling, decide
from drcore.sandbox.identity.policy import Principal, read


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """A policy, or with an empty text its deletion: put at a moment, in force for every request since another.

    Between the two it is in force for some requests and not for others, more and more often.
    """

    text: str
    revision: str
    put: datetime
    since: datetime

    def holds(self, at: datetime) -> bool:
        """Whether it is in force for a request of that second."""
        if at >= self.since or at < self.put:
            return at >= self.since
        passed = (at - self.put) / (self.since - self.put)
        return Random(f"{self.revision}:{at:%M:%S}").random() < passed


@functools.lru_cache(maxsize=1024)
def refuses(text: str, role: str, action: str, resource: str) -> bool:
    """Whether a policy explicitly denies an action on a table to a role, by its ARN."""
    who = Principal(role, role, role.split(":")[4])
    context = {"aws:principalarn": (role,), "aws:principalaccount": (who.account,)}
    decision = decide(who, action, resource, context, Policies(resource=read("table", text)))
    return decision.ruling is Ruling.EXPLICIT_DENY
