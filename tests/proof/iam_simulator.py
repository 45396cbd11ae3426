"""The sandbox's IAM beside an evaluator that this project did not write: iam-simulate, from npm, used as a tool only.

Policies and requests are drawn by a seed. Where the two decide otherwise the case is printed, and the part is red, but
for two kinds of grants by the policy of a resource, each beside a limit of the caller that does not allow it:

- to everybody: the tool lets it pass a boundary, the sandbox does not. AWS's pages speak of roles and users only.
- to a session by its ARN: the tool lets the session's policy limit it. By AWS's page it does not.

Anonymous callers, other accounts and policies of an organization are left out: the sandbox does not evaluate them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from drcore.sandbox.identity.evaluation import Policies, Ruling, decide
from drcore.sandbox.identity.policy import PolicyDocument, Principal, read

TOOL = "@cloud-copilot/iam-simulate@0.1.173"
CASES = 3000
ACCOUNT = "123456789012"
ROOT, ROLE = f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:role/runner"
SESSION, USER = f"arn:aws:sts::{ACCOUNT}:assumed-role/runner/night", f"arn:aws:iam::{ACCOUNT}:user/ann"
SESSION_ONLY = {"AWS": SESSION}
WHO = (Principal(USER, USER, ACCOUNT), Principal(SESSION, ROLE, ACCOUNT))
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/"
ACTIONS = ("dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:DeleteItem")
WORDS = {
    "Allowed": Ruling.ALLOWED,
    "ExplicitlyDenied": Ruling.EXPLICIT_DENY,
    "ImplicitlyDenied": Ruling.IMPLICIT_DENY,
}
_RUN = """
import { runSimulation } from '@cloud-copilot/iam-simulate'
import { createInterface } from 'node:readline'
for await (const line of createInterface({ input: process.stdin })) {
  const found = await runSimulation(JSON.parse(line), {})
  console.log(found.resultType === 'error' ? JSON.stringify(found.errors) : found.overallResult)
}
"""


def cases() -> Iterator[dict[str, Any]]:
    """So many requests, each with its policies, as the tool wants them."""
    stream = Random(10)  # noqa: S311 - cases, no secrets
    for _ in range(CASES):
        yield case(stream)


def case(stream: Random) -> dict[str, Any]:
    who = stream.choice(WHO)
    region = stream.choice(("us-east-1", "us-west-2"))
    made: dict[str, Any] = {
        "request": {
            "principal": who.arn,
            "action": stream.choice(ACTIONS),
            "resource": {"resource": TABLE + stream.choice(("T", "T-restored", "Other")), "accountId": ACCOUNT},
            "contextVariables": {"aws:RequestedRegion": region, "aws:PrincipalArn": who.entity},
        },
        "identityPolicies": [{"name": f"p{n}", "policy": policy(stream)} for n in range(stream.choice((0, 1, 1, 2)))],
        "serviceControlPolicies": [],
        "resourceControlPolicies": [],
    }
    if stream.random() < 0.3:
        made["permissionBoundaryPolicies"] = [{"name": "boundary", "policy": policy(stream)}]
    if who.is_session and stream.random() < 0.3:
        made["sessionPolicy"] = policy(stream)
    if stream.random() < 0.5:
        made["resourcePolicy"] = policy(stream, named=True)
    return made


def policy(stream: Random, *, named: bool = False) -> dict[str, Any]:
    statements = [statement(stream, named=named) for _ in range(stream.choice((1, 1, 2, 3)))]
    return {"Version": "2012-10-17", "Statement": statements}


def statement(stream: Random, *, named: bool) -> dict[str, Any]:
    actions = [*ACTIONS, "dynamodb:*", "dynamodb:*Item", "dynamodb:P?tItem", "s3:GetObject"]
    resources = ["*", f"{TABLE}T", f"{TABLE}T*", f"{TABLE}O?her", "arn:aws:dynamodb:*:*:table/*"]
    made: dict[str, Any] = {"Effect": stream.choice(("Allow", "Allow", "Deny"))}
    made["NotAction" if stream.random() < 0.15 else "Action"] = stream.sample(actions, stream.choice((1, 2)))
    made["NotResource" if stream.random() < 0.15 else "Resource"] = stream.sample(resources, stream.choice((1, 2)))
    if named:
        made["Principal"] = stream.choice(("*", *({"AWS": each} for each in (ROOT, ROLE, SESSION, USER, "*"))))
    if stream.random() < 0.4:
        made["Condition"] = stream.choice(
            (
                {"StringEquals": {"aws:RequestedRegion": ["us-east-1"]}},
                {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}},
                {"StringLike": {"aws:RequestedRegion": "us-w*"}},
                {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}},
                {"ArnNotEquals": {"aws:PrincipalArn": ROLE}},
                {"Null": {"aws:SourceVpce": "true"}},
                {"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}},
                {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
            )
        )
    return made


def ours(asked: Mapping[str, Any]) -> Ruling:
    """What the sandbox decides."""
    request = asked["request"]
    who = next(each for each in WHO if each.arn == request["principal"])
    context = {name.lower(): (value,) for name, value in request["contextVariables"].items()}
    boundary, session, resource = (
        asked.get(name) for name in ("permissionBoundaryPolicies", "sessionPolicy", "resourcePolicy")
    )
    policies = Policies(
        tuple(document(each["policy"]) for each in asked["identityPolicies"]),
        (document(session),) if session else None,
        tuple(document(each["policy"]) for each in boundary) if boundary else None,
        document(resource) if resource else None,
    )
    return decide(who, request["action"], request["resource"]["resource"], context, policies).ruling


def document(written: Mapping[str, Any]) -> PolicyDocument:
    return read("p", json.dumps(written))


def theirs(asked: list[dict[str, Any]], folder: Path) -> list[str]:
    """What the tool decides, in its words. Raises CalledProcessError."""
    npm, node = (shutil.which(each) for each in ("npm", "node"))
    if not (npm and node):
        sys.exit("expected npm and Node.js, which the other evaluator runs on, found none")
    subprocess.run([npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder, TOOL], check=True)
    script = folder / "run.mjs"
    script.write_text(_RUN)
    lines = "\n".join(map(json.dumps, asked)) + "\n"
    return subprocess.run([node, script], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()


def is_known(asked: Mapping[str, Any], word: str, ruling: Ruling) -> bool:
    """Whether it is one of the two kinds of grants that are decided otherwise on purpose."""
    granting = [each for each in asked.get("resourcePolicy", {}).get("Statement", ()) if each["Effect"] == "Allow"]
    named = [each["Principal"] for each in granting]
    if word == "Allowed" and ruling is Ruling.IMPLICIT_DENY:
        limited = {"permissionBoundaryPolicies", "sessionPolicy"} & asked.keys()
        return bool(limited) and ("*" in named or {"AWS": "*"} in named)
    return (
        word == "ImplicitlyDenied" and ruling is Ruling.ALLOWED and "sessionPolicy" in asked and SESSION_ONLY in named
    )


def main() -> None:
    asked = list(cases())
    with tempfile.TemporaryDirectory() as folder:
        told = theirs(asked, Path(folder))
    differing = [
        (each, word, ruling)
        for each, word, ruling in zip(asked, told, map(ours, asked), strict=True)
        if WORDS.get(word) is not ruling
    ]
    known = [each for each in differing if is_known(*each)]
    differing = [each for each in differing if not is_known(*each)]
    for each, word, ruling in differing[:5]:
        sys.stdout.write(f"theirs {word}, ours {ruling}: {json.dumps(each)}\n")
    counted = {str(ruling): sum(ours(each) is ruling for each in asked) for ruling in Ruling}
    same = len(asked) - len(differing) - len(known)
    sys.stdout.write(f"{same} of {len(asked)} are decided alike, {len(known)} otherwise on purpose; ours: {counted}\n")
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
