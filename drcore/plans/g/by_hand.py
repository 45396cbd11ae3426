"""Plan G by hand: all that writes is halted, the table is restored beside itself, switched to, then let in again.

A repair in place goes item by item, which only drcore does: by hand there is the switch.
"""

from __future__ import annotations

from dataclasses import replace

from drcore.engine.by_hand import HandAct, HandCard, quoted, words
from drcore.engine.permissions import Place
from drcore.plans.g import jobs_by_hand, public_words, tables_by_hand, titles, writers_by_hand
from drcore.plans.g.facts import Facts
from drcore.plans.g.table_requests import READING, WRITING
from drcore.plans.shared.by_hand import (
    acknowledged,
    in_regions,
    opens_incident,
    page_on_call,
    resolves_incident,
    secret,
    sign_in,
)
from drcore.plans.shared.release_by_hand import freeze, unfreeze
from drcore.services import logs

_MINUTES = 60  # seconds


def card(at: Place[Facts]) -> HandCard:
    """The acts of plan G, by the remedy that is a switch, in the order in which they are done."""
    facts, service = at.facts, at.service
    quiet = _MINUTES * facts.quiet_minutes + service.metric_delay_s + _MINUTES
    return HandCard(
        "\n".join((sign_in(service), _knows_names(at), _knows_release(at), _knows_signs(at))),
        (
            HandAct(
                titles.DETECT,
                look=f"sleep {service.metric_delay_s:.0f}; complaints",
                shows=f"{facts.thresholds.log_lines_per_minute:g} log lines a minute or more, or "
                f"{facts.thresholds.tickets_per_minute:g} tickets; else there is no trouble of this plan",
            ),
            page_on_call(at, titles.NOTIFY, "Users' data seems corrupted. Plan G is carried out by hand."),
            acknowledged(titles.ACKNOWLEDGE),
            HandAct(
                titles.CONFIRM,
                look='echo "$FAULTY"',
                shows="the release that is suspected: the newest that the workers run. Another one: FAULTY=its name",
                by_hand="Look at the items of those who complain. The incident commander decides in the incident "
                "channel that it is this release, and widespread. If it is not: stop here",
            ),
            opens_incident(
                at,
                titles.MAINTENANCE,
                public_words.MAINTENANCE,
                headline=f"Maintenance mode: {public_words.WHAT}",
                state="under_maintenance",
            ),
            HandAct(
                titles.HALT,
                by_hand="One word of the incident commander is for all acts until nothing writes. Users get errors "
                "from there on. Let nothing wait: a second person can begin with the workers",
            ),
            tables_by_hand.denies_writes(at),
            freeze(at, titles.FREEZE, facts.pipeline),
            writers_by_hand.scaling(at, titles.SCALING, halts=True),
            writers_by_hand.rules(at, titles.RULES, halts=True),
            writers_by_hand.workers(at),
            writers_by_hand.sources(at, titles.SOURCES, halts=True),
            writers_by_hand.functions(at),
            HandAct(
                titles.NOTHING_WRITES,
                do="attempts() { "
                + in_regions(
                    service, f"for R in {words(facts.roles.writers)}; do", *writers_by_hand.attempt(at), "done"
                )
                + "; }\nattempts",
                look=f"sleep {quiet:.0f}; requests $T {words(WRITING[:5])}",
                shows="refused for each role; None for each operation: nothing was written. A number: a writer was "
                "missed. Find it in CloudTrail, stop it, look again",
                back="nothing is changed. WRITTEN: delete the item KEY",
            ),
            tables_by_hand.exports(at),
            tables_by_hand.decides_point(at),
            tables_by_hand.restores(at),
            tables_by_hand.compares(at),
            HandAct(
                titles.DECIDE,
                look='echo "$NEW, $LOST changes are lost"',
                shows="what a switch costs",
                by_hand="The incident commander decides in the incident channel. Few items are hit, and drcore will be "
                "there again: wait for it, it repairs in place and loses nothing. Else go on: the switch",
            ),
            tables_by_hand.sets_again(at),
            tables_by_hand.replicates(at),
            tables_by_hand.keeps_corrupt(at),
            tables_by_hand.switches(at),
            HandAct(
                titles.SIGN_OFF,
                look=in_regions(service, "known $NEW"),
                shows="good accounts, the same in each region",
                by_hand="Whoever owns the data says in the incident channel that it is good. Last moment to go back",
            ),
            HandAct(titles.ALLOW, by_hand="Nothing: the service writes to $NEW, and $T stays read-only"),
            jobs_by_hand.counts(at),
            jobs_by_hand.holds(at),
            jobs_by_hand.imports_again(at),
            writers_by_hand.workers_again(at),
            writers_by_hand.functions_again(at),
            writers_by_hand.sources(at, titles.SOURCES_AGAIN, halts=False),
            jobs_by_hand.redrives(at),
            writers_by_hand.rules(at, titles.RULES_AGAIN, halts=False),
            writers_by_hand.scaling(at, titles.SCALING_AGAIN, halts=False),
            writers_by_hand.provisioned_again(at),
            HandAct(
                titles.OLD_TABLE_UNREAD,
                look=f"sleep {quiet:.0f}; requests $T {words(READING)}",
                shows="None for each operation: nobody reads the old table",
            ),
            HandAct(
                titles.USERS,
                look=f"sign; sleep {_MINUTES * facts.hold_minutes + service.metric_delay_s:.0f}; complaints",
                shows=f"at most {facts.thresholds.error_rate_percent:g} % of the requests fail, log lines and "
                "tickets are below what was looked for at first. Not so: look again",
            ),
            unfreeze(at, titles.UNFREEZE, facts.pipeline),
            _restored(at),
        ),
        tools=("aws", "curl", "jq", "gunzip"),
    )


def _knows_names(at: Place[Facts]) -> str:
    workers = at.facts.workers
    cluster, name = words([workers.cluster]), words([workers.service])
    return "\n".join(
        (
            (
                f"BY=by-hand-$(date +%m%d%H%M); H={at.service.runner_region}; T={words([at.facts.table])}; "
                "NEW=$T-restored-$BY; echo $NEW"
            ),
            tables_by_hand.knows_policies(at),
            tables_by_hand.knows_changes(at),
            tables_by_hand.knows_settings(at),
            (
                f"service() {{ aws ecs describe-services --region $G --cluster {cluster} --services {name} --query "
                '"services[0].$1"; }'
            ),
            (
                f"work() {{ aws ecs update-service --region $G --cluster {cluster} --service {name} "
                '--query service.desiredCount "$@"; }'
            ),
            (
                f"tasks() {{ for S in RUNNING STOPPED; do\n"
                f"  I=$(aws ecs list-tasks --region $G --cluster {cluster} --desired-status $S --query 'taskArns[]')\n"
                f'  [ -z "$I" ] || aws ecs describe-tasks --region $G --cluster {cluster} --tasks $(echo $I) --query '
                '"tasks[?$1].taskArn"; done; }'
            ),
        )
    )


def _knows_release(at: Place[Facts]) -> str:
    """`$FAULTY` is the release that came last; `good` the task definition before it in a region."""
    wanted = f"environment[?name=='{at.facts.workers.release}'].value"
    return "\n".join(
        (
            "release() { aws ecs describe-task-definition --region $G --task-definition $1 \\",
            f'  --query "taskDefinition.containerDefinitions[].{wanted} | [] | [0]"; }}',
            "FAULTY=$("
            + in_regions(
                at.service,
                "echo $(service \"deployments[?status=='PRIMARY'].createdAt | [0]\") \\",
                "  $(release $(service taskDefinition))",
            )
            + " | sort | tail -n 1 | cut -d ' ' -f 2)",
            "good() { D=$(service taskDefinition); [ $(release $D) = $FAULTY ] || { echo $D; return; }; N=${D##*/}",
            "  for D in $(aws ecs list-task-definitions --region $G --family-prefix ${N%:*} --sort DESC \\",
            "    --query 'taskDefinitionArns[]'); do",
            "    [ ${D##*:} -gt ${N##*:} ] || [ $(release $D) = $FAULTY ] || { echo $D; return; }; done; }",
        )
    )


def _knows_signs(at: Place[Facts]) -> str:
    """`complaints` by the log, the API, the support desk; `requests` of some operations to a table."""
    facts = at.facts
    desk, log, region = facts.support, facts.log, at.service.runner_region
    key = f' -H "Authorization: Bearer {secret(desk.api_key, region)}"' if desk.api_key else ""
    sums = "--period 60 --query 'sum(Datapoints[].{})' --statistics {} \\"
    span = "    --start-time $(($(date +%s) - {})) --end-time $(($(date +%s) - {:.0f}))"
    delay = at.service.metric_delay_s
    minutes = facts.quiet_minutes
    metric = "aws cloudwatch get-metric-statistics --region $G --namespace"
    api = f"Name=ApiName,Value={words([facts.api.name])} Name=Stage,Value={words([facts.api.stage])}"
    since = '$(jq -nr "$(date +%s) - 60 | todate")'
    return "\n".join(
        (
            f"logged() {{ echo $G $(aws logs filter-log-events --region $G --log-group-name {words([log.group])} \\",
            f"  --filter-pattern {quoted(log.pattern)} --output json --query 'length(events)' \\",
            f"  --start-time $((($(date +%s) - {60 + logs.SEARCHABLE_S:.0f}) * 1000)) \\",
            f"  --end-time $((($(date +%s) - {logs.SEARCHABLE_S:.0f}) * 1000))) log lines; }}",
            "complaints() { "
            + in_regions(
                at.service,
                "logged; for M in Count 5XXError; do",
                f"  echo $G $M $({metric} AWS/ApiGateway --metric-name $M --dimensions {api} \\",
                "    " + sums.format("Sum", "Sum"),
                span.format(f"{60 + delay:.0f}", delay) + "); done",
            ),
            (
                f'  curl -fsS{key} "{desk.url}/tickets?category={desk.category}&since={since}" | '
                "jq '.tickets | length'; }"
            ),
            "requests() { "
            + in_regions(
                at.service,
                'for O in "${@:2}"; do',
                f"  echo $G $O $({metric} AWS/DynamoDB --metric-name SuccessfulRequestLatency \\",
                "    --dimensions Name=TableName,Value=$1 Name=Operation,Value=$O "
                + sums.format("SampleCount", "SampleCount"),
                span.format(f"{60 * minutes + delay:.0f}", delay) + "); done",
            )
            + "; }",
        )
    )


def _restored(at: Place[Facts]) -> HandAct:
    """The message with its times and its number, as variables of the shell."""
    window = public_words.window("{from}", "{to}", "{day}")
    text = f"{public_words.switched('{backup}', window, '{lost}')} {public_words.SORRY}"
    act = resolves_incident(at, titles.RESTORED, text)
    filled = act.do
    for name, moment, form in (
        ("backup", "$POINT", "%Y-%m-%d %H:%M:%S"),
        ("from", "$POINT", "%H:%M:%S"),
        ("to", "$HALTED", "%H:%M:%S"),
        ("day", "$HALTED", "%Y-%m-%d"),
    ):
        filled = filled.replace(f"{{{name}}}", f"'\"$(at {moment} '{form}')\"'")
    ways = 'at() { jq -nr "$1 | strftime(\\"$2\\")"; }\n'
    return replace(act, do=ways + filled.replace("{lost}", "at most '\"$LOST\"'"))
