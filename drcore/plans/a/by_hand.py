"""Plan A by hand: the region that is away is kept out by its levers, let in again part by part once it is well.

`$B` is the region that is away, `$W` one that goes on: where the shell signs in, pages, and pulls the levers.
"""

from __future__ import annotations

from dataclasses import replace

from drcore.calls.gate import HOME_OF_GLOBAL
from drcore.engine.by_hand import HandAct, HandCard, quoted, words
from drcore.engine.outcome import StepName
from drcore.engine.permissions import Place
from drcore.plans.a import titles
from drcore.plans.a.facts import Arc, Facts
from drcore.plans.shared import by_hand

INVESTIGATING = "We are investigating a problem at one of our hosting provider's data centers. Some requests may fail."
REROUTED = (
    "We are aware of a major outage affecting one of our hosting provider's data centers. '\"$MOVED\"' to a healthy "
    "region, and the service is operational. Some users may experience slightly increased latency."
)
RESOLVED = "The data center has recovered, and the service runs from all regions again. Thank you for your patience."


def card(at: Place[Facts]) -> HandCard:
    """The acts of plan A, in the order in which they are done: those after Await recovery are the way back."""
    facts, there = at.facts, _in_well_region(at)
    computed = facts.checker_interval_s * facts.failure_threshold + facts.propagation_s + 30
    minutes = facts.lever_minutes
    dig = f"dig +short {facts.record}"
    follows = f"dig: no address of $B's load balancer any more. After {minutes:g} minutes still one: the next lever"
    return HandCard(
        "\n".join((_knows_regions(at), by_hand.sign_in(there.service), _knows_ways(at))),
        (
            HandAct(
                titles.CONFIRM,
                look=f'for G in {words(at.service.regions)}; do echo "$G $(probe $G)"; done; echo "away $B, well $W"',
                shows="one region away, the other well. Otherwise: B=…; W=…; of $W; TOPIC=$T; of $B; then sign in",
                by_hand="The incident commander says in the incident channel which region has failed. Nothing below "
                f"calls it until: {titles.RECOVERY.title}",
            ),
            by_hand.page_on_call(there, titles.NOTIFY, "A region is away. Plan A is carried out by hand."),
            by_hand.acknowledged(titles.ACKNOWLEDGE),
            by_hand.opens_incident(there, titles.INVESTIGATING, INVESTIGATING, state="degraded_performance"),
            HandAct(
                titles.FAILOVER,
                look=f'sleep {computed:.0f}; MOVED="Our system has automatically rerouted traffic"',
                shows=f"dig: no address of $B's load balancer any more. Then go on with: {titles.LATCH.title}",
                by_hand=f"{dig} from several networks, and dig +short of the name of $B's load balancer "
                f"({', '.join(each.host for each in facts.load_balancers.values())})",
            ),
            HandAct(
                titles.PULL,
                do='MOVED="We have rerouted traffic"',
                shows="nothing",
                back="none is needed",
                by_hand="Only where DNS has not moved, by the incident commander's word: the next three acts, each "
                "only "
                "if the one before does not do",
            ),
            _control(titles.ROUTING_OUT, "Off", "On", f"Off; {follows}", bool(facts.arc), wait=60 * minutes),
            _lever(titles.LEVER_OUT, "out", f"out; {follows}", wait=60 * minutes),
            HandAct(
                titles.CHECK_OUT,
                do=f"pin --disabled --inverted; sleep {60 * minutes:.0f}",
                look="check_is",
                shows=f"True True. {follows.partition('.')[0]}",
                undo="pin --no-disabled --no-inverted",
                by_hand=f"The waiver: the control plane in {HOME_OF_GLOBAL} is needed, as the other two have not "
                "moved DNS. Write down that it was done",
            ),
            _lever(titles.LATCH, "out", "out: the region does not come back by itself"),
            HandAct(
                titles.WRITE,
                do=_item(facts),
                look=f"aws dynamodb get-item --region $W --table-name {words([facts.table])} --consistent-read "
                "--key file://key.json --query Item.run.S",
                shows="by-hand",
                back="none: the canary is no user's data",
            ),
            HandAct(
                titles.USERS,
                look=f'sleep {60 * facts.hold_minutes + at.service.metric_delay_s:.0f}; users; probe "$W"',
                shows=f"each market at most {facts.thresholds.user_failure_percent:g} (percent of failed requests), "
                "then well",
            ),
            _tells(there, titles.REROUTED, REROUTED),
            HandAct(
                titles.RECOVERY,
                look='until [ "$(probe $B)" = well ]; do sleep 60; done\n'
                f'sleep {60 * facts.recovery_hold_minutes:.0f}; probe "$B"',
                shows=f"well, also {facts.recovery_hold_minutes:g} minutes later. Away again: wait anew. $B may be "
                "called from here on",
            ),
            HandAct(
                titles.RECONCILE,
                look=_canaries(at),
                shows="per line, where it is read and whose canary: all not older than a few seconds (UTC)",
                by_hand="Wait until all four are fresh",
            ),
            HandAct(
                titles.SAVE,
                look="sets > saved.json; weights; check_is",
                shows="the weights as they were before; keep saved.json. Then the health check's two switches",
            ),
            _part(at, titles.LOWER, 0),
            HandAct(
                titles.CHECK_BACK,
                do="pin --no-disabled --no-inverted",
                look="check_is",
                shows="False False",
                undo="pin --disabled --inverted",
                by_hand="Only if pinned above",
            ),
            _control(titles.ROUTING_IN, "On", "Off", "On", bool(facts.arc)),
            _lever(titles.LET_IN, "in", f"in; {_well(facts)}", gate=_gate(at)),
            _part(at, titles.REBALANCE_2, 1),
            _part(at, titles.REBALANCE_3, 2),
            _part(at, titles.REBALANCE_FULL, 3),
            by_hand.resolves_incident(there, titles.RESOLVED, RESOLVED),
        ),
    )


def _in_well_region(at: Place[Facts]) -> Place[Facts]:
    """The shared lines in the region that goes on, whichever that is: a variable stands for the runner's region."""
    on_call = at.service.on_call.model_copy(update={"topics": {"$W": "$TOPIC"}})
    return replace(at, service=at.service.model_copy(update={"runner_region": "$W", "on_call": on_call}))


def _knows_regions(at: Place[Facts]) -> str:
    """`$B` and `$W` by asking the service's own API in each region; what belongs to `$B`, and the topic of `$W`."""
    facts, service = at.facts, at.service
    controls = facts.arc.controls if facts.arc else {}
    known = [
        f"  {each}) U={quoted(service.api[each] + facts.synthetic.path)} T={service.on_call.topics[each]} \\\n"
        f"    CHECK={words([facts.health_checks[each]])}"
        + (f" CONTROL={words([controls[each]])}" if each in controls else "")
        + ";;"
        for each in service.regions
    ]
    return "\n".join(
        (
            "of() { case $1 in",
            *known,
            "esac; }",
            'probe() ( of $1; curl -fsS -m 5 -o /dev/null "$U" && echo well || echo away )',
            f'for G in {words(service.regions)}; do [ "$(probe $G)" = well ] && W=$G || B=$G; done',
            'echo "away: $B, well: $W"; of $W; TOPIC=$T; of $B',
        )
    )


def _knows_ways(at: Place[Facts]) -> str:
    """How a lever, the health check and a weight are read and set, how users are served."""
    facts = at.facts
    bucket = words([facts.levers.bucket.format(region="REGION")]).replace("REGION", "$W")
    lever = f"--region $W --bucket {bucket} --key {words([facts.levers.key])}"
    zone = f"--region {HOME_OF_GLOBAL} --hosted-zone-id {words([facts.zone])}"
    check = f"--region {HOME_OF_GLOBAL} --health-check-id $CHECK"
    return "\n".join(
        (
            *(_knows_arc(facts.arc) if facts.arc else ()),
            f"read_lever() {{ E=$(aws s3api get-object {lever} lever.json --query ETag)",
            "  jq -r --arg b \"$B\" '.[$b]' lever.json; }",
            "lever() { read_lever; jq -cjS --arg b \"$B\" --arg to $1 '.[$b] = $to' lever.json > new.json",
            f'  aws s3api put-object {lever} --if-match "$E" --body new.json --query ETag; }}',
            f'pin() {{ aws route53 update-health-check {check} "$@" --query HealthCheck.HealthCheckVersion; }}',
            f"check_is() {{ aws route53 get-health-check {check} \\",
            "  --query 'HealthCheck.HealthCheckConfig.[Disabled,Inverted]'; }",
            f"sets() {{ aws route53 list-resource-record-sets {zone} --output json \\",
            f"  --query \"ResourceRecordSets[?Name=='{facts.record}']\"; }}",
            "weights() { sets | jq -r '.[] | \"\\(.SetIdentifier) \\(.Weight)\"'; }",
            'weigh() { jq --arg b "$B" --argjson p $1 \'{Changes: [.[] | select(.SetIdentifier == $b) | .Weight |=',
            ' ([1, (.*$p/100 | round)] | max) | {Action: "UPSERT", ResourceRecordSet: .}]}\' saved.json > set.json',
            f"  N=$(aws route53 change-resource-record-sets {zone} --query ChangeInfo.Id --change-batch file://set.json)",
            f'  until [ "$(aws route53 get-change --region {HOME_OF_GLOBAL} --id "$N" --query ChangeInfo.Status)" \\',
            "    = INSYNC ]; do sleep 10; done; }",
            f"users() {{ for M in {words(facts.markets)}; do",
            "  echo $M $(aws cloudwatch get-metric-statistics --region $W --namespace SyncWell/Probe \\",
            "    --metric-name UserFailure --dimensions Name=Market,Value=$M --period 60 --statistics Average \\",
            "    --start-time $(($(date +%s) - 900)) --end-time $(date +%s) \\",
            "    --query 'sort_by(Datapoints, &Timestamp)[-1].Average'); done; }",
        )
    )


def _knows_arc(arc: Arc) -> tuple[str, ...]:
    """Asks one endpoint of the cluster after the other, but for the one in `$B`, until one answers."""
    endpoints = [f"{each.region} {each.url}" for each in arc.endpoints]
    return (
        'arc() { echo "' + "\n".join(" ".join(endpoints[at : at + 3]) for at in range(0, len(endpoints), 3)) + '" | \\',
        '  xargs -n 2 | while read -r R U; do [ "$R" != "$B" ] && aws route53-recovery-cluster \\',
        '  "$1-routing-control-state" --region $R --endpoint-url "$U" --routing-control-arn $CONTROL "${@:2}" &&',
        "  break; done; }",
    )


def _control(step: StepName, to: str, back: str, shows: str, there: bool, wait: float = 0) -> HandAct:
    if not there:
        return HandAct(step, by_hand="Nothing: there is no ARC cluster")
    return HandAct(
        step,
        do=f"arc update --routing-control-state {to}" + (f"; sleep {wait:.0f}" if wait else ""),
        look="arc get --query RoutingControlState",
        shows=shows,
        undo=f"arc update --routing-control-state {back}",
        by_hand="" if wait else "Only if turned off above",
    )


def _lever(step: StepName, to: str, shows: str, *, wait: float = 0, gate: float = 0) -> HandAct:
    return HandAct(
        step,
        do=f"lever {to}" + (f"; sleep {wait:.0f}" if wait else ""),
        look="read_lever" + (f"; sleep {gate:.0f}; users; probe $B" if gate else ""),
        shows=shows,
        undo=f"lever {'in' if to == 'out' else 'out'}",
        back=f"not well: out, then {titles.RECOVERY.title}; so in the next three acts" if gate else "",
    )


def _part(at: Place[Facts], step: StepName, number: int) -> HandAct:
    percent = at.facts.steps_percent
    gate = _gate(at) if number else 0
    return HandAct(
        step,
        do=f"sign; weigh {percent[number]:g}",
        look="weights" + (f"; sleep {gate:.0f}; users; probe $B" if gate else ""),
        shows=f"$B at {percent[number]:g} % of its weight" + (f"; {_well(at.facts)}" if gate else ""),
        undo="lever out" if number else "weigh 100",
    )


def _well(facts: Facts) -> str:
    return f"each market at most {facts.thresholds.user_noise_percent:g}; well"


def _gate(at: Place[Facts]) -> float:
    return 60 * at.facts.gate_minutes + at.service.metric_delay_s


def _item(facts: Facts) -> str:
    """Write the canary of a person, and keep its key for the look."""
    key = {"pk": {"S": f"{facts.canary.key_prefix}drcore"}, "sk": {"S": "0"}}
    return (
        f"echo {quoted(key)} > key.json\n"
        'jq -c --arg t "$(date -u +%FT%TZ)" \'. + {run: {S: "by-hand"}, ts: {S: $t}}\' key.json > item.json\n'
        f"aws dynamodb put-item --region $W --table-name {words([facts.table])} --item file://item.json"
    )


def _canaries(at: Place[Facts]) -> str:
    facts = at.facts
    return "\n".join(
        (
            "for G in $B $W; do for C in $B $W; do",
            '  echo "{\\"pk\\": {\\"S\\": \\"'
            + facts.canary.key_prefix
            + '$C\\"}, \\"sk\\": {\\"S\\": \\"0\\"}}" > canary.json',
            f"  echo $G $C $(aws dynamodb get-item --region $G --table-name {words([facts.table])} \\",
            "    --key file://canary.json --query Item.ts.S); done; done",
        )
    )


def _tells(at: Place[Facts], step: StepName, text: str) -> HandAct:
    """Tell users more of the incident that is open; `text` is inside single quotes of the shell."""
    affected = dict.fromkeys(at.service.status_page.components, "operational")
    body = {"incident": {"status": "monitoring", "body": "BODY", "components": affected}}
    plain = quoted(body).replace("BODY", text.replace("provider's", "provider'\"'\"'s"))
    return HandAct(
        step,
        do=f'tell PATCH "/$I" {plain}',
        shows="the id of the incident",
        back="none: correct it by the next message",
    )
