"""Switching flags by hand: AppConfig's document of flags, changed by jq, deployed in each region.

`flags` gives a part of what is known of a region, `G`; `switch STRATEGY CHANGE` changes the document everywhere.
Where flags have environments of their own, `deploy ENVIRONMENT PROFILE CHANGE` does, of any document of JSON.

As text the AWS CLI puts a query to each page: of a long list each page has an answer of its own. A name is looked up
such that a page without it answers nothing. Of deployments the first page is asked for, which has the last 50.
"""

from __future__ import annotations

from typing import Any

from drcore.engine.by_hand import HandAct, quoted, words
from drcore.engine.outcome import StepName
from drcore.engine.permissions import Place
from drcore.plans.shared.by_hand import in_regions
from drcore.plans.shared.facts import FlagPlace
from drcore.plans.shared.flag_profiles import FlagProfile

# Without the times, which are AppConfig's own.
_BARE = '(.flags // empty, .values // empty) |= map_values(with_entries(select(.key | startswith("_") | not)))'
_NAMED = "named() { echo \"Items[?Name=='$1'].[Id]\"; }"
_UNDER_WAY = "Items[?State=='DEPLOYING' || State=='BAKING'].DeploymentNumber"
_DEPLOYED = "max_by(Items[?State=='COMPLETE' || State=='BAKING'], &DeploymentNumber).ConfigurationVersion"


def knows_flags(at: Place[Any], where: FlagProfile) -> str:
    """The ids behind the names, what is deployed, how it is changed."""
    version = "--application-id $A --configuration-profile-id $C"
    consumer = (
        f"--application-identifier {words([where.application])} --environment-identifier {words([where.environment])}",
        f"  --configuration-profile-identifier {words([where.profile])} --query InitialConfigurationToken)",
    )
    arguments = '--arg on "$ON" --arg banner "$BANNER" --arg text "$TEXT"'
    switches = in_regions(
        at.service,
        f'flags "{_DEPLOYED}" > was-$G',
        f"aws appconfig get-hosted-configuration-version --region $G {version} \\",
        "  --version-number $(cat was-$G) flags-$G.json > /dev/null",
        f"jq {arguments} \\",
        f'  {quoted(_BARE)}"| $2" flags-$G.json > new-$G.json',
        f"aws appconfig create-hosted-configuration-version --region $G {version} \\",
        "  --content fileb://new-$G.json --content-type application/json /dev/null --query VersionNumber > next-$G",
    )
    deploys = in_regions(
        at.service,
        'flags "[]" > /dev/null',
        'S=$(aws appconfig list-deployment-strategies --region $G --query "$(named $1)")',
        "aws appconfig start-deployment --region $G --application-id $A --environment-id $V \\",
        "  --configuration-profile-id $C --deployment-strategy-id $S --configuration-version $(cat $2-$G) \\",
        "  --query DeploymentNumber",
    )
    consumes = in_regions(
        at.service,
        f"T=$(aws appconfigdata start-configuration-session --region $G {consumer[0]} \\",
        consumer[1],
        "aws appconfigdata get-latest-configuration --region $G --configuration-token $T got-$G.json > /dev/null",
        'jq -c "{$ON, $BANNER}" got-$G.json',
    )
    ids = (
        f'A=$(aws appconfig list-applications --region $G --query "$(named {words([where.application])})")',
        "V=$(aws appconfig list-environments --region $G --application-id $A \\",
        f'  --query "$(named {words([where.environment])})")',
        "C=$(aws appconfig list-configuration-profiles --region $G --application-id $A \\",
        f'  --query "$(named {words([where.profile])})")',
        "aws appconfig list-deployments --region $G --application-id $A --environment-id $V --no-paginate \\",
        '  --query "$1"; }',
    )
    return "\n".join(
        (
            _NAMED,
            "flags() {",
            *(f"  {line}" for line in ids),
            f'busy() {{ flags "{_UNDER_WAY}"; }}',
            "settled() { " + in_regions(at.service, 'until [ -z "$(busy)" ]; do sleep 30; done') + "; }",
            f'switch() {{ {switches}\ndeployed "$1" next; }}',
            f"deployed() {{ {deploys}; settled; }}",
            f"consumed() {{ {consumes}; }}",
        )
    )


def clears_the_way(at: Place[Any], step: StepName) -> HandAct:
    """Stop what is deployed now: one deployment at a time runs in an environment."""
    return HandAct(
        step,
        do=in_regions(
            at.service,
            'flags "[]" > /dev/null',
            "for D in $(busy); do",
            "  aws appconfig stop-deployment --region $G --application-id $A --environment-id $V \\",
            "    --deployment-number $D --allow-revert",  # without it not one that bakes
            "done",
        )
        + "\nsettled",
        look=in_regions(at.service, "busy"),
        shows="nothing: no deployment runs",
        by_hand="An experiment on one of the flags is stopped in the console of AppConfig, in each region",
        back="none: deploy anew once it is over",
    )


def knows_documents(at: Place[Any], application: str, strategy: str) -> str:
    """`deploy ENVIRONMENT PROFILE CHANGE` deploys a changed document in each region; `document` reads it there."""
    place = "--region $G --application-id $A"
    version = f"{place} --configuration-profile-id $C"
    last = "max_by(Items[?State=='COMPLETE'], &DeploymentNumber).ConfigurationVersion"
    document = (
        f'A=$(aws appconfig list-applications --region $G --query "$(named {words([application])})")',
        f'V=$(aws appconfig list-environments {place} --query "$(named $1)")',
        f'C=$(aws appconfig list-configuration-profiles {place} --query "$(named $2)")',
        f'N=$(newest "{last}")',
        f"aws appconfig get-hosted-configuration-version {version} --version-number $N was-$G.json > /dev/null",
    )
    deploys = in_regions(
        at.service,
        "document $1 $2",
        f'jq {quoted(_BARE)}"| $3" was-$G.json > new-$G.json',
        f"N=$(aws appconfig create-hosted-configuration-version {version} --content fileb://new-$G.json \\",
        "  --content-type application/json /dev/null --query VersionNumber)",
        f'S=$(aws appconfig list-deployment-strategies --region $G --query "$(named {words([strategy])})")',
        f"aws appconfig start-deployment {place} --environment-id $V --configuration-profile-id $C \\",
        "  --deployment-strategy-id $S --configuration-version $N --query DeploymentNumber",
        f'until [ -z "$(newest "{_UNDER_WAY}")" ]; do sleep 15; done',
    )
    return "\n".join(
        (
            _NAMED,
            f'newest() {{ aws appconfig list-deployments {place} --environment-id $V --no-paginate --query "$1"; }}',
            "document() {",
            *(f"  {line}" for line in document),
            "}",
            f"deploy() {{ {deploys}; }}",
            "shown() { " + in_regions(at.service, "document $1 $2; jq -c .values was-$G.json") + "; }",
        )
    )


def sets_own_flag(
    step: StepName,
    where: FlagPlace,
    change: str,
    *,
    shows: str = "in each region: on, with its value",
    undo: str = "",
    back: str,
) -> HandAct:
    """Set such a flag everywhere; `undo` is the change that sets it back, empty: none does."""
    place = f"{words([where.environment])} {words([where.profile])}"
    flag = f'.values[\\"{where.flag}\\"]'
    return HandAct(
        step,
        do=f'deploy {place} "{flag} |= ({change})"',
        look=f"shown {place}",
        shows=shows,
        undo=f'deploy {place} "{flag} |= ({undo})"' if undo else "",
        back=back,
    )
