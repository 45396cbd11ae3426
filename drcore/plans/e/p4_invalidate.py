"""Plan E, phase 4: old tokens are made worthless, first where they are used, then where they were issued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, never, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Step
from drcore.errors import Unknown
from drcore.plans.e import resources, titles
from drcore.plans.e.facts import ERun
from drcore.plans.e.findings import nothing_to_do
from drcore.plans.e.security_flags import switch
from drcore.plans.shared.flag_values import Value
from drcore.services import stepfunctions
from drcore.services.stepfunctions import JobRun

# ── Token epoch ──────────────────────────────────────────────────────────────────────────────────────────────────────


def epoch(run: ERun) -> dict[str, Value]:
    """Tokens that were issued before the hole was closed are too old; one moment for all regions, a whole second."""
    closed = run.moments.get("mended") or run.clock.now()
    return {"enabled": True, "min_issued_at": f"{closed + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"}


EPOCH = switch(
    titles.EPOCH,
    changes="the servers of every region refuse tokens that were issued before the hole was closed, caches included",
    where=lambda run: run.facts.flags.epoch,
    wanted=epoch,
    idle=lambda run, target: nothing_to_do(run),
    phrase=lambda run: "REFUSE ALL TOKENS ISSUED BEFORE THE HOLE WAS CLOSED",
    needs=(titles.MENDED,),
    moment="invalidated",
)


# ── Revoke at the issuers ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class IssuerRevocation:
    """SyncWell's own job for an issuer: it alone holds the tokens. An empty status: it was not started by this run.

    `way` is what the issuer offers: revocation by token (RFC 7009), by subject, or none.
    """

    status: str
    way: str = field(default="", metadata=label("the issuer revokes by"))
    tokens: int = 0
    revoked: int = 0
    left: int = 0
    cause: str = field(default="", compare=False)

    def describe(self) -> Mapping[str, object]:
        if self.status != "SUCCEEDED":
            return {"job": self.status or "not started", "cause": self.cause or "none"}
        return {"job": self.status, "revokes by": self.way, "revoked": f"{self.revoked:,} of {self.tokens:,}"}


def issuers(run: ERun) -> list[Target]:
    return [Target(run.service.runner_region, issuer) for issuer in run.facts.issuers]


def see_revocation(run: ERun, target: Target) -> IssuerRevocation:
    job = stepfunctions.execution(run.aws, target.region, _machine(run, target.region), _name(run, target))
    if job.status != "SUCCEEDED":
        return IssuerRevocation(job.status, cause=job.cause)
    return _counts(job, target)


def _counts(job: JobRun, target: Target) -> IssuerRevocation:
    counts = [job.output.get(name) for name in ("tokens", "revoked", "left")]
    way = job.output.get("way")
    if way not in ("token", "subject", "none") or not all(isinstance(each, int) and each >= 0 for each in counts):
        expected = "a way (token, subject, none) with the counts of tokens, revoked, left"
        raise Unknown(f"the job for {target.thing}: expected {expected}, seen {dict(job.output)}")
    tokens, revoked, left = (int(each or 0) for each in counts)
    return IssuerRevocation(job.status, str(way), tokens, revoked, left)


def is_revoked(run: ERun, target: Target, seen: IssuerRevocation) -> Check:
    why = nothing_to_do(run)
    if why:
        return yes(why)
    if not seen.status:
        return no("not revoked yet")
    if seen.status in ("RUNNING", "PENDING_REDRIVE"):
        return no(f"the job is {seen.status}")
    if seen.status != "SUCCEEDED":
        failed = seen.status in ("FAILED", "TIMED_OUT", "ABORTED")
        text = f"the job is {seen.status}: {seen.cause or 'no cause is told'}"
        return never(f"{text}. Mend it, and start it anew by hand") if failed else unknown(text)
    if seen.way == "none":
        return yes(
            f"{target.thing} offers no revocation: {seen.left:,} tokens stay valid there until they expire. SyncWell "
            "refuses them; have the issuer change our client secret"
        )
    if seen.left or seen.revoked != seen.tokens:
        return never(f"{seen.revoked:,} of {seen.tokens:,} tokens were revoked: start the job anew by hand")
    return yes(f"all {seen.tokens:,} tokens are revoked, by {seen.way}")


def revoke(run: ERun, target: Target, seen: IssuerRevocation) -> str:
    if seen.status:
        return "under way already"
    given = {"issuer": target.thing, "run": run.id}
    return stepfunctions.start(run.aws, target.region, _machine(run, target.region), _name(run, target), given)


def _machine(run: ERun, region: str) -> str:
    return f"arn:aws:states:{region}:{run.service.account}:stateMachine:{run.facts.revoker}"


def _name(run: ERun, target: Target) -> str:
    return f"{run.id}-{target.thing}"[:80]


def why_no_return(run: ERun) -> str:
    """Once tokens are revoked at an issuer nothing brings them back, and what protects users is not taken away."""
    if not run.history.intended(titles.ISSUERS):
        return ""
    return (
        "Revoke at the issuers was done: revoked tokens do not come back, and a way back would open the hole again. "
        "Mend forward; users sign in again"
    )


ISSUERS = Step(
    titles.ISSUERS,
    changes="SyncWell's own job revokes every old token at its issuer; users must connect their accounts again",
    look=see_revocation,
    expect=is_revoked,
    act=revoke,
    no_return=why_no_return,
    targets=issuers,
    needs=(titles.EPOCH,),
    consent=Consent.TYPED,
    phrase=lambda run, states: f"REVOKE ALL OLD TOKENS AT {', '.join(target.thing for target in states)}",
    reversibility=Reversibility.NO_RETURN,
    patience=Patience(within=lambda run: 60 * run.facts.revocation_minutes, every=15),
    permissions=iam_actions("states:StartExecution", on=resources.revoker),
)


STEPS = (EPOCH, ISSUERS)
