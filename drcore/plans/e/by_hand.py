"""Plan E by hand: contained by a flag, mended by the alias, old tokens made worthless where they are used or stored.

`$ID` is the finding, `$MODE` what was decided of it, `$RELEASE` the release that mends it. No value of a token is read.
"""

from __future__ import annotations

from dataclasses import replace

from drcore.engine.by_hand import HandAct, HandCard, quoted, words
from drcore.engine.permissions import Place
from drcore.plans.e import public_words, titles
from drcore.plans.e.facts import Facts
from drcore.plans.shared.by_hand import (
    acknowledged,
    in_regions,
    opens_incident,
    page_on_call,
    resolves_incident,
    secret,
    sign_in,
)
from drcore.plans.shared.flags_by_hand import knows_documents, sets_own_flag
from drcore.plans.shared.release_by_hand import freeze, knows_release, points_aliases, points_stage, unfreeze

_MODE_ON = ".enabled = true | .level = env.MODE"


def card(at: Place[Facts]) -> HandCard:
    """The acts of plan E, in the order in which they are done."""
    facts = at.facts
    flags = knows_documents(at, facts.flags.application, facts.flags.strategy)
    first = (sign_in(at.service), knows_release(at, facts.releases), _knows_finding(at), flags, _knows(at))
    return HandCard(
        "\n".join(first),
        (
            HandAct(
                titles.REACH,
                look=in_regions(at.service, "secrets | wc -l"),
                shows="a number for each region",
                by_hand="A region does not answer: the incident commander decides to go on without it. AWAY=its name, "
                "and leave it out of the loops",
            ),
            _logs(at),
            _evidence(at),
            HandAct(
                titles.DETECT,
                look=in_regions(at.service, 'echo "$G $(exposed)"'),
                shows="true where the hole is",
            ),
            page_on_call(at, titles.NOTIFY, "A vulnerability was found. Plan E is carried out by hand."),
            acknowledged(titles.ACKNOWLEDGE),
            HandAct(
                titles.DECIDE,
                look="jq -c '{id,title,where,fixed_in,ssvc,cvss,known_exploited}' finding.json; echo $MODE",
                shows="the finding with its severity. MODE=maintenance where it is exploited. Of no weight: stop here",
                by_hand="The incident commander decides in the incident channel, with reason and time: "
                + "; ".join(f"{each.name} within {each.hours:g} h" for each in facts.clocks),
            ),
            freeze(at, titles.FREEZE, facts.pipeline),
            sets_own_flag(
                titles.CONTAIN, facts.flags.mode, _MODE_ON, undo=".enabled = false", back="the mode is off again"
            ),
            HandAct(
                titles.CONTAINED,
                look=f"sleep {60 * facts.servers_minutes:.0f}; writes",
                shows="a status from 400 on for each path, in each region",
            ),
            opens_incident(
                at,
                titles.MAINTENANCE,
                public_words.MAINTENANCE,
                headline="Maintenance mode: syncs and settings",
                state="under_maintenance",
            ),
            _hotfix(points_aliases(at, titles.LAMBDA, facts.functions, facts.alias)),
            points_stage(at, titles.API),
            HandAct(
                titles.MENDED,
                look=in_regions(at.service, 'until [ "$(exposed)" = false ]; do sleep 15; done; echo "$G closed"'),
                shows="closed for each region",
            ),
            _epoch(at),
            _issuers(at),
            HandAct(
                titles.PROMOTE,
                do=in_regions(
                    at.service,
                    '[ -z "$AWAY" ] || for N in $(secrets "SecretList[?PrimaryRegion==\'$AWAY\']"); do',
                    "  aws secretsmanager stop-replication-to-replica --region $G --secret-id $N",
                    "done",
                ),
                shows="an ARN for each replica, where a region is away; else nothing",
            ),
            _sweep(at),
            _labels(at),
            HandAct(
                titles.COPIES,
                look="sleep 120; " + in_regions(at.service, "old") + _elsewhere(at, "old"),
                shows="nothing: no label in any region, of any account, leads to another version",
            ),
            HandAct(
                titles.REFUSED,
                look=f"sleep {60 * facts.hold_minutes:.0f}\n"
                + in_regions(
                    at.service,
                    f"for J in {words(facts.issuers)}; do "
                    f'curl -fsS "$(api $G){facts.checks.token_probe.format(issuer="$J")}" | jq -c; done',
                ),
                shows='"syncwell":"refused" for each issuer, in each region',
            ),
            HandAct(
                titles.SIGN_IN,
                do=f'tell PATCH "/$I" {quoted(_incident(at, "monitoring", public_words.SIGN_IN))}',
                shows="the id of the incident",
                back="none: correct it by the next message",
            ),
            sets_own_flag(
                titles.LIFT,
                facts.flags.mode,
                ".enabled = false",
                shows="in each region: off",
                undo=_MODE_ON,
                back="the mode is on again",
            ),
            HandAct(
                titles.VERIFY,
                look=f"sleep {60 * facts.hold_minutes:.0f}; writes; " + in_regions(at.service, 'echo "$G $(exposed)"'),
                shows="200 for each path, false for each region",
            ),
            _told(resolves_incident(at, titles.RESOLVED, public_words.closed(" since {since}"))),
            unfreeze(at, titles.UNFREEZE, facts.pipeline),
        ),
        tools=("aws", "curl", "jq", "sha256sum"),
    )


def _incident(at: Place[Facts], status: str, text: str) -> dict[str, object]:
    components = dict.fromkeys(at.service.status_page.components, "under_maintenance")
    return {"incident": {"status": status, "body": text, "components": components}}


def _told(act: HandAct) -> HandAct:
    """The message with since when the hole was open, as a variable of the shell."""
    return replace(act, do=act.do.replace("{since}", "'\"$SINCE\"'"))


def _knows_finding(at: Place[Facts]) -> str:
    """The newest open finding; what its checks say in a region."""
    desk, checks, region = at.facts.desk, at.facts.checks, at.service.runner_region
    key = f' -H "Authorization: Bearer {secret(desk.api_key, region)}"' if desk.api_key else ""
    apis = "; ".join(f"{each}) echo {quoted(url)}" + ";" for each, url in at.service.api.items())
    return "\n".join(
        (
            f"curl -fsS{key} {quoted(desk.url + '/findings')} | jq '.findings | max_by(.reported_at)' > finding.json",
            'ID=$(jq -r .id finding.json); export MODE=read-only; AWAY=; echo "$ID $MODE"',
            'SINCE="$(jq -r \'.exposed_since[:16] | sub("T"; " ")\' finding.json) UTC"',
            f"api() {{ case $1 in {apis} esac; }}",
            f'exposed() {{ curl -fsS "$(api $G){checks.exposure.format(finding="$ID")}" | jq .exposed; }}',
            "writes() { "
            + in_regions(
                at.service,
                f'curl -fsS "$(api $G){checks.marked_writes}" | jq -c --arg g $G \\',
                '  "[\\$g, (.paths | map_values(.status))]"',
            )
            + "; }",
        )
    )


def _knows(at: Place[Facts]) -> str:
    """`secrets` names those with tokens in `$G`, `old` what reads another version of them than `token` names."""
    listed = "aws secretsmanager list-secrets --region $G --filters Key=name,Values="
    listed += words([at.facts.tokens.prefix])
    return "\n".join(
        (
            "BY=by-hand-$(id -un)",
            f"secrets() {{ {listed} --query \"${{1:-SecretList}}[].Name\" | tr '\\t' '\\n'; }}",
            "own() { echo \"SecretList[?!PrimaryRegion || PrimaryRegion=='$G']\"; }",
            'token() { printf %s "$BY $1" | sha256sum | \\',
            '  sed -E "s/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/\\1-\\2-\\3-\\4-\\5/"; }',
            f"old() {{ {listed} --output json \\",
            '  --query "${1:-SecretList}" | jq -r \'.[] | .Name as $n | .SecretVersionsToStages | to_entries[] |',
            '  .key as $v | .value[] | "\\($n) \\(.) \\($v)"\' | while read N L V; do',
            '  [ "$V" = "$(token $N)" ] || echo "$N $L $V"; done; }',
            "sweep() { for N; do",
            "  aws secretsmanager put-secret-value --region $G --secret-id $N --client-request-token $(token $N) \\",
            '    --secret-string "{\\"revoked\\": {\\"run\\": \\"$BY\\"}}" --query Name; done; }',
            "unlabel() { while read N L V; do",
            "  aws secretsmanager update-secret-version-stage --region $G --secret-id $N --version-stage $L \\",
            "    --remove-from-version-id $V --query Name; done; }",
            *_knows_accounts(at),
        )
    )


def _knows_accounts(at: Place[Facts]) -> tuple[str, ...]:
    """`as ROLE ID` takes on a role of another account, `copied` names what no replication brings there."""
    if not at.facts.tokens.other_accounts:
        return ()
    keys = "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"
    return (
        f"as() {{ K=$(aws sts assume-role --region {at.service.runner_region} --role-arn $1 --external-id $2 \\",
        "  --role-session-name $BY --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' \\",
        f'  --output text) || exit 1; read {keys} <<< "$K"; export {keys}; }}',
        'copied() { for N in $(secrets "$(own)"); do aws secretsmanager describe-secret --region $G --secret-id $N \\',
        "  --output json | jq -r 'select(.CrossAccountPrimary | not) | .Name'; done; }",
    )


def _logs(at: Place[Facts]) -> HandAct:
    group = words([at.facts.security_logs])
    kept = f"aws logs describe-log-groups --region $G --log-group-name-prefix {group} "
    days = "--no-paginate --query 'logGroups[0].retentionInDays'"
    return HandAct(
        titles.KEEP_LOGS,
        do=in_regions(
            at.service,
            f"{kept}{days} > kept-$G",
            f"aws logs put-retention-policy --region $G --log-group-name {group} "
            f"--retention-in-days {at.facts.keep_logs_days}",
        ),
        look=in_regions(at.service, f"{kept}{days}"),
        shows=f"{at.facts.keep_logs_days} for each region",
        undo=in_regions(
            at.service,
            f'[ "$(cat kept-$G)" = None ] && aws logs delete-retention-policy --region $G --log-group-name {group} ||',
            f"  aws logs put-retention-policy --region $G --log-group-name {group} \\",
            '    --retention-in-days "$(cat kept-$G)"',
        ),
        back="kept for as long as before",
    )


def _evidence(at: Place[Facts]) -> HandAct:
    region, days = at.service.runner_region, at.service.evidence.retain_days
    bucket = words([at.service.evidence.buckets[region]])
    return HandAct(
        titles.FREEZE_EVIDENCE,
        do="{ cat finding.json; "
        + in_regions(
            at.service,
            "old",
            f"for F in {words(at.facts.functions)}; do aws lambda get-alias --region $G --function-name $F "
            f"--name {words([at.facts.alias])}; done",
        )
        + "; } > frozen.txt\n"
        f"aws s3api put-object --region {region} --bucket {bucket} --key frozen/$BY-$ID.txt --body frozen.txt \\\n"
        f"  --object-lock-mode GOVERNANCE --object-lock-retain-until-date "
        f"$(jq -nr '(now + {days} * 86400) | todate') --query ETag",
        look=f"aws s3api head-object --region {region} --bucket {bucket} --key frozen/$BY-$ID.txt "
        "--query ContentLength",
        shows="its size",
        back="none: it stays until its retention is over",
    )


def _epoch(at: Place[Facts]) -> HandAct:
    """The flag with the time of S3's clock, whatever that of this machine says."""
    region = at.service.runner_region
    bucket = words([at.service.evidence.buckets[region]])
    clock = (
        f"aws s3api put-object --region {region} --bucket {bucket} --key frozen/$BY-mended.txt --body finding.json "
        "--query ETag\n"
        f"export NOW=$(aws s3api list-objects-v2 --region {region} --bucket {bucket} \\\n"
        "  --prefix frozen/$BY-mended.txt --query 'Contents[].LastModified' | cut -c1-19)Z\n"
    )
    change = ".enabled = true | .min_issued_at = env.NOW"
    act = sets_own_flag(titles.EPOCH, at.facts.flags.epoch, change, back="none: old tokens would be good again")
    return replace(act, do=clock + act.do)


def _hotfix(points: HandAct) -> HandAct:
    """The release that the finding names, in place of what serves."""
    names = "LEFT=$RELEASE; RELEASE=$(jq -r .fixed_in finding.json)\n"
    return replace(
        points,
        do=names + points.do,
        by_hand="The hole is in the app: plan C releases the mended version; skip this act and the next",
    )


def _issuers(at: Place[Facts]) -> HandAct:
    region = at.service.runner_region
    machine = f"arn:aws:states:{region}:{at.service.account}:stateMachine:{at.facts.revoker}"
    job = f"arn:aws:states:{region}:{at.service.account}:execution:{at.facts.revoker}:$BY-$J"
    text = f"aws stepfunctions describe-execution --region {region} --execution-arn {job} --query"
    loop = f"for J in {words(at.facts.issuers)}; do"
    return HandAct(
        titles.ISSUERS,
        do=f"{loop}\n  aws stepfunctions start-execution --region {region} --state-machine-arn {machine} \\\n"
        '    --name $BY-$J    --input "{\\"issuer\\": \\"$J\\", \\"run\\": \\"$BY\\"}" --query startDate\ndone',
        look=f'{loop}\n  while [ "$({text} status)" = RUNNING ]; do sleep 15; done\n  {text} "[status,output]"\ndone',
        shows='SUCCEEDED for each, "left": 0. Where "way" is "none": have the issuer change our client secret',
    )


def _sweep(at: Place[Facts]) -> HandAct:
    return HandAct(
        titles.SWEEP,
        do=in_regions(at.service, 'sweep $(secrets "$(own)")') + _elsewhere(at, "sweep $(copied)"),
        look=in_regions(at.service, 'old "$(own)" | grep AWSCURRENT || true')
        + _elsewhere(at, "old | grep AWSCURRENT || true"),
        shows="nothing: no secret's current version is another one. Again, where a write was refused: it changes "
        "nothing twice",
    )


def _labels(at: Place[Facts]) -> HandAct:
    return HandAct(
        titles.LABELS,
        do=in_regions(at.service, 'old "$(own)" | unlabel') + _elsewhere(at, 'old "$(own)" | unlabel'),
        look=in_regions(at.service, 'old "$(own)"') + _elsewhere(at, "old"),
        shows="nothing",
    )


def _elsewhere(at: Place[Facts], command: str) -> str:
    """The same in each other account that keeps copies, in a shell of its own under the role there."""
    return "".join(
        f"\n( as {words([each.role])} {words([each.external_id])}; for G in {words(each.regions)}; do {command}; done )"
        for each in at.facts.tokens.other_accounts
    )
