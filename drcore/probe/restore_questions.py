"""A question that restores a table of one's own. It takes long: AWS has its pace."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial

from drcore.errors import Rejected, Unknown
from drcore.probe.own import PREFIX, ROLE, TABLE
from drcore.probe.question import AwsQuestion, Value, words
from drcore.probe.session import ProbeSession
from drcore.probe.table_questions import own_table
from drcore.services.dynamodb import recovery, tables

# The restore itself, and what AWS checks behind it at the new table.
_ACTIONS = ("RestoreTableToPointInTime", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan")


def _restore_survives(session: ProbeSession) -> Value:
    """A session that may do nothing any more is what one is that has ended, and comes at once."""
    aws, region = session.aws, session.region
    name, arn = own_table(session)
    session.patiently(partial(recovery.turn, aws, region, name, on=True), within=300)
    session.patiently(partial(tables.put, aws, region, name, {"pk": "own"}))
    written = session.clock.now().replace(microsecond=0) + timedelta(seconds=1)  # inside the window, which begins now
    session.wait(lambda: recovery.window(aws, region, name), lambda open_: open_.holds(written), within=1200, every=30)
    role = session.name(ROLE, "restorer")
    made = aws.call("iam", region, "create_role", RoleName=role, AssumeRolePolicyDocument=_trusts(session))
    may = [f"dynamodb:{action}" for action in (*_ACTIONS, "UpdateItem")]
    _put_policy(session, role, "Allow", may, f"arn:aws:dynamodb:*:*:table/{PREFIX}*")
    target = session.name(TABLE, "restored")
    restore = partial(recovery.restore, aws.as_role(made["Role"]["Arn"]), region, arn, target, written)
    session.wait(lambda: _is_let(restore), lambda let: let, within=120)  # a new role, a new policy: both take a while
    _put_policy(session, role, "Deny", ["*"], "*")
    session.wait(
        lambda: recovery.restored(aws, region, target).status,
        lambda status: status in ("ACTIVE", ""),
        within=3 * 3600,
        every=30,
    )
    return "survives" if recovery.restored(aws, region, target).status else "fails"


def _trusts(session: ProbeSession) -> str:
    """Whoever in this account is allowed to by policies of their own: the runner's role is."""
    principal = {"AWS": f"arn:aws:iam::{session.service.account}:root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _put_policy(session: ProbeSession, role: str, effect: str, actions: list[str], resource: str) -> None:
    statement = {"Effect": effect, "Action": actions, "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    policy = {"RoleName": role, "PolicyName": effect, "PolicyDocument": document}
    session.aws.call("iam", session.region, "put_role_policy", **policy)


def _is_let(act: partial[None]) -> bool:
    try:
        act()
    except Rejected as error:
        if error.code not in ("AccessDenied", "AccessDeniedException"):
            raise
        return False
    except Unknown:
        return False  # looked for below, by its name
    return True


QUESTIONS = (
    AwsQuestion(
        key="restore-survives-its-session",
        asks="Does a restore go on after the session that began it may do nothing any more?",
        assumed=words("survives"),
        ask=_restore_survives,
        leans=("drcore/plans/g/p05_restore.py", "drcore/calls/aws.py"),
        source="no document says so; a session lasts an hour, a restore may take longer",
        changes="makes an empty table with point-in-time recovery, a role, and restores that table as that role",
        undo="both tables and the role are deleted",
        cost="less than a cent",
        takes="20 minutes to some hours",
    ),
)
