"""Plan B by hand: six levers of the AI Insights Service, of which one is pulled."""

from __future__ import annotations

from drcore.engine.by_hand import HandAct, HandCard, quoted, words
from drcore.engine.permissions import Place
from drcore.plans.b import titles
from drcore.plans.b.facts import Facts
from drcore.plans.shared import by_hand
from drcore.plans.shared.by_hand import in_regions
from drcore.services.sagemaker import IN_HALVES, Guardrails

RESOLVED = "Our AI-powered features work normally again. Thank you for your patience."
HEADLINE = "AI-powered features have issues"


def card(at: Place[Facts]) -> HandCard:
    """The acts of plan B, in the order in which they are done."""
    facts = at.facts
    prefix = f"--alarm-name-prefix {words([facts.alarms.prefix])}"
    alarms = f'until [ -z "$(aws cloudwatch describe-alarms --region $G {prefix} \\'
    return HandCard(
        "\n".join((by_hand.sign_in(at.service), _knows_endpoint(at))),
        (
            by_hand.page_on_call(at, titles.NOTIFY, "The AI Insights Service fails. Plan B is carried out by hand."),
            by_hand.acknowledged(titles.ACKNOWLEDGE),
            HandAct(
                titles.DECIDE,
                look=in_regions(
                    at.service,
                    "echo $G $(endpoint '[EndpointStatus,EndpointConfigName]') "
                    "$(endpoint 'ProductionVariants[].[VariantName,CurrentWeight]')",
                    "aws sagemaker list-endpoint-configs --region $G "
                    f"--name-contains {words([facts.endpoint.configurations])} \\",
                    "  --sort-by CreationTime --query 'EndpointConfigs[].[EndpointConfigName,CreationTime]'",
                ),
                shows="the endpoint of each region, its variants with their weights, its configurations, newest first",
                by_hand="The incident commander decides on ONE of the next six acts, in the incident channel. The "
                f"errors rise on {facts.endpoint.variant}: Shift. The configuration changed in the last "
                f"{facts.recent_deployment_minutes:g} minutes: Change. No variant has a model: the inference "
                "component. The gateway answers 401: Rotate. The first LLM "
                "is slow, or throttles (429): Reorder. So does the order that is wanted: Ask for quota",
            ),
            _weights(at),
            _configuration(at),
            _component(at),
            _key(at),
            _gateway(at),
            _quota(at),
            by_hand.opens_incident(
                at, titles.PROLONGED, facts.ai_message, headline=HEADLINE, state="degraded_performance"
            ),
            HandAct(
                titles.VERIFY,
                look=in_regions(
                    at.service,
                    alarms,
                    "  --state-value ALARM --query 'MetricAlarms[].AlarmName')\" ]; do sleep 30; done",
                )
                + f"\nsleep {60 * facts.hold_minutes:.0f}",
                shows=f"the loop ends: no alarm is on. It lasts {facts.hold_minutes:g} minutes: look again then",
            ),
            by_hand.resolves_incident(at, titles.RESOLVED, RESOLVED),
        ),
    )


def _knows_endpoint(at: Place[Facts]) -> str:
    name = words([at.facts.endpoint.name])
    return (
        f"E={name}\n"
        'endpoint() { aws sagemaker describe-endpoint --region $G --endpoint-name $E --query "$1"; }\n'
        "settled() { "
        + in_regions(at.service, "until [ $(endpoint EndpointStatus) = InService ]; do sleep 30; done")
        + "; }"
    )


def _weights(at: Place[Facts]) -> HandAct:
    new, old = at.facts.endpoint.variant, at.facts.endpoint.old_variant
    return HandAct(
        titles.WEIGHTS,
        do="weigh() { "
        + in_regions(
            at.service,
            "aws sagemaker update-endpoint-weights-and-capacities --region $G --endpoint-name $E \\",
            f"  --desired-weights-and-capacities VariantName={new},DesiredWeight=$1 VariantName={old},DesiredWeight=$2",
        )
        + "; }\nweigh 0 1; settled",
        look=in_regions(at.service, "endpoint 'ProductionVariants[].[VariantName,CurrentWeight]'"),
        shows=f"{new} 0.0 and {old} 1.0 in each region",
        undo="weigh 1 0; settled",
    )


def _configuration(at: Place[Facts]) -> HandAct:
    rollout = at.facts.rollout
    guardrails = Guardrails(rollout.canary_percent, int(60 * rollout.wait_minutes), int(60 * rollout.keep_minutes))
    return HandAct(
        titles.CONFIGURATION,
        do='over() { aws sagemaker update-endpoint --region $G --endpoint-name $E --endpoint-config-name "$1" \\\n'
        "  --retain-all-variant-properties --no-retain-deployment-config \\\n"
        f"  --deployment-config {quoted(guardrails.as_request())}; }}\n"
        + in_regions(
            at.service,
            "endpoint EndpointConfigName > was-$G",
            "N=$(aws sagemaker list-endpoint-configs --region $G "
            f"--name-contains {words([at.facts.endpoint.configurations])} \\",
            "  --sort-by CreationTime --sort-order Descending --no-paginate \\",
            "  --query 'EndpointConfigs[1].EndpointConfigName')",
            'echo "$N"; over "$N"',
        )
        + "\nsettled",
        look=in_regions(at.service, "endpoint EndpointConfigName"),
        shows="the configuration before the newest, in each region. The newest one: the update was turned back",
        undo=in_regions(at.service, 'over "$(cat was-$G)"') + "\nsettled",
    )


def _component(at: Place[Facts]) -> HandAct:
    known = at.facts.endpoint.component
    return HandAct(
        titles.COMPONENT,
        do=f"I={words([known.name])}\n"
        "component() { aws sagemaker describe-inference-component --region $G \\\n"
        '  --inference-component-name $I --query "$1"; }\n'
        "model() { aws sagemaker update-inference-component --region $G --inference-component-name $I \\\n"
        f"  --deployment-config {quoted(IN_HALVES)} \\\n"
        '  --specification "$(aws sagemaker describe-inference-component --region $G --inference-component-name $I \\\n'
        '  --query Specification --output json | sed "s/$(component Specification.ModelName)/$1/")"; }\n'
        "copies() { aws sagemaker update-inference-component-runtime-config --region $G \\\n"
        '  --inference-component-name $I --desired-runtime-config CopyCount="$1"; }\n'
        "ended() { until [ $(component InferenceComponentStatus) = InService ]; do sleep 30; done; }\n"
        + in_regions(
            at.service,
            "component '[Specification.ModelName,RuntimeConfig.CurrentCopyCount]' > was-$G; read -r WAS N < was-$G",
            f'if [ "$N" -lt {known.copies} ]; then copies {known.copies}; else',
            f"  model $(aws sagemaker list-models --region $G --name-contains {words([known.models])} \\",
            "    --sort-by CreationTime --sort-order Descending --no-paginate --query 'Models[1].ModelName')",
            "fi",
        )
        + "\n"
        + in_regions(at.service, "ended"),
        look=in_regions(at.service, "component '[Specification.ModelName,RuntimeConfig.CurrentCopyCount]'"),
        shows=f"in each region at least {known.copies} copies; where as many ran, the model before the newest",
        undo=in_regions(
            at.service,
            "read -r WAS N < was-$G",
            'if [ "$N" = "$(component RuntimeConfig.DesiredCopyCount)" ]; then model "$WAS"; else copies "$N"; fi',
        )
        + "\n"
        + in_regions(at.service, "ended"),
    )


def _key(at: Place[Facts]) -> HandAct:
    llm = at.facts.llm
    secret = f"--region {llm.key_region} --secret-id {words([llm.key.secret.partition(':')[2]])}"
    return HandAct(
        titles.KEY,
        do="version() { aws secretsmanager list-secret-version-ids "
        f"{secret} --include-deprecated \\\n"
        "  --query \"Versions[?contains(VersionStages || \\`[]\\`, '$1')].VersionId\"; }\n"
        'NEW=$(version AWSPENDING); OLD=$(version AWSCURRENT); echo "from $OLD to $NEW"\n'
        f"current() {{ aws secretsmanager update-secret-version-stage {secret} --version-stage AWSCURRENT \\\n"
        '  --move-to-version-id "$1" --remove-from-version-id "$2"; }\n'
        'current "$NEW" "$OLD"',
        look="version AWSCURRENT",
        shows="the version that had waited. No value of the key is read",
        undo='current "$OLD" "$NEW"',
    )


def _gateway(at: Place[Facts]) -> HandAct:
    llm = at.facts.llm
    key = by_hand.secret(llm.key, at.service.runner_region)
    return HandAct(
        titles.GATEWAY,
        do=f'rule() {{ curl -fsS -H "Authorization: Bearer $LLM" {words([llm.url + "/gateway/rule"])} "$@"; }}\n'
        f'LLM={key}; WAS=$(rule); echo "$WAS"\n'
        "order() { rule -X PUT -H 'Content-Type: application/json' -d \"$1\"; }\n"
        f"order {quoted({'targets': list(llm.fallback_order)})}",
        look="rule",
        shows=f"the order {', '.join(llm.fallback_order)}. 401: the key is refused, rotate it first",
        undo='order "$WAS"',
    )


def _quota(at: Place[Facts]) -> HandAct:
    quota = at.facts.llm.quota
    which = f"--region {quota.region} --service-code {words([quota.service])} --quota-code {words([quota.code])}"
    return HandAct(
        titles.QUOTA,
        do=f"aws service-quotas request-service-quota-increase {which} \\\n"
        f"  --desired-value {quota.wanted:g} --query RequestedQuota.Status",
        look=f"aws service-quotas list-requested-service-quota-change-history-by-quota {which} \\\n"
        "  --no-paginate --query 'RequestedQuotas[0].[Status,DesiredValue]'",
        back="a request cannot be taken back, and a higher quota harms nobody",
        shows=f"APPROVED {quota.wanted:.1f}. CASE_OPENED: a person at AWS decides",
    )
