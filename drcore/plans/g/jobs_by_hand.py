"""The jobs that have waited, by hand: counted, held by a flag where they are old, tried again where they failed.

They are counted by the queues' attributes and by the log, and never received.
"""

from __future__ import annotations

from dataclasses import replace

from drcore.engine.by_hand import HandAct, quoted, words
from drcore.engine.permissions import Place
from drcore.plans.g import titles
from drcore.plans.g.facts import Facts
from drcore.plans.g.job_counts import NOT_DONE
from drcore.plans.shared.by_hand import in_regions
from drcore.plans.shared.flags_by_hand import knows_own_flags, sets_own_flag
from drcore.services import logs

_KEPT_S = 14 * 86_400  # seconds: longer no queue keeps a job


def counts(at: Place[Facts]) -> HandAct:
    """`waiting QUEUE` is how many messages a queue has, `old` how many jobs from before `$POINT` are not done."""
    jobs, count, log = at.facts.jobs, "ApproximateNumberOfMessages", words([at.facts.jobs.log])
    span = f"--start-time $(($(date +%s) - {_KEPT_S})) --end-time $(($(date +%s) - {logs.SEARCHABLE_S:.0f}))"
    return HandAct(
        titles.JOBS,
        do="\n".join(
            (
                "waiting() { aws sqs get-queue-attributes --region $G \\",
                "  --queue-url $(aws sqs get-queue-url --region $G --queue-name $1 --query QueueUrl) \\",
                f"  --attribute-names {count} --query Attributes.{count}; }}",
                'BEFORE=$(jq -nr "$POINT | todate")',
                f"old() {{ I=$(aws logs start-query --region $G --log-group-name {log} --query queryId \\",
                f"    {span} \\",
                f"    --query-string {quoted(NOT_DONE + ' | limit 10000')})",
                "  while aws logs get-query-results --region $G --query-id $I --output json > jobs.json",
                """    jq -e '.status | IN("Scheduled", "Running")' jobs.json > /dev/null; do sleep 2; done""",
                """  jq --arg b $BEFORE 'if .status != "Complete" then .status else [.results[] |""",
                "    map({(.field): .value}) | add | select(.made_at < $b)] | length end' jobs.json; }",
            )
        ),
        look=in_regions(
            at.service,
            f"echo $G $(waiting {words([jobs.queue])}) wait, $(old) older than $BEFORE, "
            f"$(waiting {words([jobs.dead_letters])}) failed",
        ),
        shows="how many jobs would run, in each region",
        by_hand="The incident commander decides in the incident channel: old jobs would change data that they do not "
        "know, so hold them; else skip the next act. Failed jobs are tried again; else skip Redrive failed jobs",
        back="nothing is changed: no job is received",
    )


def holds(at: Place[Facts]) -> HandAct:
    """The flag by which workers set aside what was made before `$BEFORE`."""
    where = at.facts.configuration
    act = sets_own_flag(
        titles.HOLD_JOBS,
        at.facts.jobs.filter,
        ".enabled = true | .made_at = env.BEFORE",
        undo=".enabled = false",
        back="jobs of any age run; what was set aside is redriven",
    )
    return replace(act, do=f"export BEFORE\n{knows_own_flags(at, where.application, where.strategy)}\n{act.do}")


def redrives(at: Place[Facts]) -> HandAct:
    """The dead-letter queue goes back to the queue of jobs."""
    dead = words([at.facts.jobs.dead_letters])
    task = f"arn:aws:sqs:$G:{at.service.account}:{dead}"
    newest = f"aws sqs list-message-move-tasks --region $G --source-arn {task} --query 'Results[0].{{}}'"
    return HandAct(
        titles.REDRIVE,
        do=in_regions(
            at.service,
            f"[ $(waiting {dead}) = 0 ] || aws sqs start-message-move-task --region $G --source-arn {task}",
        ),
        look=in_regions(
            at.service,
            f'while [ "$({newest.format("Status")})" = RUNNING ]; do sleep 10; done',
            newest.format("[Status,ApproximateNumberOfMessagesMoved]"),
        ),
        shows="COMPLETED and how many, for each region that had any; else None",
        undo=in_regions(
            at.service,
            f"K=$({newest.format('TaskHandle')})",
            "[ $K = None ] || aws sqs cancel-message-move-task --region $G --task-handle $K",
        ),
        back="what is not moved yet stays; what has run has run",
    )
