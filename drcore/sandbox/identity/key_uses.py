"""What KMS is asked for behind a call, in the name of who calls, where a customer's key is touched.

A key is behind a call where the table, the secret, the object or its bucket names it, by ARN; one of AWS's own asks
nobody. Simplified: S3 asks for the object's bucket, not for the object; DynamoDB asks each time, not once in five
minutes; keys named by alias or id are none.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drcore.sandbox.core.registry import AwsCall
from drcore.sandbox.identity.requests import Ask
from drcore.sandbox.moto import backends

READS, WRITES = ("Decrypt",), ("GenerateDataKey", "Decrypt")
TAKES_IT = ("CreateGrant", "DescribeKey", "Encrypt", "GenerateDataKey", "Decrypt")
"""What a table is made with, that is to lie under a key (DynamoDB, encryption at rest: usage notes)."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """An action at a key, with the service that asks for it (kms:ViaService)."""

    ask: Ask
    via: str


Asks = Sequence[Ask]
Keys = Callable[[AwsCall, Asks], Iterable[tuple[str, tuple[str, ...]]]]


def key_uses(call: AwsCall, asks: Asks) -> Iterator[KeyUse]:
    """What is asked of customers' keys behind a call, which asks for these things itself."""
    known = _BEHIND.get(call.service)
    for key, actions in known(call, asks) if known else ():
        if key.startswith("arn:aws:kms:"):
            via = f"{call.service}.{key.split(':')[3]}.amazonaws.com"
            yield from (KeyUse(Ask(f"kms:{action}", key), via) for action in actions)


def _of_s3(call: AwsCall, asks: Asks) -> Iterator[tuple[str, tuple[str, ...]]]:
    actions = {"GetObject": READS, "PutObject": WRITES, "CopyObject": WRITES}.get(call.operation)
    bucket = backends.s3(call.account).buckets.get(str(call.params.get("Bucket"))) if actions else None
    if actions and bucket and bucket.encryption:
        yield _found(bucket.encryption, "KMSMasterKeyID"), actions


def _of_secretsmanager(call: AwsCall, asks: Asks) -> Iterator[tuple[str, tuple[str, ...]]]:
    actions = {"GetSecretValue": READS, "PutSecretValue": WRITES, "UpdateSecret": WRITES}.get(call.operation)
    if actions:
        secret = backends.secretsmanager(call.account, call.region).secrets.get(str(call.params.get("SecretId")))
        yield str(getattr(secret, "kms_key_id", None) or ""), actions
    if call.operation == "CreateSecret":
        yield str(call.params.get("KmsKeyId") or ""), WRITES


def _of_dynamodb(call: AwsCall, asks: Asks) -> Iterator[tuple[str, tuple[str, ...]]]:
    if call.operation in _MAKES:
        source = str(call.params.get("SourceTableArn") or call.params.get("SourceTableName") or "")
        wanted = call.params.get("SSESpecificationOverride") or call.params.get("SSESpecification")
        yield str((wanted or {}).get("KMSMasterKeyId") or "") or _key_of_table(call, source), TAKES_IT
    for update in call.params.get("ReplicaUpdates") or ():
        yield str(update.get("Create", {}).get("KMSMasterKeyId") or ""), TAKES_IT
    if call.operation in _ITEMS:
        for table in dict.fromkeys(ask.resource.split("/")[1] for ask in asks):  # that of an index, too
            yield _key_of_table(call, table), READS


def _key_of_table(call: AwsCall, name: str) -> str:
    table = backends.dynamodb(call.account, call.region).tables.get(name.rpartition("/")[2])
    return str(((table.sse_specification if table else None) or {}).get("KMSMasterKeyId") or "")


def _found(settings: Any, name: str) -> str:
    """A value of a name, however deep; empty where there is none."""
    if isinstance(settings, Mapping):
        return str(settings.get(name) or "") or next(filter(None, (_found(e, name) for e in settings.values())), "")
    if isinstance(settings, list):
        return next(filter(None, (_found(each, name) for each in settings)), "")
    return ""


_MAKES = frozenset(("CreateTable", "UpdateTable", "RestoreTableToPointInTime", "RestoreTableFromBackup"))
_ITEMS = frozenset(
    ("BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")
) | {"TransactGetItems", "TransactWriteItems"}
_BEHIND: Mapping[str, Keys] = {"dynamodb": _of_dynamodb, "s3": _of_s3, "secretsmanager": _of_secretsmanager}
