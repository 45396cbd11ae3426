"""Plan C by hand: the rollout is held in the consoles of the stores, the replacement built by the pipeline's job.

`$BAD` is the version with the bug, `$VERSION` the one that takes its place, `$SOURCE` what it is built from. What is
done in a store's console has no command: its API wants a signed key, which is no work for a shell.
"""

from __future__ import annotations

from dataclasses import replace

from drcore.engine.by_hand import HandAct, HandCard, words
from drcore.engine.permissions import Place
from drcore.plans.c import public_words, titles
from drcore.plans.c.facts import Facts
from drcore.plans.shared.by_hand import acknowledged, opens_incident, page_on_call, resolves_incident, sign_in
from drcore.plans.shared.flags_by_hand import knows_flags

_PLAY, _IOS = "Google Play Console, Production", "App Store Connect, the app's version"


def card(at: Place[Facts]) -> HandCard:
    """The acts of plan C, in the order in which they are done."""
    facts, flags = at.facts, at.facts.levers.flags
    return HandCard(
        "\n".join((sign_in(at.service), _knows_version(at), "ON= BANNER=", knows_flags(at, flags))),
        (
            HandAct(
                titles.DETECT,
                look=_crashed(facts),
                shows=f"crashed users of active ones, by platform: above {100 - facts.crash_free_percent:.3g} % is a "
                "trigger. Fewer "
                f"than {facts.minimum_users:,} users tell nothing",
                by_hand="Data loss: look at the tickets of the support desk, category "
                f"{facts.lost_data.category}, by version",
            ),
            page_on_call(at, titles.NOTIFY, "A release of the app has a critical bug. Plan C is carried out by hand."),
            acknowledged(titles.ACKNOWLEDGE),
            HandAct(
                titles.HALT_PLAY,
                by_hand=f"{_PLAY}: Halt rollout of $BAD. It says halted; a release that everybody has cannot be halted",
                back="Resume rollout, in the same place",
            ),
            HandAct(
                titles.HALT_IOS,
                by_hand=f"{_IOS}: Pause Phased Release of $BAD. It says paused; who updates by hand still gets it",
                back="Resume Phased Release, in the same place",
            ),
            HandAct(
                titles.OFF_SALE,
                by_hand="Only where the incident commander names the territories. App Store Connect, Pricing and "
                "Availability: remove them. It takes a day; who has the app keeps it",
                back="the act that puts it back on sale",
            ),
            opens_incident(at, titles.INVESTIGATING, public_words.INVESTIGATING, state="degraded_performance"),
            HandAct(
                titles.TRIAGE,
                look=f"aws logs filter-log-events --region {facts.crash_logs.region} --log-group-name "
                f"{words([facts.crash_logs.group])} \\\n  --limit 5 --query 'events[].message'",
                shows="the newest crash reports: what has failed, in which version",
            ),
            HandAct(
                titles.FEATURE,
                do=f'[ -z "$ON" ] || switch {words([flags.at_once])} \\\n'
                '  ".values[\\$on] += {enabled: true, off_from: \\"$BAD\\", off_to: \\"$BAD\\"}"',
                look='[ -z "$ON" ] || consumed',
                shows="the feature's flag with off_from and off_to, in each region; nothing where none is at fault",
                undo=f'[ -z "$ON" ] || deployed {words([flags.at_once])} was',
                back="the version from before is deployed again",
                by_hand=f"Before: does a report name a feature ({', '.join(facts.features)})? Then ON=its flag "
                f"({', '.join(facts.features.values())}); BANNER=$ON",
            ),
            HandAct(
                titles.DECIDE,
                look='echo "$BAD -> $VERSION from $SOURCE"',
                shows="the version that takes the bad one's place, and what it is built from",
                by_hand="The incident commander decides in the incident channel, with the reason: a hotfix (as shown), "
                "or a roll back, which is a higher version of the stable source: SOURCE=its tag",
            ),
            HandAct(
                titles.BUILD,
                do=f"B=$(aws codebuild start-build --region {facts.build_job.region} "
                f"--project-name {words([facts.build_job.project])} \\\n"
                '  --source-version "$SOURCE" --query build.id \\\n'
                '  --environment-variables-override "name=VERSION,value=$VERSION,type=PLAINTEXT"); echo "$B"',
                look=f"built() {{ aws codebuild batch-get-builds --region {facts.build_job.region} --ids $B "
                "--query 'builds[0].buildStatus'; }\n"
                'while [ "$(built)" = IN_PROGRESS ]; do sleep 60; done; built',
                shows="SUCCEEDED: it was built, and uploaded to both stores",
                back="none is needed: nobody has it until it is submitted",
            ),
            HandAct(
                titles.SUBMIT_PLAY,
                by_hand=f"{_PLAY}: Create new release with $VERSION, to everybody",
                back="none: go on to the next version",
            ),
            HandAct(
                titles.SUBMIT_IOS,
                by_hand="App Store Connect: a new version $VERSION with that build, released at once, and Request "
                "Expedited Review",
                back="Remove from Review, as long as it waits",
            ),
            HandAct(
                titles.REVIEW,
                by_hand=f"Look at both consoles each half hour, {facts.review_hours:g} hours at most: Google Play says "
                "Available, App Store Connect says Ready for Distribution",
            ),
            HandAct(
                titles.ON_SALE,
                by_hand="Only if it was taken off: add the same territories again, in the same place",
                back="none is needed",
            ),
            HandAct(
                titles.RECOVER,
                by_hand=f"{_PLAY}: App recovery, a prompt to update for everybody who has $BAD",
                back="Cancel the recovery action, in the same place",
            ),
            HandAct(
                titles.LEAST,
                do=f"ON={words([facts.levers.least_version])} BANNER=$ON\n"
                f"switch {words([flags.at_once])} \\\n"
                '  ".values[\\$on] += {enabled: true, google_play: \\"$VERSION\\", app_store: \\"$VERSION\\"}"',
                look="consumed",
                shows="the least version for each store that has it, in each region",
                undo=f"deployed {words([flags.at_once])} was",
                back="the version from before is deployed again",
                by_hand="Leave out a store whose review is not over, by its name in the line",
            ),
            HandAct(
                titles.VERIFY,
                look=_crashed(facts),
                shows=f"below {100 - facts.crash_free_percent:.3g} % again, on both platforms, within "
                f"{facts.verify_hours:g} hours",
            ),
            _told(resolves_incident(at, titles.RESOLVED, public_words.over("{bad}", "{version}"))),
        ),
    )


def _told(act: HandAct) -> HandAct:
    """The message with both versions in it, as variables of the shell."""
    return replace(act, do=act.do.replace("{bad}", "'\"$BAD\"'").replace("{version}", "'\"$VERSION\"'"))


def _knows_version(at: Place[Facts]) -> str:
    """The newest version by the manifest, and the one after it."""
    region = at.service.runner_region
    bucket = at.facts.releases.bucket.format(region=region)
    return (
        f"aws s3api get-object --region {region} --bucket {words([bucket])} --key {words([at.facts.releases.key])} "
        "mobile.json > /dev/null\n"
        "jq -c '.releases[]' mobile.json\n"
        "BAD=$(jq -r '.releases[-1].version' mobile.json)\n"
        'VERSION=$(echo "$BAD" | jq -Rr \'split(".") | .[2] = (.[2] | tonumber + 1 | tostring) | join(".")\')\n'
        f'SOURCE={words([at.facts.build_job.hotfix])}; echo "$BAD -> $VERSION"'
    )


def _crashed(facts: Facts) -> str:
    crashes = facts.crashes
    return (
        "NOW=$(date -u +%Y-%m-%dT%H:00:00Z); SINCE=$(jq -nr '(now - 86400) | todate')\n"
        f"for P in {words([crashes.google_play, crashes.app_store])}; do\n"
        f"  aws cloudwatch list-metrics --region {crashes.region} --namespace {words([crashes.namespace])} \\\n"
        f"    --metric-name {words([crashes.metric])} --dimensions Name=Platform,Value=$P --output json |\n"
        "    jq -r '.Metrics[].Dimensions[] | select(.Name != \"Platform\") | .Value' | while read CODE; do\n"
        f"  echo $P $CODE $(aws cloudwatch get-metric-statistics --region {crashes.region} \\\n"
        f"    --namespace {words([crashes.namespace])} --metric-name {words([crashes.metric])} --period 86400 \\\n"
        "    --statistics Sum SampleCount --start-time $SINCE --end-time $NOW \\\n"
        "    --dimensions Name=Platform,Value=$P Name=VersionCode,Value=$CODE \\\n"
        "    --query 'Datapoints[].[Sum,SampleCount]'); done; done"
    )
