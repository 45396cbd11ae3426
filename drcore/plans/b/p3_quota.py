"""Plan B, the remedy that AWS decides on: more of the quota of the LLM's model is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, never, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Step
from drcore.errors import Rejected, Unknown
from drcore.plans.b import resources, titles
from drcore.plans.b.decided_remedy import not_decided
from drcore.plans.b.facts import AiRemedy, BRun
from drcore.services import servicequotas
from drcore.services.servicequotas import OPEN, REFUSED, ServiceQuota


@dataclass(frozen=True, slots=True)
class QuotaSeen:
    """The quota of the LLM's model. None: it is not the remedy, and cannot be read."""

    quota: ServiceQuota | None = field(metadata=label(""))


def the_quota(run: BRun) -> Iterator[Target]:
    """The quota, in the region in which the LLM's model is called."""
    yield Target(run.facts.llm.quota.region, "the LLM's quota")


def see_quota(run: BRun, target: Target) -> QuotaSeen:
    wanted = run.facts.llm.quota
    try:
        return QuotaSeen(servicequotas.quota(run.aws, target.region, wanted.service, wanted.code))
    except (Rejected, Unknown):
        if not_decided(run, AiRemedy.QUOTA):
            return QuotaSeen(None)  # a lever that is not pulled need not be there
        raise


def quota_is_granted(run: BRun, target: Target, seen: QuotaSeen) -> Check:
    other, wanted = not_decided(run, AiRemedy.QUOTA), run.facts.llm.quota.wanted
    if other:
        return other
    if seen.quota is None:
        return unknown("the quota was not read")
    now = seen.quota
    if now.value >= wanted:
        return yes(f"{now.value:g} are granted")
    if now.asked >= wanted and now.status in REFUSED:
        return never(f"{now.value:g} are granted; AWS says {now.status} to {now.asked:g}: take another remedy")
    if now.status in OPEN:
        decides = "a person at AWS decides" if now.status == "CASE_OPENED" else "AWS decides"
        return no(f"{now.value:g} are granted, {now.asked:g} are asked for: {now.status}, {decides}")
    return no(f"{now.value:g} are granted, {wanted:g} are wanted")


def ask_for_quota(run: BRun, target: Target, seen: QuotaSeen) -> None:
    if seen.quota is not None and seen.quota.status in OPEN:
        return  # a request is open, of this run or of somebody else: AWS takes no second one
    wanted = run.facts.llm.quota
    servicequotas.ask_for(run.aws, target.region, wanted.service, wanted.code, wanted.wanted)


QUOTA = Step(
    titles.QUOTA,
    changes="AWS is asked for more of the quota of the LLM's model; a request cannot be taken back, and harms nobody",
    look=see_quota,
    expect=quota_is_granted,
    act=ask_for_quota,
    targets=the_quota,
    needs=(titles.DECIDE,),
    consent=Consent.GO,
    phrase=lambda run, states: f"ASK FOR {run.facts.llm.quota.wanted:g} of {run.facts.llm.quota.code}",
    reversibility=Reversibility.COMPENSABLE,
    patience=Patience(within=lambda run: 60 * run.facts.remedy_minutes, every=30),
    permissions=iam_actions("servicequotas:RequestServiceQuotaIncrease", on=resources.quota),
)


STEPS = (QUOTA,)
