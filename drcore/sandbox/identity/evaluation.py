"""IAM's decision about one request, in AWS's documented order."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from drcore.sandbox.identity.patterns import Context
from drcore.sandbox.identity.policy import NamedAs, PolicyDocument, Principal


class Ruling(StrEnum):
    """What is decided; the words are those of SimulatePrincipalPolicy."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


IDENTITY, RESOURCE, SESSION, BOUNDARY, TRUST = (
    "identity-based policy",
    "resource-based policy",
    "session policy",
    "permissions boundary",
    "role trust policy",
)
"""The kinds of policies, as an error names them."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A verdict with the kind of policy that it comes from, and where a statement decided it, that statement."""

    ruling: Ruling
    kind: str
    policy: str = ""
    sid: str = ""

    @property
    def allowed(self) -> bool:
        """Whether the request may go on."""
        return self.ruling is Ruling.ALLOWED


@dataclass(frozen=True, slots=True)
class Policies:
    """All that speaks of one principal at one resource.

    `session` and `boundary` limit what `identity` allows; None: there is no such limit. `resource` is None where the
    resource has no policy. `trust` says that it is the trust policy of a role, without which nobody takes it on;
    `elsewhere` that the resource is of another account, where both sides must allow it.
    """

    identity: tuple[PolicyDocument, ...] = ()
    session: tuple[PolicyDocument, ...] | None = None
    boundary: tuple[PolicyDocument, ...] | None = None
    resource: PolicyDocument | None = None
    trust: bool = False
    elsewhere: bool = False

    @property
    def keys(self) -> frozenset[str]:
        """The condition keys that a decision may depend on."""
        every = (*self.identity, *(self.session or ()), *(self.boundary or ()), *filter(None, [self.resource]))
        return frozenset().union(*(each.keys for each in every))


def decide(who: Principal, action: str, resource: str, context: Context, policies: Policies) -> Evaluation:
    """Whether a principal may do one thing at one resource.

    An explicit deny ends it. Then a grant of the resource's policy: to the very session or to a user it is not limited;
    to a role, or to everybody, only by session policy and boundary; to the account it leaves the answer to the
    identity-based policies. At a resource of another account none of these grants is enough without the
    identity-based policies, nor are they without it.
    """
    limits = [(SESSION, policies.session), (BOUNDARY, policies.boundary)]
    given = [(kind, each) for kind, each in limits if each is not None]
    for kind, documents in [] if who.root else [(IDENTITY, policies.identity), *given]:
        if denial := _spoken(documents, action, resource, context, allows=False):
            return Evaluation(Ruling.EXPLICIT_DENY, kind, *denial)
    kind = TRUST if policies.trust else RESOURCE
    named, by = NamedAs.NOT, ("", "")
    if policies.resource is not None:
        for statement in policies.resource.about(action, resource, context):
            how = statement.principals.names(who) if statement.principals else NamedAs.NOT
            if how and not statement.allows:
                return Evaluation(Ruling.EXPLICIT_DENY, kind, policies.resource.name, statement.sid)
            if how > named:
                named, by = how, (policies.resource.name, statement.sid)
    of_a_key = action.startswith("kms:") and policies.resource is not None  # whose policy must name somebody
    if (policies.trust or policies.elsewhere or of_a_key) and not named:
        return Evaluation(Ruling.IMPLICIT_DENY, kind)
    by_itself = named is NamedAs.BY_SESSION or (named is NamedAs.BY_ITSELF and not who.is_session and not who.root)
    if by_itself and not policies.elsewhere:
        return Evaluation(Ruling.ALLOWED, kind, *by)
    for limit, documents in given:
        if not _spoken(documents, action, resource, context, allows=True):
            return Evaluation(Ruling.IMPLICIT_DENY, limit)
    if named >= NamedAs.EVERYBODY and not policies.elsewhere:
        return Evaluation(Ruling.ALLOWED, kind, *by)
    if who.root:
        return Evaluation(Ruling.ALLOWED, "root user")
    if grant := _spoken(policies.identity, action, resource, context, allows=True):
        return Evaluation(Ruling.ALLOWED, IDENTITY, *grant)
    return Evaluation(Ruling.IMPLICIT_DENY, IDENTITY)


def _spoken(
    documents: Sequence[PolicyDocument], action: str, resource: str, context: Context, *, allows: bool
) -> tuple[str, str] | None:
    """The first statement with that effect about a request, by its policy and id."""
    for document in documents:
        for statement in document.about(action, resource, context):
            if statement.allows is allows:
                return document.name, statement.sid
    return None
