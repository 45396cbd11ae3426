"""Plan E, phase 5: old tokens are refused, users are let in again, who then are well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, yes
from drcore.engine.step import Patience, Settles, Step, regions
from drcore.errors import Unknown
from drcore.plans.e import public_words, stolen_uses, titles
from drcore.plans.e.facts import ERun
from drcore.plans.e.findings import nothing_to_do, the_finding
from drcore.plans.e.p1_verify import exposure_url
from drcore.plans.e.p2_contain import Paths, show_paths
from drcore.plans.e.p2_contain import see_paths as see_writes
from drcore.plans.e.reach import IS_AWAY, answers, left_out
from drcore.plans.e.security_flags import switch
from drcore.plans.e.stolen_uses import Uses
from drcore.plans.shared.status_page import resolved, update
from drcore.record.evidence import Exhibit, Table
from drcore.services import servicechecks
from drcore.services.servicechecks import OldToken

_QUIET = timedelta(seconds=90)  # a line of the log is found a minute after it was written

# ── Old tokens are refused ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Refusals:
    """What becomes of old tokens in a region: those of each issuer's planted user, stolen ones since the epoch."""

    probes: tuple[OldToken, ...] = field(metadata=label("old tokens of planted users"))
    uses: Uses | None = field(compare=False, metadata=label("since the epoch"))

    def describe(self) -> Mapping[str, object]:
        fields: dict[str, object] = {
            each.issuer: f"by SyncWell {_word(each.by_syncwell)} ({each.because}), at issuer {_word(each.at_issuer)}"
            for each in self.probes
        }
        if self.uses:
            fields["last old token accepted"] = self.uses.last_accepted or "none since the epoch"
            fields["stolen tokens refused since the epoch"] = self.uses.refused
        return fields


def _word(accepted: bool) -> str:
    return "ACCEPTED" if accepted else "refused"


def see_refusals(run: ERun, target: Target) -> Refusals:
    if nothing_to_do(run):
        return Refusals((), None)
    since = run.moments.get("invalidated")
    return Refusals(_probes(run, target.region), stolen_uses.uses_since(run, target.region, since) if since else None)


def _probes(run: ERun, region: str) -> tuple[OldToken, ...]:
    base = run.service.api[region] + run.facts.checks.token_probe
    return tuple(servicechecks.old_token(run.http, base.format(issuer=issuer)) for issuer in run.facts.issuers)


def are_refused(run: ERun, target: Target, seen: Refusals) -> Check:
    why = nothing_to_do(run)
    if why:
        return yes(why)
    accepted = [each.issuer for each in seen.probes if each.by_syncwell]
    if accepted:
        return no(f"an old token is still accepted: {', '.join(accepted)}")
    since, last = run.moments.get("invalidated"), seen.uses.last_accepted if seen.uses else None
    if last and run.clock.now() - last < _QUIET:
        return no(f"a stolen token was accepted at {last:%H:%M:%S}")
    text = f"refused: {', '.join(each.issuer for each in seen.probes)}"
    if since and last:
        seconds = (last - since).total_seconds()
        text += f"; the last old token was accepted {seconds:.0f} s after the epoch was set (p100)"
    elsewhere = [each.issuer for each in seen.probes if each.at_issuer]
    if elsewhere:
        text += f"; straight at {', '.join(elsewhere)} it is still valid, which offers no revocation"
    return yes(text)


def show_refusals(run: ERun, states: Mapping[Target, Refusals]) -> Iterator[Exhibit]:
    if any(seen.probes for seen in states.values()):
        yield from stolen_uses.chart(run, "refused-uses")
        rows = tuple(
            (target.region, each.issuer, _word(each.by_syncwell), _word(each.at_issuer), each.because)
            for target, seen in states.items()
            for each in seen.probes
        )
        columns = ("region", "issuer", "by SyncWell", "at the issuer", "because")
        yield Table("old-tokens", "Old tokens of planted users, by reference", columns, rows)


REFUSED = Step(
    titles.REFUSED,
    changes="nothing: old tokens of planted users are tried in every region, for as long as it must hold",
    look=see_refusals,
    expect=are_refused,
    targets=regions,
    needs=(titles.EPOCH, titles.ISSUERS, titles.COPIES),
    patience=Patience(
        within=lambda run: 60 * run.facts.servers_minutes,
        every=20,
        hold=lambda run: 0 if nothing_to_do(run) else 60 * run.facts.hold_minutes,
    ),
    shows=show_refusals,
    settles=Settles("refused"),
)


# ── Tell users to sign in again ──────────────────────────────────────────────────────────────────────────────────────


def words_sign_in(run: ERun) -> str:
    return "" if nothing_to_do(run) else public_words.SIGN_IN


SIGN_IN = update(titles.SIGN_IN, words_sign_in, needs=(titles.REFUSED,), components="under_maintenance")


# ── Lift the mode ────────────────────────────────────────────────────────────────────────────────────────────────────


def not_ours_to_lift(run: ERun, target: Target) -> str:
    if run.history.intended(titles.CONTAIN, target) or run.rehearsing:
        return ""
    return nothing_to_do(run)


LIFT = switch(
    titles.LIFT,
    changes="the servers of every region take writes again",
    where=lambda run: run.facts.flags.mode,
    wanted=lambda run: {"enabled": False},
    idle=not_ours_to_lift,
    phrase=lambda run: "LIFT THE MODE",
    needs=(titles.REFUSED,),
)


# ── Verify ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Wellness:
    """Whether a region takes its users' writes, refuses old tokens, shows no hole."""

    paths: Paths = field(metadata=label(""))
    refused: Refusals = field(metadata=label(""))
    exposed: bool = field(metadata=label("the hole is there"))

    def describe(self) -> Mapping[str, object]:
        return {"the hole is there": self.exposed, **self.paths.describe(), **self.refused.describe()}


def see_wellness(run: ERun, target: Target) -> Wellness:
    if target.region == left_out(run) and not answers(run, target.region):
        raise Unknown(f"{target.region} {IS_AWAY}")
    writes, nothing = see_writes(run, target), nothing_to_do(run)
    if nothing:
        return Wellness(writes, Refusals((), None), False)
    finding = the_finding(run)
    exposed = finding is not None and servicechecks.is_exposed(run.http, exposure_url(run, target.region, finding))
    return Wellness(writes, Refusals(_probes(run, target.region), None), exposed)


def is_well(run: ERun, target: Target, seen: Wellness) -> Check:
    refused = [each.path for each in seen.paths.writes if each.status >= 400]
    if refused:
        return no(f"users' writes are refused on {', '.join(refused)}")
    if seen.exposed:
        return no("the hole is there again")
    accepted = [each.issuer for each in seen.refused.probes if each.by_syncwell]
    if accepted:
        return no(f"an old token is accepted again: {', '.join(accepted)}")
    text = f"writes are taken on {', '.join(each.path for each in seen.paths.writes)}"
    return yes(f"{text}; {nothing_to_do(run) or 'old tokens are refused, the hole is closed'}")


def show_wellness(run: ERun, states: Mapping[Target, Wellness]) -> Iterator[Exhibit]:
    yield from show_paths(run, {target: seen.paths for target, seen in states.items()})
    if not nothing_to_do(run):
        yield from stolen_uses.chart(run, "verified-refusals")


VERIFY = Step(
    titles.VERIFY,
    changes="nothing: users' writes are taken, old tokens refused, the hole is closed, for as long as it must hold",
    look=see_wellness,
    expect=is_well,
    targets=regions,
    needs=(titles.LIFT, titles.REFUSED),
    patience=Patience(
        within=lambda run: 60 * run.facts.servers_minutes, every=15, hold=lambda run: 60 * run.facts.hold_minutes
    ),
    shows=show_wellness,
    settles=Settles("healthy"),
)


# ── Tell users what happened ─────────────────────────────────────────────────────────────────────────────────────────


def words_resolved(run: ERun) -> str:
    finding = the_finding(run)
    return public_words.closed(f" since {_day(finding.exposed_since)}" if finding else "")


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


RESOLVED = resolved(titles.RESOLVED, words_resolved, needs=(titles.VERIFY,))


STEPS = (REFUSED, SIGN_IN, LIFT, VERIFY, RESOLVED)
