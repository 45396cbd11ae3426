"""Plan D by hand: the integration of a partner is paused by its flag, let in again when the partner is back."""

from __future__ import annotations

from dataclasses import replace

from drcore.engine.by_hand import HandAct, HandCard, quoted, words
from drcore.engine.permissions import Place
from drcore.plans.d import titles
from drcore.plans.d.facts import Facts
from drcore.plans.shared import by_hand
from drcore.plans.shared.flags_by_hand import clears_the_way, knows_flags

HEADLINE = "Syncing with a partner"
_ON = "on, the banner off"
_OFF = "off, the banner on"
_PAUSE = ".values[\\$on].enabled = false | .values[\\$banner] += {enabled: true, text: \\$text}"
_LET_IN = ".values[\\$on].enabled = true | .values[\\$banner].enabled = false"


def card(at: Place[Facts]) -> HandCard:
    """The acts of plan D for one partner, in the order in which they are done."""
    facts, flags = at.facts, at.facts.flags
    opened = by_hand.opens_incident(
        at, titles.PAUSED, facts.words.paused, headline=HEADLINE, state="degraded_performance"
    )
    over = by_hand.resolves_incident(at, titles.RESOLVED, facts.words.resolved)
    return HandCard(
        "\n".join((by_hand.sign_in(at.service), _knows_partner(facts), knows_flags(at, flags))),
        (
            by_hand.page_on_call(at, titles.NOTIFY, "A partner's API fails. Plan D is carried out by hand."),
            by_hand.acknowledged(titles.ACKNOWLEDGE),
            HandAct(
                titles.DECIDE,
                look='echo "$P: $TITLE, flag $ON"; consumed',
                shows=f"the partner in trouble, its flags {_ON} in each region. None, or two: choose P",
                by_hand="The incident commander decides in the incident channel which integration is paused, with the "
                "reason. Another one, or one more: P=its name; partner; then acts 5 to 12",
            ),
            clears_the_way(at, titles.CLEAR),
            HandAct(
                titles.PAUSE,
                do=f'switch {words([flags.at_once])} "{_PAUSE}"',
                look="consumed",
                shows=f"its flags {_OFF} in each region",
                undo=f"deployed {words([flags.at_once])} was",
                back="the version from before is deployed again",
            ),
            HandAct(
                titles.VERIFY,
                look=f"sleep {60 * facts.hold_minutes:.0f}; consumed",
                shows=f"its flags still {_OFF}. Syncs with it wait: look at {words([facts.metrics.calls])} "
                "in CloudWatch",
            ),
            _named(opened),
            HandAct(
                titles.MONITOR,
                look='while [ -n "$(down "$P" "$PAGE")" ]; do sleep 60; done\n'
                f'sleep {60 * facts.recovery_hold_minutes:.0f}; down "$P" "$PAGE"',
                shows=f"nothing: its page says operational, also {facts.recovery_hold_minutes:g} minutes later",
            ),
            HandAct(
                titles.DECIDE_BACK,
                by_hand="The incident commander decides in the incident channel that it is let in, with the reason",
            ),
            HandAct(
                titles.LET_IN,
                do=f'switch {words([flags.ramp])} "{_LET_IN}"',
                look="consumed",
                shows=f"its flags {_ON} in each region",
                undo=f'switch {words([flags.at_once])} "{_PAUSE}"',
                back="the integration is paused once more",
            ),
            _named(over),
        ),
    )


def _knows_partner(facts: Facts) -> str:
    """`$P` is the partner whose page tells of trouble; what belongs to it."""
    cases = [
        f"  {words([name])}) ON={words([each.integration])} BANNER={words([each.banner])} "
        f"TITLE={quoted(each.title)} PAGE={words([each.page])};;"
        for name, each in facts.partners.items()
    ]
    pages = "; ".join(f"down {words([name])} {words([each.page])}" for name, each in facts.partners.items())
    return "\n".join(
        (
            'down() { curl -fsS "$2/api/v2/summary.json" | jq -r --arg p "$1" \\',
            "  'select([.components[].status] | any(. != \"operational\")) | $p'; }",
            'partner() { case "$P" in',
            *cases,
            f"esac; TEXT={_in_shell(facts.words.banner)}; }}",
            f'P=$({pages}); echo "$P"; partner',
        )
    )


def _in_shell(text: str) -> str:
    """Words with the partner's title in them, as one word of the shell."""
    return quoted(text).replace("{partner}", "'\"$TITLE\"'")


def _named(act: HandAct) -> HandAct:
    """A message with the partner's title in it."""
    return replace(act, do=act.do.replace("{partner}", "'\"$TITLE\"'"))
