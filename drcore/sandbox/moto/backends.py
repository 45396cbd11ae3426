"""What moto keeps of each service: for the world's own set-up, without a call."""

from typing import TYPE_CHECKING

from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.events.models import EventsBackend, events_backends
from moto.iam.models import IAMBackend, iam_backends
from moto.kms.models import KmsBackend, kms_backends
from moto.s3.models import S3Backend, s3_backends
from moto.secretsmanager.models import SecretsManagerBackend, secretsmanager_backends
from moto.sns.models import SNSBackend, sns_backends
from moto.sqs.models import SQSBackend, sqs_backends
from moto.sts.models import STSBackend, sts_backends

from drcore.sandbox.moto.secret_store import FoundSecrets

if TYPE_CHECKING:
    from moto.applicationautoscaling.models import ApplicationAutoscalingBackend

_EVERYWHERE = "aws"
"""The region of a service that has none."""


def applicationautoscaling(account: str, region: str) -> "ApplicationAutoscalingBackend":
    """What is scaled in a region, with its policies. Imported when it is asked for: it takes as long as the others."""
    from moto.applicationautoscaling.models import applicationautoscaling_backends

    return applicationautoscaling_backends[account][region]


def dynamodb(account: str, region: str) -> DynamoDBBackend:
    """The tables of a region."""
    return dynamodb_backends[account][region]


def events(account: str, region: str) -> EventsBackend:
    """The buses of a region, with their rules."""
    return events_backends[account][region]


def iam(account: str) -> IAMBackend:
    """The roles of the account."""
    return iam_backends[account][_EVERYWHERE]


def kms(account: str, region: str) -> KmsBackend:
    """The keys of a region."""
    return kms_backends[account][region]


def s3(account: str) -> S3Backend:
    """The buckets of the account."""
    return s3_backends[account][_EVERYWHERE]


def secretsmanager(account: str, region: str) -> SecretsManagerBackend:
    """The secrets of a region, from now on found by an index."""
    backend = secretsmanager_backends[account][region]
    if not isinstance(backend.secrets, FoundSecrets):
        backend.secrets = FoundSecrets(backend.secrets.items())
    return backend


def sns(account: str, region: str) -> SNSBackend:
    """The topics of a region."""
    return sns_backends[account][region]


def sqs(account: str, region: str) -> SQSBackend:
    """The queues of a region."""
    return sqs_backends[account][region]


def sts(account: str) -> STSBackend:
    """The roles that are assumed."""
    return sts_backends[account][_EVERYWHERE]
