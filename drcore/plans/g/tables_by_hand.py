"""What plan G does to tables, by hand: policy, export, restore, settings, replicas, evidence, switch.

`$T` is the table in use, `$NEW` the one that is restored, `$H` the region that it is restored in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from drcore.engine.by_hand import HandAct, quoted, words
from drcore.engine.permissions import Place
from drcore.plans.g import titles
from drcore.plans.g.facts import Facts
from drcore.plans.g.resources import EXPORTED
from drcore.plans.g.tables import DENY_SID, KEEP_SID, KEPT_UNTIL, REPLICATION, denies, lets_only
from drcore.plans.shared.by_hand import in_regions
from drcore.plans.shared.flags_by_hand import knows_documents
from drcore.services.dynamodb import policies

_DYNAMODB = "aws dynamodb"
_ARN = "$arn"  # what jq puts a table's ARN in the place of


def knows_policies(at: Place[Facts]) -> str:
    """`policy` reads that of a table, `write` puts it with a change, unless somebody has changed it meanwhile."""
    account = at.service.account
    none = {"RevisionId": "NO_POLICY", "Policy": f'{{"Version":"{policies.VERSION}","Statement":[]}}'}
    roles = [f"arn:aws:iam::{account}:role/{name}" for name in at.facts.roles.writers]
    kept = [f"arn:aws:iam::{account}:role/{name}" for name in (at.facts.roles.recovery, REPLICATION)]
    moved = 'walk(if type == "string" then sub(":table/\\($t)(?<r>/|$)"; ":table/\\($n)\\(.r)") else . end)'
    return "\n".join(
        (
            f"arn() {{ echo arn:aws:dynamodb:$G:{account}:table/$1; }}",
            f'NO=\'map(select(.Sid | IN("{DENY_SID}", "{KEEP_SID}") | not))\'',
            f"DENY={_statement(denies(roles, _ARN))}",
            f"KEEP={_statement(lets_only(kept, _ARN))}",
            f"MOVED='{moved}'",
            f"policy() {{ {_DYNAMODB} get-resource-policy --region $G --resource-arn $(arn $1) --output json \\",
            f"  > policy.json || echo {quoted(none)} > policy.json; R=$(jq -r .RevisionId policy.json); }}",
            'write() { jq -S --arg arn $(arn $1) --arg t $T --arg n $NEW ".Policy | fromjson | .Statement |= \\',
            '    ([.] | flatten | $2)" policy.json > new.json',
            "  if [ $(jq '.Statement | length' new.json) = 0 ]; then [ $R = NO_POLICY ] ||",
            f"    {_DYNAMODB} delete-resource-policy --region $G --resource-arn $(arn $1) --expected-revision-id $R",
            f"  else {_DYNAMODB} put-resource-policy --region $G --resource-arn $(arn $1) --policy file://new.json \\",
            "    --expected-revision-id $R --query RevisionId; fi; }",
            "stands() { policy $1; jq -c --arg g $G '[$g, (.Policy | fromjson | [.Statement] | flatten[].Sid)]' \\",
            "  policy.json; }",
        )
    )


def _statement(written: Mapping[str, object]) -> str:
    """A statement for jq, with the table's ARN filled in by it."""
    text = json.dumps(json.loads(policies.statement(written)), separators=(",", ":"))
    return f"'[{text}]'".replace(f'"{_ARN}"', _ARN)


def denies_writes(at: Place[Facts]) -> HandAct:
    """The surest lever first; when it held is `$HALTED`."""
    return HandAct(
        titles.DENY,
        do=in_regions(at.service, 'policy $T; write $T "$NO + $DENY"')
        + f"\nsleep {at.facts.policy_takes_s:.0f}; HALTED=$(date +%s)",
        look=in_regions(at.service, "stands $T"),
        shows=f"{DENY_SID} for each region",
        undo=in_regions(at.service, 'policy $T; write $T "$NO"'),
        back="the service may write again",
    )


def knows_changes(at: Place[Facts]) -> str:
    """`edge` is a bound of what can be restored; `$OURS` and `$BAD` choose lines of an export, `$AT` is when."""
    facts, attributes = at.facts, at.facts.attributes
    last = f'.NewImage.{attributes.writer} | ((.L? // [.])[-1].S? // "")'
    ours = f'select(.Keys.{facts.key.partition}.S | startswith("{facts.users.prefix}"))'
    bad = (
        f"select((.NewImage | not) or .OldImage.{attributes.modified} == .NewImage.{attributes.modified} "
        f"or ({last}) == $w)"
    )
    return "\n".join(
        (
            'secs() { jq -r \'if type == "number" then floor else .[:19] + "Z" | fromdate end\'; }',
            f"edge() {{ {_DYNAMODB} describe-continuous-backups --region $H --table-name $T --output json \\",
            "  --query ContinuousBackupsDescription.PointInTimeRecoveryDescription.$1RestorableDateTime | secs; }",
            f"OURS='{ours}' AT='.Metadata.WriteTimestampMicros.N | tonumber / 1e6'",
            f"BAD='{bad}'",
        )
    )


def exports(at: Place[Facts]) -> HandAct:
    """`$FIRST` is the first bad write: a span that ends with the first that is seen may show an earlier one."""
    facts = at.facts
    bucket = words([facts.exports.format(region=at.service.runner_region)])
    made = f"{_DYNAMODB} describe-export --region $H --export-arn $X --query ExportDescription"
    listed = f"aws s3api list-objects-v2 --region $H --bucket {bucket} --prefix {EXPORTED}$BY/$1/"
    span = "ExportFromTime=$FROM,ExportToTime=$1,ExportViewType=NEW_AND_OLD_IMAGES"
    return HandAct(
        titles.EXPORT,
        do="\n".join(
            (
                f'W="{facts.workers.writes_as.format(release="$FAULTY")}"',
                "changes() {",
                f"  X=$({_DYNAMODB} export-table-to-point-in-time --region $H --table-arn $(G=$H; arn $T) \\",
                f"    --s3-bucket {bucket} --s3-prefix {EXPORTED}$BY/$1 --export-type INCREMENTAL_EXPORT \\",
                f"    --incremental-export-specification {span} --query ExportDescription.ExportArn)",
                f'  while [ "$({made}.ExportStatus)" = IN_PROGRESS ]; do sleep 15; sign; done; {made}.ExportStatus',
                f"  for K in $({listed} --query \"Contents[?contains(Key, '/data/')].Key\"); do",
                f"    aws s3api get-object --region $H --bucket {bucket} --key $K part.gz > /dev/null",
                "    gunzip -c part.gz; done > changes-$1.json",
                '  jq -s --arg w "$W" "[.[] | $OURS | $BAD | $AT | floor] | min" changes-$1.json; }',
                "FROM=$(edge Earliest); END=$(edge Latest); [ $END -lt $HALTED ] || END=$HALTED",
                "[ $FROM -gt $((END - 10800)) ] || FROM=$((END - 10800))",
                "FIRST=$(changes $END | tail -n 1); SEEN=$END",
                'until [ "$FIRST" = "$SEEN" ] || [ "$FIRST" = null ]; do SEEN=$FIRST',
                "  EARLIER=$(changes $SEEN | tail -n 1); [ $EARLIER = null ] || FIRST=$EARLIER; done",
            )
        ),
        look='echo "$FAULTY: $FIRST"; jq -s --arg w "$W" "[.[] | $OURS | $BAD] | length" changes-$END.json',
        shows="the second of the first bad write, how many items were last changed by one. null: none was found. "
        "Then name a time that you know was good, FIRST=$(date -ud '…' +%s). A change without a new "
        f"{facts.attributes.modified} counts as bad",
        back="nothing to undo: the table is not touched",
    )


def decides_point(at: Place[Facts]) -> HandAct:
    """`$POINT`, with how many honest changes are lost since."""
    return HandAct(
        titles.RECOVERY_POINT,
        do=f"POINT=$((FIRST - {at.facts.margin_s:.0f}))\n"
        'LOST=$(jq -s --arg w "$W" --argjson p $POINT "[.[] | $OURS | select($AT > \\$p)] | length - ([.[] | $BAD] \\\n'
        '  | length)" changes-$END.json)',
        look='for S in $(edge Earliest) $POINT $(edge Latest); do jq -nr "$S | todate"; done; echo "$LOST changes"',
        shows="three times in order: the point lies in the window. Then how many good changes would be lost",
        by_hand="Confirm the point in the incident channel",
        back="choose anew before the restore",
    )


def restores(at: Place[Facts]) -> HandAct:
    """A new table beside the one in use."""
    status = f"{_DYNAMODB} describe-table --region $G --table-name $NEW --query Table.TableStatus"
    return HandAct(
        titles.RESTORE,
        do=f'ready() {{ until [ "$({status})" = ACTIVE ]; do sleep 30; sign; done; }}\n'
        f"{_DYNAMODB} restore-table-to-point-in-time --region $H --source-table-arn $(G=$H; arn $T) \\\n"
        "  --target-table-name $NEW --restore-date-time $POINT --billing-mode-override PAY_PER_REQUEST "
        "--query TableDescription.TableStatus\nG=$H; ready",
        look=f"{_DYNAMODB} describe-table --region $H --table-name $NEW \\\n"
        "  --query 'Table.[TableStatus,ItemCount,RestoreSummary.RestoreDateTime]'",
        shows="ACTIVE, and the point. It takes minutes to hours. Keys last an hour: sign, whenever they are expired",
        back="none is needed: the table in use is not touched. Delete $NEW if it is not switched to",
    )


def compares(at: Place[Facts]) -> HandAct:
    """Accounts that people know, in both tables."""
    key = {
        at.facts.key.partition: {"S": f"{at.facts.users.prefix}UUU"},
        at.facts.key.sort: {"S": at.facts.users.sort},
    }
    return HandAct(
        titles.SPOT_CHECK,
        look=f"known() {{ for U in {words(at.facts.known_good)}; do\n"
        f'  aws dynamodb get-item --region $G --table-name $1 --key "$(echo {quoted(key)} | sed s/UUU/$U/)" \\\n'
        "    --output json "
        "| jq -c .Item\ndone; }\nG=$H; known $T; known $NEW",
        shows="in the second half what the users say is right. Add the accounts of those who complain",
    )


def knows_settings(at: Place[Facts]) -> str:
    """`settings` sets again in `$G` what a restore drops, as `$T` has it; `$MORE` is warm throughput to be added."""
    facts = at.facts
    new = "--region $G --table-name $NEW"
    alarms = [
        line
        for name in facts.settings.alarms
        for line in (
            f"  aws cloudwatch describe-alarms --region $G --alarm-names {words([name])} --output json | \\",
            (
                '    jq --arg t $T --arg n $NEW "$ALARM" > alarm.json; '
                "aws cloudwatch put-metric-alarm --region $G --cli-input-json file://alarm.json"
            ),
        )
    ]
    backups = "ContinuousBackupsDescription.PointInTimeRecoveryDescription.RecoveryPeriodInDays"
    tags = (
        f"(.Tags | from_entries) + {quoted(facts.settings.tags)[1:-1]} | to_entries | map(select(.key |\n"
        f'    (startswith("aws:") or . == "{KEPT_UNTIL}") | not) | {{Key: .key, Value: .value}})'
    )
    reads, writes = "ReadUnitsPerSecond", "WriteUnitsPerSecond"
    more = (
        f". as [$t, $n] | $t // empty | select(.{reads} > $n.{reads} or .{writes} > $n.{writes})\n  | "
        "{" + ", ".join(f"{each}: ([., $n | .{each}] | max)" for each in (reads, writes)) + "}"
    )
    alarm = (
        '.MetricAlarms[0] | with_entries(select(.key | test("AlarmArn|State|Timestamp") | not))\n'
        "  | walk(if . == $t then $n else . end) | .AlarmName |= sub($t; $n)"
    )
    return "\n".join(
        (
            f"ALARM='{alarm}'",
            "settings() {",
            f"  D=$({_DYNAMODB} describe-continuous-backups --region $G --table-name $T --query {backups})",
            (
                f"  {_DYNAMODB} update-continuous-backups {new} --query ContinuousBackupsDescription."
                "ContinuousBackupsStatus \\"
            ),
            "    --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=$D",
            f"  {_DYNAMODB} update-table {new} --deletion-protection-enabled --query TableDescription.TableStatus",
            "  ready",
            (
                f"  {_DYNAMODB} tag-resource --region $G --resource-arn $(arn $NEW) --tags "
                f'"$({_DYNAMODB} list-tags-of-resource \\'
            ),
            f"    --region $G --resource-arn $(arn $T) --output json | jq -c '{tags}')\"",
            *alarms,
            '  policy $T; [ $R = NO_POLICY ] || { R=NO_POLICY; write $NEW "$NO | $MOVED"; }; }',
            f"units() {{ {_DYNAMODB} describe-table --region $G --table-name $1 --output json \\",
            "  --query Table.WarmThroughput; }",
            f"MORE='{more}'",
        )
    )


def sets_again(at: Place[Facts]) -> HandAct:
    """What a restore drops, but for what replication carries in the region of the restore alone."""
    facts, new = at.facts, "--region $G --table-name $NEW"
    return HandAct(
        titles.SETTINGS,
        do="\n".join(
            (
                f"G=$H; {_DYNAMODB} update-table {new} --query TableDescription.TableStatus \\",
                "  --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES; ready",
                f"{_DYNAMODB} update-time-to-live {new} --query TimeToLiveSpecification.AttributeName \\",
                f"  --time-to-live-specification Enabled=true,AttributeName={words([facts.settings.ttl])}",
                "settings",
                'UNITS=$({ units $T; units $NEW; } | jq -cs "$MORE")',
                f'[ -z "$UNITS" ] || {{ {_DYNAMODB} update-table {new} --warm-throughput "$UNITS" \\',
                "  --query TableDescription.TableStatus; ready; }",
            )
        ),
        look=_SHOWN,
        shows="NEW_AND_OLD_IMAGES, True; the policy statements of $T but the denial",
        back="none is needed: nobody uses $NEW yet",
    )


_SHOWN = (
    f"{_DYNAMODB} describe-table --region $G --table-name $NEW \\\n"
    "  --query 'Table.[StreamSpecification.StreamViewType,DeletionProtectionEnabled]'; stands $NEW"
)


def replicates(at: Place[Facts]) -> HandAct:
    """A replica in each other region, one at a time, with its settings."""
    others = [each for each in at.service.regions if each != at.service.runner_region]
    key = "Table.SSEDescription.KMSMasterKeyArn"
    replica = "Table.Replicas[?RegionName=='$G'].ReplicaStatus"
    return HandAct(
        titles.REPLICAS,
        do="\n".join(
            (
                f"for G in {words(others)}; do",
                f"  K=$({_DYNAMODB} describe-table --region $G --table-name $T --query {key})",
                f"  {_DYNAMODB} update-table --region $H --table-name $NEW --query TableDescription.TableStatus \\",
                ('    --replica-updates Create={RegionName=$G$([ $K = None ] || echo ",KMSMasterKeyId=$K")}'),
                f'  until [ "$({_DYNAMODB} describe-table --region $H --table-name $NEW --query "{replica}")" \\',
                "    = ACTIVE ]; do sleep 30; sign; done",
                "  ready; settings",
                "done",
            )
        ),
        look=in_regions(at.service, *_SHOWN.splitlines()),
        shows="the same in each region",
        back="none is needed: nobody uses $NEW yet",
    )


def keeps_corrupt(at: Place[Facts]) -> HandAct:
    """Evidence: protected, read-only, with a date; the denial of the halt stays."""
    table = "--region $G --table-name $T"
    return HandAct(
        titles.KEEP,
        do=in_regions(
            at.service,
            f"{_DYNAMODB} describe-table {table} --query Table.DeletionProtectionEnabled > guarded-$G",
            f"{_DYNAMODB} update-table {table} --deletion-protection-enabled --query TableDescription.TableStatus",
            'policy $T; write $T "$NO + $DENY + $KEEP"',
            f"{_DYNAMODB} tag-resource --region $G --resource-arn $(arn $T) --tags \\",
            f'  "Key={KEPT_UNTIL},Value=$(jq -nr "$(date +%s) + {at.facts.keep_days} * 86400 | todate")"',
        ),
        look=in_regions(at.service, "stands $T"),
        shows=f"{DENY_SID} and {KEEP_SID} for each region",
        undo=in_regions(
            at.service,
            'policy $T; write $T "$NO + $DENY"',
            f"{_DYNAMODB} untag-resource --region $G --resource-arn $(arn $T) --tag-keys {KEPT_UNTIL}",
            f"[ $(cat guarded-$G) = True ] || {_DYNAMODB} update-table {table} --no-deletion-protection-enabled \\",
            "  --query TableDescription.TableStatus",
        ),
        back="no longer kept; writes stay denied",
    )


def switches(at: Place[Facts]) -> HandAct:
    """All writers stand still: one region after the other, each read back as a consumer."""
    where = at.facts.configuration
    names = " ".join(
        f"--{kind}-identifier {words([name])}"
        for kind, name in (
            ("application", where.application),
            ("environment", where.environment),
            ("configuration-profile", where.profile),
        )
    )
    deploy = f'deploy {words([where.environment])} {words([where.profile])} ".{where.key} = env.{{}}"'
    return HandAct(
        titles.SWITCH,
        do=f"export NEW T\n{knows_documents(at, where.application, where.strategy)}\n{deploy.format('NEW')}",
        look=in_regions(
            at.service,
            f"K=$(aws appconfigdata start-configuration-session --region $G {names} --query InitialConfigurationToken)",
            "aws appconfigdata get-latest-configuration --region $G --configuration-token $K got.json > /dev/null",
            f"jq -r .{where.key} got.json",
        ),
        shows="the name of the new table in each region",
        undo=deploy.format("T"),
        back="only as long as nothing has written to $NEW: from the act Resume workers on there is no return without "
        "loss",
    )
