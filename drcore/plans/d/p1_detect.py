"""Plan D, what is noticed: a partner in trouble, by our calls, our probes, its page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drcore.engine.outcome import Check, Target, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.errors import Rejected, Unknown
from drcore.plans.d import charts, resources, titles
from drcore.plans.d.facts import DRun
from drcore.plans.d.partner_signals import PartnerSignals, measured, probes_fail, read_signals, too_high
from drcore.plans.shared.acknowledge import acknowledge
from drcore.plans.shared.detection import detect
from drcore.plans.shared.on_call import notify_on_call
from drcore.record.evidence import Exhibit

# ── Detect ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def partners(run: DRun) -> list[Target]:
    """A target for each partner."""
    return [Target(thing=name) for name in run.facts.partners]


def see_partner(run: DRun, target: Target) -> PartnerSignals:
    return read_signals(run, target.thing)


def trouble_is_seen(run: DRun, target: Target, seen: PartnerSignals) -> Check:
    high = too_high(run, seen.rates)
    page = f"its page: {seen.page.describe()}"
    if high:
        return yes(f"{'; '.join(high)}; {page}; probes: {seen.probed.describe()}")
    if seen.page.down:
        return yes(f"no rate is too high, but {page}")
    if "detected" in run.moments:
        return yes("seen before this run was resumed")
    if run.incident.partner == target.thing:
        return yes(f"found by a person: {run.incident.reason or 'no reason given'}")
    if not measured(seen):
        return unknown("no word of our workers' calls: that is not the same as no errors")
    if seen.page.unread:
        return unknown(f"no rate is too high; {page}")
    beside = f", though probes: {seen.probed.describe()}" if probes_fail(seen.probed) else ""
    return no(f"no rate is too high, {page}{beside}")


def show_partners(run: DRun, states: Mapping[Target, PartnerSignals]) -> Iterator[Exhibit]:
    yield charts.signals_table("detected-signals", "What is known of each partner", states)
    yield charts.error_rates(run, "detected-errors", _in_trouble(run, states))


def _in_trouble(run: DRun, states: Mapping[Target, PartnerSignals]) -> tuple[str, ...]:
    """The partners that show trouble; all where none does."""
    troubled = tuple(t.thing for t, seen in states.items() if too_high(run, seen.rates) or seen.page.down)
    return troubled or tuple(run.facts.partners)


DETECT = detect(
    titles.DETECT,
    changes="nothing: our workers' calls, probes of our own, the partners' status pages are read",
    look=see_partner,
    expect=trouble_is_seen,
    targets=partners,
    every=60,
    shows=show_partners,
    permissions=iam_actions("secretsmanager:GetSecretValue", on=resources.credentials),
)


# ── Notify on-call ───────────────────────────────────────────────────────────────────────────────────────────────────


def words_for_on_call(run: DRun) -> str:
    if "detected" not in run.moments:
        return ""
    looked = run.result(titles.DETECT)
    parts = [_in_words(run, target, looked.states.get(target) if looked else None) for target in partners(run)]
    return f"Trouble with a partner's API. {'. '.join(filter(None, parts))}"


def _in_words(run: DRun, target: Target, seen: PartnerSignals | None) -> str:
    try:
        signals = seen or read_signals(run, target.thing)
    except (Unknown, Rejected) as error:
        return f"{target.thing}: cannot be read: {error}"
    high = too_high(run, signals.rates)
    if not high and not signals.page.down:
        return ""
    return f"{target.thing}: {'; '.join(high) or 'no rate is too high'}; its page: {signals.page.describe()}"


NOTIFY = notify_on_call(titles.NOTIFY, words_for_on_call, needs=(titles.DETECT,))


ACKNOWLEDGE = acknowledge(titles.ACKNOWLEDGE, page=titles.NOTIFY)


STEPS = (DETECT, NOTIFY, ACKNOWLEDGE)
