"""The jobs that have waited, by hand: counted, held by a flag where they are old, tried again where they failed.

They are counted by the queues' attributes and by the log, and never received.
"""

from __future__ import annotations

from dataclasses import replace

from drcore.engine.by_hand import HandAct, quoted, words
from drcore.engine.permissions import Place
from drcore.plans.g import titles
from drcore.plans.g.facts import Facts
from drcore.plans.g.partner_cursors import LOOKED_BACK
from drcore.plans.shared.by_hand import in_regions
from drcore.plans.shared.flags_by_hand import sets_own_flag
from drcore.services import logs

_NOT_DONE = (
    'filter event = "job" | stats latest(state) as s, latest(made_at) as made by job | filter s != "done" | limit 10000'
)
_KEPT_S = 14 * 86_400  # seconds: longer no queue keeps a job


def counts(at: Place[Facts]) -> HandAct:
    """`waiting QUEUE` is how many messages a queue has, `old` how many jobs from before `$POINT` are not done."""
    jobs, count, log = at.facts.jobs, "ApproximateNumberOfMessages", words([at.facts.jobs.log])
    span = f"--start-time $(($(date +%s) - {_KEPT_S})) --end-time $(($(date +%s) - {logs.SEARCHABLE_S:.0f}))"
    return HandAct(
        titles.JOBS,
        do="\n".join(
            (
                "waiting() { Q=$(aws sqs get-queue-url --region $G --queue-name $1 --query QueueUrl)",
                "  aws sqs get-queue-attributes --region $G --queue-url $Q \\",
                f"    --attribute-names {count} --query Attributes.{count}; }}",
                'BEFORE=$(jq -nr "$POINT | todate")',
                f"old() {{ I=$(aws logs start-query --region $G --log-group-name {log} --query queryId \\",
                f"    {span} \\",
                f"    --query-string {quoted(_NOT_DONE)})",
                "  while aws logs get-query-results --region $G --query-id $I --output json > jobs.json",
                """    jq -e '.status | IN("Scheduled", "Running")' jobs.json > /dev/null; do sleep 2; done""",
                """  jq --arg b $BEFORE 'if .status != "Complete" then .status else [.results[] |""",
                "    map({(.field): .value}) | add | select(.made < $b)] | length end' jobs.json; }",
            )
        ),
        look=in_regions(
            at.service,
            f"echo $G $(waiting {words([jobs.queue])}) wait, $(old) older than $BEFORE, "
            f"$(waiting {words([jobs.dead_letters])}) failed",
        ),
        shows="how many would run",
        by_hand="The incident commander decides in the incident channel. Hold old jobs, they know other data; or skip "
        "the next act. Try failed jobs again; or skip Redrive failed jobs",
        back="nothing is changed",
    )


def holds(at: Place[Facts]) -> HandAct:
    """The flag by which workers set aside what was made before `$BEFORE`."""
    act = sets_own_flag(
        titles.HOLD_JOBS,
        at.facts.jobs.filter,
        ".enabled = true | .made_at = env.BEFORE",
        undo=".enabled = false",
        back="jobs of any age run; what was set aside is redriven",
    )
    return replace(act, do=f"export BEFORE\n{act.do}")


def imports_again(at: Place[Facts]) -> HandAct:
    """The flag by which workers take their cursors at the partners back to a day before the recovery point.

    As a run does where it does not know a cursor: what is imported twice is one activity.
    """
    flag = at.facts.jobs.imports
    if flag is None:
        return HandAct(titles.IMPORTS, by_hand="Nothing: no partner's cursor lies outside the table")
    return sets_own_flag(
        titles.IMPORTS,
        flag,
        f".enabled = true | .at = ($POINT - {LOOKED_BACK.total_seconds():.0f} | todate)",
        undo=".enabled = false",
        back="what is imported twice is one activity",
    )


def redrives(at: Place[Facts]) -> HandAct:
    """The dead-letter queue goes back to the queue of jobs."""
    dead = words([at.facts.jobs.dead_letters])
    task = f"arn:aws:sqs:$G:{at.service.account}:{dead}"
    return HandAct(
        titles.REDRIVE,
        do=f'moved() {{ aws sqs list-message-move-tasks --region $G --source-arn {task} --query "Results[0].$1"; }}\n'
        + in_regions(
            at.service,
            f"[ $(waiting {dead}) = 0 ] || aws sqs start-message-move-task --region $G --source-arn {task}",
        ),
        look=in_regions(
            at.service,
            "while [ $(moved Status) = RUNNING ]; do sleep 10; done; moved '[Status,ApproximateNumberOfMessagesMoved]'",
        ),
        shows="COMPLETED and how many, for each region that had any; else None",
        undo=in_regions(
            at.service,
            "K=$(moved TaskHandle); [ $K = None ] || aws sqs cancel-message-move-task --region $G --task-handle $K",
        ),
        back="what is not moved yet stays; what has run has run",
    )
