"""The writers of plan G's table by hand: each is halted, later brought back as it was.

What an act finds is kept in files of the folder, one a region, so that the act that brings it back needs no memory.
"""

from __future__ import annotations

from drcore.engine.by_hand import HandAct, quoted, words
from drcore.engine.outcome import StepName
from drcore.engine.permissions import Place
from drcore.plans.g import titles
from drcore.plans.g.facts import Facts
from drcore.plans.shared.by_hand import for_each, in_regions
from drcore.services import logs

_PROVISIONED = "ProvisionedConcurrencyConfigs[].[FunctionArn,RequestedProvisionedConcurrentExecutions]"


def scaling(at: Place[Facts], step: StepName, *, halts: bool) -> HandAct:
    """Auto scaling leaves the workers alone, or is as before."""
    workers = at.facts.workers
    target = (
        "--region $G --service-namespace ecs \\\n    --scalable-dimension ecs:service:DesiredCount --resource-id{} "
        + words([f"service/{workers.cluster}/{workers.service}"])
    )
    shown = f"aws application-autoscaling describe-scalable-targets {target.format('s')} --output json \\\n"
    scales = f"aws application-autoscaling register-scalable-target {target.format('')} \\\n"
    ways = "\n".join(
        (
            f"scaled() {{ {shown}    --query 'ScalableTargets[0].SuspendedState'; }}",
            in_regions(at.service, "scaled > scaling-$G"),
            "scale() { "
            + in_regions(at.service, f'{scales}    --suspended-state "${{1:-$(cat scaling-$G)}}"')
            + "; }\n",
        )
    )
    off = ",".join(f"{each}Suspended=true" for each in ("DynamicScalingIn", "DynamicScalingOut", "ScheduledScaling"))
    stop = f"scale {off}"
    return HandAct(
        step,
        do=f"{ways}{stop}" if halts else "scale",
        look=in_regions(at.service, "scaled"),
        shows="true three times, in each region" if halts else "what it was before, as a rule false",
        undo="scale" if halts else stop,
        back="it scales as before" if halts else "it is suspended again",
    )


def rules(at: Place[Facts], step: StepName, *, halts: bool) -> HandAct:
    """The schedules do not fire, or those fire that did."""

    def for_rules(line: str) -> str:
        return in_regions(at.service, for_each("R", at.facts.rules, line))

    ways = "\n".join(
        (
            "rule() { aws events describe-rule --region $G --name $R --query State; }",
            for_rules("rule > rule-$G-$R"),
            "fire() { "
            + for_rules("[ $(cat rule-$G-$R) = DISABLED ] || aws events $1-rule --region $G --name $R")
            + "; }\n",
        )
    )
    return HandAct(
        step,
        do=f"{ways}fire disable" if halts else "fire enable",
        look=for_rules("rule"),
        shows="DISABLED for each rule in each region" if halts else "ENABLED for each that was",
        undo=f"fire {'enable' if halts else 'disable'}",
        back="they fire as before" if halts else "they do not fire",
    )


def workers(at: Place[Facts]) -> HandAct:
    cluster = words([at.facts.workers.cluster])
    left = "lastStatus!='STOPPED'"
    alone = "desiredStatus!='STOPPED' && !starts_with(group, 'service:')"
    return HandAct(
        titles.WORKERS,
        do=in_regions(
            at.service,
            "[ -s workers-$G ] || service desiredCount > workers-$G; work --desired-count 0",
            f'for I in $(tasks "{alone}"); do',
            f"  aws ecs stop-task --region $G --cluster {cluster} --task $I \\",
            '    --reason "by hand" --query task.taskArn; done',
        )
        + "\n"
        + in_regions(at.service, f'until [ -z "$(tasks "{left}")" ]; do sleep 10; done'),
        look=in_regions(at.service, f'echo $G $(service desiredCount) $(tasks "{left}")'),
        shows="0 and no task in each region. One comes again: stop what starts it",
        undo=in_regions(
            at.service, "work --task-definition $(good) --desired-count $(cat workers-$G) --force-new-deployment"
        ),
        back="as many as before, of the last good release",
    )


def sources(at: Place[Facts], step: StepName, *, halts: bool) -> HandAct:
    loop = f"for F in {words(at.facts.functions)}; do"
    ours = "EventSourceMappings[?ends_with(FunctionArn, ':$F') || contains(FunctionArn, ':$F:')].[UUID,State]"
    ways = "\n".join(
        (
            f"sources() {{ {loop}",
            f'  aws lambda list-event-source-mappings --region $G --query "{ours}"; done; }}',
            in_regions(at.service, "[ -s sources-$G ] || sources > sources-$G"),
            "feed() { "
            + in_regions(
                at.service,
                "while read -r U S; do [ $S = Disabled ] || aws lambda update-event-source-mapping --region $G \\",
                "  --uuid $U $1 --query State < /dev/null; done < sources-$G",
                "while sources | grep -q ing$; do sleep 10; done",
            )
            + "; }\n",
        )
    )
    return HandAct(
        step,
        do=f"{ways}feed --no-enabled" if halts else "feed --enabled",
        look=in_regions(at.service, "sources"),
        shows="Disabled in each line" if halts else "Enabled in each line that was",
        undo="feed --enabled" if halts else "feed --no-enabled",
        back="the queues feed them as before" if halts else "messages wait",
    )


def functions(at: Place[Facts]) -> HandAct:
    loop = f"for F in {words(at.facts.functions)}; do"
    one = "--region $G --function-name $F"
    reserved = f"aws lambda get-function-concurrency {one} --query ReservedConcurrentExecutions"
    return HandAct(
        titles.FUNCTIONS,
        do="\n".join(
            (
                "warm() { " + f'aws lambda list-provisioned-concurrency-configs {one} --query "{_PROVISIONED}"; }}',
                f"most() {{ {reserved}; }}",
                in_regions(at.service, loop, "  warm > warm-$G-$F; most > most-$G-$F", "done"),
                "stop() { "
                + in_regions(
                    at.service,
                    loop,
                    "  warm | while read -r A N; do",
                    f"    aws lambda delete-provisioned-concurrency-config {one} \\",
                    "      --qualifier ${A##*:} < /dev/null; done",
                    f"  aws lambda put-function-concurrency {one} --reserved-concurrent-executions 0 --query "
                    "ReservedConcurrentExecutions",
                    "done",
                )
                + "; }",
                "let() { "
                + in_regions(
                    at.service,
                    loop,
                    f"  [ $(cat most-$G-$F) = None ] && aws lambda delete-function-concurrency {one} ||",
                    f"    aws lambda put-function-concurrency {one} --reserved-concurrent-executions $(cat most-$G-$F)",
                    "done",
                )
                + "; }",
                "heat() { "
                + in_regions(
                    at.service,
                    loop,
                    "  while read -r A N; do",
                    f"    aws lambda put-provisioned-concurrency-config {one} --qualifier ${{A##*:}} \\",
                    "      --provisioned-concurrent-executions $N --query Status < /dev/null; done < warm-$G-$F",
                    "done",
                )
                + "; }",
                "stop",
            )
        ),
        look=in_regions(at.service, loop, "  echo $G $F $(most) $(warm)", "done"),
        shows="0 for each function and nothing behind it",
        undo="let; heat",
        back="they run as before",
    )


def attempt(at: Place[Facts]) -> tuple[str, ...]:
    """A write as a role of the service, in a shell of its own."""
    key = at.facts.key
    item = f'{{"{key.partition}": {{"S": "{at.facts.canary.key_prefix}drcore-by-hand"}}, "{key.sort}": {{"S": "0"}}}}'
    role = f"arn:aws:iam::{at.service.account}:role/$R"
    return (
        f"  (use $(aws sts assume-role --region $G --role-arn {role} --role-session-name $BY --query \\",
        "    'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]')",
        f"  aws dynamodb put-item --region $G --table-name $T --item {quoted(item)} \\",
        "    && echo $R WRITTEN || echo $R refused)",
    )


def workers_again(at: Place[Facts]) -> HandAct:
    facts = at.facts
    wait = 60 * facts.gate_minutes + logs.SEARCHABLE_S
    rolled = "deployments[?status=='PRIMARY'].rolloutState | [0]"
    return HandAct(
        titles.WORKERS_AGAIN,
        do="resume() { "
        + in_regions(
            at.service,
            "work --task-definition $(good) --force-new-deployment \\",
            "  --desired-count $((($(cat workers-$G) * $1 + 99) / 100))",
        )
        + "\n  "
        + in_regions(at.service, f'until [ "$(service "{rolled}")" = COMPLETED ]; do sleep 20; done')
        + f"\n  sleep {wait:.0f}; "
        + in_regions(at.service, "logged")
        + f"; }}\nresume {facts.first_workers_percent:g}\nresume 100",
        look=in_regions(
            at.service, "echo $G $(service '[desiredCount,runningCount]') $(release $(service taskDefinition))"
        ),
        shows=f"after {facts.first_workers_percent:g} %: few log lines as above, else undo. Then as many as before, "
        "all of them running, of one release, which is not the faulty one",
        undo=in_regions(at.service, "work --desired-count 0"),
        back="they stop; what they have written stays",
    )


def functions_again(at: Place[Facts]) -> HandAct:
    loop = f"for F in {words(at.facts.functions)}; do"
    one, alias = "--region $G --function-name $F", words([at.facts.alias])
    code = f"aws lambda get-function-configuration {one}"
    point = (
        f"  aws lambda update-alias {one} --name {alias} --function-version $(cat $1-$G-$F) \\",
        "    --routing-config '{\"AdditionalVersionWeights\": {}}' --query FunctionVersion",
    )
    return HandAct(
        titles.FUNCTIONS_AGAIN,
        do="point() { "
        + in_regions(at.service, loop, *point, "done")
        + "; }\n"
        + in_regions(
            at.service,
            loop,
            f"  aws lambda get-alias {one} --name {alias} --query FunctionVersion > old-$G-$F",
            f'  aws lambda update-function-configuration {one} --description "environments of run $BY" \\',
            "    --query Description",
            f'  until [ "$({code} --query LastUpdateStatus)" = Successful ]; do sleep 5; done',
            f"  S=$({code} --qualifier {alias} --query CodeSha256)",
            f"  aws lambda publish-version {one} --code-sha256 $S --query Version > own-$G-$F",
            f'  until [ "$({code} --qualifier $(cat own-$G-$F) --query State)" = Active ]; do sleep 5; done',
            "done",
        )
        + "\npoint own; let",
        look=in_regions(
            at.service,
            loop,
            f"  echo $G $F $(aws lambda get-alias {one} --name {alias} --query FunctionVersion) $(cat own-$G-$F)",
            "done",
        ),
        shows="the same number twice for each: new environments, which do not know the old table",
        undo="stop; point old",
        back="they are stopped, at the version from before. The version that was published does no harm",
    )


def provisioned_again(at: Place[Facts]) -> HandAct:
    loop = f"for F in {words(at.facts.functions)}; do"
    return HandAct(
        titles.PROVISIONED_AGAIN,
        do="heat",
        look=in_regions(at.service, loop, "  echo $F $(warm)", "done"),
        shows="what was there before. Until it is allocated some requests start cold",
        undo="stop; let",
        back="it is taken away",
    )
