"""Keys of one's own: the printed policy and each act's session have what AWS asks for of them, nobody else's has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drcore import plans
from drcore.engine.act_session import session_policies
from drcore.engine.permissions import OF_OWN_KEYS, Place, policy
from drcore.engine.prepare import HOME
from drcore.errors import BadInput
from drcore.parameters import Service, as_data, load, parse

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BEHIND_A_CALL = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
G = plans.find("g")


def place(*keys: str) -> Place[Any]:
    service, facts = load(HOME / "parameters", "sandbox", "g", G.facts)
    return Place(service.model_copy(update={"encryption_keys": keys}), facts)


def of_keys(document: dict[str, Any]) -> list[tuple[list[str], list[str]]]:
    found = [(each["Action"], each["Resource"]) for each in document["Statement"]]
    return [(actions, arns) for actions, arns in found if any(each.startswith("kms:") for each in actions)]


def test_the_printed_policy_should_have_what_is_needed_of_each_key_and_of_no_other() -> None:
    assert of_keys(policy(G.permissions, place(KEY))) == [(BEHIND_A_CALL, [KEY])]
    assert of_keys(policy(G.permissions, place())) == []


def test_each_act_should_have_it_in_its_session() -> None:
    at = place(KEY)
    for step in (each for each in G.steps if each.act and not each.whole_role):
        for form in session_policies((*step.permissions, *OF_OWN_KEYS), at):
            actions = {action for each in json.loads(form.text)["Statement"] for action in each["Action"]}
            assert set(BEHIND_A_CALL) <= actions, f"{step.title}: {form.how}"


def test_what_is_no_key_should_be_refused() -> None:
    service = place().service
    with pytest.raises(BadInput, match="encryption_keys"):
        parse({**as_data(service), "encryption_keys": ["arn:aws:iam::123456789012:role/x"]}, Service, "here")
