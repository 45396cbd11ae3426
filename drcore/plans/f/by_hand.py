"""Plan F by hand: functions, then the API go back to the newest stable release."""

from __future__ import annotations

from drcore.engine.by_hand import HandAct, HandCard, quoted, words
from drcore.engine.permissions import Place
from drcore.plans.f import public_words, titles
from drcore.plans.f.facts import Facts
from drcore.plans.shared.by_hand import (
    acknowledged,
    in_regions,
    opens_incident,
    page_on_call,
    resolves_incident,
    sign_in,
)
from drcore.plans.shared.release_by_hand import (
    deployments_stop,
    freeze,
    knows_release,
    points_aliases,
    points_stage,
    unfreeze,
)


def card(at: Place[Facts]) -> HandCard:
    """The acts of plan F, in the order in which they are done."""
    facts = at.facts
    return HandCard(
        "\n".join((sign_in(at.service), knows_release(at, facts.releases))),
        (
            page_on_call(at, titles.NOTIFY, "The newest backend release fails. Plan F is carried out by hand."),
            acknowledged(titles.ACKNOWLEDGE),
            HandAct(
                titles.DECIDE,
                look='echo "from $LEFT to $RELEASE"; jq -r --arg l "$LEFT" \'.releases[] | select(.release == $l) '
                "| .rollback_safe' releases.json",
                shows='the two releases, then "true". "false": the release has changed the schema of the data, and '
                "older code may corrupt it. Then do not roll back: go to plan G, or fix forward",
                by_hand="The incident commander decides in the incident channel, with the reason. Another release: "
                "RELEASE=its name",
            ),
            opens_incident(at, titles.INVESTIGATING, public_words.INVESTIGATING, state="degraded_performance"),
            freeze(at, titles.FREEZE, facts.pipeline),
            deployments_stop(at, titles.STOP, facts.codedeploy.application, facts.codedeploy.group),
            points_aliases(at, titles.LAMBDA, facts.functions, facts.alias),
            points_stage(at, titles.API),
            deployments_stop(at, titles.STOP_LATE, facts.codedeploy.application, facts.codedeploy.group, again=True),
            HandAct(
                titles.VERIFY,
                look=in_regions(
                    at.service,
                    f'until [ -z "$(aws cloudwatch describe-alarms --region $G --alarm-name-prefix '
                    f"{words([facts.alarms.prefix])} \\",
                    "  --state-value ALARM --query 'MetricAlarms[].AlarmName')\" ]; do sleep 30; done",
                )
                + "".join(
                    f"\ncurl -fsS {quoted(at.service.api[region] + path)}"
                    for region in at.service.regions
                    for path in (facts.synthetic.path, facts.critical_bug.path)
                )
                + f"\nsleep {60 * facts.hold_minutes:.0f}",
                shows=f"no alarm is on, each request is answered, the critical bug is absent "
                f"({', '.join(f'{name}: {value}' for name, value in facts.critical_bug.fields.items())}). "
                f"It lasts {facts.hold_minutes:g} minutes: look again then",
            ),
            HandAct(
                titles.CONFIRM_GONE,
                by_hand="An engineer looks at the service, and says in the incident channel that the bug is gone",
            ),
            resolves_incident(at, titles.RESOLVED, public_words.over(public_words.ROLLED_BACK)),
            unfreeze(at, titles.UNFREEZE, facts.pipeline),
        ),
    )
