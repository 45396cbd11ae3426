"""The lines of a card by hand that plans share: signing in, paging, the status page.

`G` is a region in them, `F` a function, as a line of paper has no room for long names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from drcore.engine.by_hand import HandAct, quoted, words
from drcore.engine.outcome import StepName
from drcore.engine.permissions import Place
from drcore.parameters import SecretRef, Service


def sign_in(service: Service) -> str:
    """Take on the recovery role, and see where one is. `sign` does it anew, as its keys last an hour."""
    # Not by AWS_ENDPOINT_URL: for SQS the AWS CLI v1 has an endpoint of its own, whatever that says.
    endpoint = f'aws() {{ command aws "$@" --endpoint-url {quoted(service.endpoint)}; }}\n' if service.endpoint else ""
    role = (
        'OWN="$AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN"\n'
        "use() { export AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=$2 AWS_SESSION_TOKEN=$3; }\n"
        f"sign() {{ use $(echo $OWN); use $(aws sts assume-role --region {service.runner_region} \\\n"
        f'  --role-arn {service.role} --role-session-name "by-hand-$(id -un)" \\\n'
        "  --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text); }\nsign\n"
        if service.role
        else "sign() { :; }\n"
    )
    return (
        f"export AWS_DEFAULT_OUTPUT=text AWS_PAGER= AWS_MAX_ATTEMPTS=3\n{endpoint}{role}"
        f"aws sts get-caller-identity --region {service.runner_region} --query Arn"
    )


def in_regions(service: Service, *lines: str) -> str:
    """Lines for each region, `$G`."""
    return for_each("G", service.regions, *lines)


def for_each(name: str, of: Iterable[str], *lines: str) -> str:
    """Lines for each of some names, a variable of the shell: a loop of one line, or of as many as there are."""
    if lines[-1] == "done":  # of a loop within
        lines = (*lines[:-2], f"{lines[-2]}; done")
    first, *others = lines
    return "\n".join([f"for {name} in {words(of)}; do {first}", *(f"  {line}" for line in others)]) + "; done"


def page_on_call(at: Place[Any], step: StepName, text: str) -> HandAct:
    """Page whoever is on call."""
    region = at.service.runner_region
    return HandAct(
        step,
        do=f"aws sns publish --region {region} --topic-arn {at.service.on_call.topics[region]} \\\n"
        f"  --subject {quoted('SyncWell: by hand')} --message {quoted(text)}",
        shows="a message id",
        back="none: a page that went out stays",
    )


def acknowledged(step: StepName) -> HandAct:
    """Say who has the incident."""
    return HandAct(step, by_hand="Say in the incident channel that you have it, with the time", asks="nobody")


def opens_incident(
    at: Place[Any], step: StepName, text: str, *, headline: str = "Some requests are failing", state: str
) -> HandAct:
    """Open an incident on the public status page; `$I` is its id from then on."""
    page = at.service.status_page
    affected = dict.fromkeys(page.components, state)
    incident: Mapping[str, object] = {
        "name": headline,
        "status": "investigating",
        "body": text,
        "component_ids": [*affected],
        "components": affected,
        "deliver_notifications": True,
    }
    return HandAct(
        step,
        do=f"KEY={secret(page.api_key, at.service.runner_region)}\n"
        f'tell() {{ curl -fsS -X "$1" -H "Authorization: OAuth $KEY" -H "Content-Type: application/json" -d "$3" \\\n'
        f'  "{page.url}/pages/{page.page}/incidents$2" | jq -r .id; sleep 1; }}\n'
        f'I=$(tell POST "" {quoted({"incident": incident})}); echo "$I"',
        shows="the id of the incident",
        back="none: correct it by the next message",
    )


def resolves_incident(at: Place[Any], step: StepName, text: str) -> HandAct:
    """Resolve that incident, and set the components right again."""
    affected = dict.fromkeys(at.service.status_page.components, "operational")
    return HandAct(
        step,
        do=f'tell PATCH "/$I" {quoted({"incident": {"status": "resolved", "body": text, "components": affected}})}',
        shows="the id of the incident",
        back="none: open a new incident if it comes back",
    )


def secret(reference: SecretRef, region: str) -> str:
    """A secret as a word of the shell, read where it lies."""
    kind, _, name = reference.secret.partition(":")
    if kind == "env":
        return f'"${name}"'
    return f"$(aws secretsmanager get-secret-value --region {region} --secret-id {name} --query SecretString)"
