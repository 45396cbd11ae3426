"""Questions that make a table or a queue of their own."""

from __future__ import annotations

import json
from functools import partial

from drcore.errors import Rejected
from drcore.probe.account_questions import code_of
from drcore.probe.own import QUEUE, TABLE
from drcore.probe.question import AwsQuestion, Value, seconds, words
from drcore.probe.session import ProbeSession
from drcore.services.dynamodb import policies, tables

_CHANGES = "makes an empty table, on demand"
_UNDO = "the table is deleted"
_MESSAGES = 20


def own_table(session: ProbeSession) -> tuple[str, str]:
    """The name and the ARN of a table of one's own, empty, with the key `pk`. Raises Unknown, Rejected."""
    name = session.name(TABLE, "table")
    made = session.aws.call(
        "dynamodb",
        session.region,
        "create_table",
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    session.wait(
        lambda: dict(tables.replicas(session.aws, session.region, name).status)[session.region],
        lambda status: status == "ACTIVE",
        within=120,
    )
    return name, str(made["TableDescription"]["TableArn"])


def _policy_holds(session: ProbeSession) -> Value:
    """From the answer to PutResourcePolicy until no write is taken any more: the first refusals may not be the last."""
    name, arn = own_table(session)
    put = partial(tables.put, session.aws, session.region, name, {"pk": "own"})
    session.patiently(put)
    statement = {"Sid": "probe", "Effect": "Deny", "Principal": "*", "Action": ["dynamodb:PutItem"], "Resource": arn}
    now = policies.policy(session.aws, session.region, arn)
    policies.put(session.aws, session.region, arn, [policies.statement(statement)], now)
    return session.wait(lambda: _is_refused(put), lambda refused: refused, within=180, every=1, hold=20)


def _is_refused(put: partial[None]) -> bool:
    try:
        put()
    except Rejected as error:
        if error.code == "AccessDeniedException":
            return True
        raise
    return False


def _missing_policy(session: ProbeSession) -> Value:
    _, arn = own_table(session)
    return code_of(partial(session.aws.call, "dynamodb", session.region, "get_resource_policy", ResourceArn=arn))


def _cancelled_text(session: ProbeSession) -> Value:
    """The code reads from the text of a cancelled transaction which of its writes was refused."""
    name, _ = own_table(session)
    session.patiently(partial(tables.put, session.aws, session.region, name, {"pk": "there"}))
    condition = {"ConditionExpression": "attribute_not_exists(pk)"}
    writes = [{"Put": {"TableName": name, "Item": {"pk": {"S": pk}}, **condition}} for pk in ("new", "there")]
    try:
        session.aws.call("dynamodb", session.region, "transact_write_items", TransactItems=writes)
    except Rejected as error:
        return "as matched" if str(error).endswith("[None, ConditionalCheckFailed]") else str(error)
    return "answered"


def _short_poll(session: ProbeSession) -> Value:
    name = session.name(QUEUE, "queue")
    url = str(session.aws.call("sqs", session.region, "create_queue", QueueName=name)["QueueUrl"])
    for _ in range(0, _MESSAGES, 10):
        batch = [{"Id": str(number), "MessageBody": json.dumps(number)} for number in range(10)]
        session.aws.call("sqs", session.region, "send_message_batch", QueueUrl=url, Entries=batch)
    asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0, "VisibilityTimeout": 0}
    seen = {
        each["MessageId"]
        for _ in range(3)
        for each in session.aws.call("sqs", session.region, "receive_message", **asked).get("Messages", ())
    }
    return "all seen" if len(seen) == _MESSAGES else "some missed"


QUESTIONS = (
    AwsQuestion(
        key="table-policy-takes",
        asks="How long after PutResourcePolicy has answered is every write refused that the policy denies?",
        assumed=seconds(0, 20),
        ask=_policy_holds,
        leans=("drcore/plans/g/p02_deny_writes.py", "drcore/plans/g/p03_prove_nothing_writes.py"),
        source="fidelity, fact 10: asynchronous, AWS gives no number",
        changes=f"{_CHANGES}, with a policy that denies writes of items to it",
        undo=_UNDO,
        takes="1 to 4 minutes",
    ),
    AwsQuestion(
        key="missing-table-policy",
        asks="Which code says that a table has no policy?",
        assumed=words("PolicyNotFoundException"),
        ask=_missing_policy,
        leans=("drcore/services/dynamodb/policies.py",),
        source="confirmed by one other emulator",
        changes=_CHANGES,
        undo=_UNDO,
        takes="1 minute",
    ),
    AwsQuestion(
        key="cancelled-transaction-text",
        asks="Does the text of a cancelled transaction end with a reason for each of its writes?",
        assumed=words("as matched"),
        ask=_cancelled_text,
        leans=("drcore/services/dynamodb/transactions.py",),
        source="the code matches an error's text",
        changes=_CHANGES,
        undo=_UNDO,
        takes="1 minute",
    ),
    AwsQuestion(
        key="short-poll",
        asks=f"Do three short polls of a queue see all of its {_MESSAGES} messages?",
        assumed=words("some missed"),
        ask=_short_poll,
        leans=("drcore/services/sqs.py", "drcore/services/sns.py"),
        source="fidelity B5: a short poll samples servers",
        changes=f"makes a queue with {_MESSAGES} messages that nobody reads",
        undo="the queue is deleted",
    ),
)
