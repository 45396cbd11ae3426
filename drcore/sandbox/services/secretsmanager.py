"""Secrets Manager: the promotion of a replica, versions that come late to a replica, the shared quota of writes.

What writes a version (PutSecretValue, UpdateSecret, UpdateSecretVersionStage, the calls of replication) shares 50 calls
a second in a region. A replica gets a new version some seconds after its primary; until then its stages are the old
ones, and the primary says InProgress. Everything else is moto's, which keeps the secrets.

A replica in another account is read there, by a role of that account, with the primary's versions and their ids; each
account has a quota of its own.

Simplified: that a replica in another account has the ids of its primary's versions is taken from replicas in other
regions; how it is set up (AssociateCrossAccountReplica) is not there.
"""

import copy
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from moto.secretsmanager.models import FakeSecret, ReplicaSecret

from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.timestamps import epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends

WRITES_A_SECOND = 50
"""All writes to versions or replicas of a region together; AWS raises it for nobody."""
_A_PAGE = 100
"""Secrets on a page of a list, where no other number is asked for."""
FASTEST, SLOWEST = 1.0, 6.0
"""Seconds from a write in the primary until a replica has it."""

Stages = Mapping[str, list[str]]
"""The staging labels of each version, by its id."""


@dataclass(frozen=True, slots=True)
class OnItsWay:
    """A version that a secret's replicas do not have yet: what they show until it arrives."""

    until: datetime
    before: Stages


class ReplicaElsewhere(ReplicaSecret):
    """A replica in another account, in the primary's region."""

    def __init__(self, source: FakeSecret, account: str) -> None:
        super().__init__(source, source.region)
        self.arn = ":".join(account if place == 4 else part for place, part in enumerate(source.arn.split(":")))

    def to_dict(self) -> dict[str, Any]:
        """As a list shows it: not even that it is a replica."""
        shown = super().to_dict()
        del shown["PrimaryRegion"]
        return shown


class Secrets:
    """The quota of each region, what is on its way to replicas, replicas in other accounts."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls: dict[tuple[str, str], deque[datetime]] = defaultdict(deque)
        for region in world.regions:
            backends.secretsmanager(world.account, region)  # is found by its index from now on
        self._on_its_way: dict[str, OnItsWay] = {}
        self.elsewhere: dict[str, ReplicaElsewhere] = {}
        """By the primary's ARN its replica in another account: it has one at most."""
        self.written = 0
        self.taken_by_others = 0
        """Writes of each second that others make, in each region: so much less is left of the quota."""

    def replicate_elsewhere(self, region: str, name: str, account: str) -> None:
        """Let a secret have a replica in another account."""
        source = backends.secretsmanager(self._world.account, region).secrets[name]
        assert isinstance(source, FakeSecret)
        made = self.elsewhere[source.arn] = ReplicaElsewhere(source, account)
        replicas = self.elsewhere.values()
        self._world.add_to_dump("secrets of other accounts", lambda: sorted(each.arn for each in replicas))
        backends.secretsmanager(account, region).secrets[made.arn] = made

    def copy_elsewhere(self, region: str, name: str, account: str) -> None:
        """Let another account have a secret of its own with the name and the text of one here, as a job copies it."""
        original = backends.secretsmanager(self._world.account, region).secrets[name]
        assert isinstance(original, FakeSecret)
        backends.secretsmanager(account, region).create_secret(
            name=name,
            secret_string=original.secret_string,
            secret_binary=None,
            description="",
            tags=list(original.tags or ()),
            kms_key_id=None,
            client_request_token=f"{self._world.rng('copied secret', name).getrandbits(128):032x}",
            replica_regions=[],
            force_overwrite=False,
        )

    def texts_in(self, account: str, region: str) -> Iterator[list[str]]:
        """Of each secret of an account the texts that can be read there by a label."""
        for secret in backends.secretsmanager(account, region).secrets.values():
            labels = self.stages_in(account, region, secret.name)
            yield [str(kept.get("secret_string")) for each, kept in secret.versions.items() if labels.get(each)]

    def admit(self, account: str, region: str) -> None:
        """Count a write. Raises AwsError above the quota; what is refused does not count."""
        now, calls = self._world.clock.now(), self._calls[account, region]
        while calls and now - calls[0] >= timedelta(seconds=1):
            calls.popleft()
        if len(calls) >= WRITES_A_SECOND - self.taken_by_others:
            raise AwsError("ThrottlingException", "Rate exceeded", 400)
        calls.append(now)

    def wrote(self, secret: FakeSecret, before: Stages) -> None:
        """Let the replicas of a secret have its versions some seconds from now."""
        now = self._world.clock.now()
        self.written += 1
        lag = self._world.rng("secret replica", secret.name, epoch(now)).uniform(FASTEST, SLOWEST)
        self._on_its_way[secret.arn] = OnItsWay(now + timedelta(seconds=lag), before)

    def on_its_way(self, secret: FakeSecret | ReplicaSecret) -> OnItsWay | None:
        """What the replicas of a secret have not got yet."""
        change = self._on_its_way.get(secret.source.arn if isinstance(secret, ReplicaSecret) else secret.arn)
        return change if change and self._world.clock.now() < change.until else None

    def stages(self, region: str, name: str) -> Stages:
        """The staging labels of a secret as a region has them now; nothing where it is not there."""
        return self.stages_in(self._world.account, region, name)

    def stages_in(self, account: str, region: str, name: str) -> Stages:
        """The same of a secret in any account."""
        secret = backends.secretsmanager(account, region).secrets.get(name)
        if secret is None:
            return {}
        late = self.on_its_way(secret) if isinstance(secret, ReplicaSecret) else None
        return late.before if late else stages_of(secret)

    def current(self, region: str, name: str) -> str:
        """The id of the version that a reader in a region gets now; empty where there is none."""
        return next((each for each, labels in self.stages(region, name).items() if "AWSCURRENT" in labels), "")


def stages_of(secret: FakeSecret | ReplicaSecret) -> dict[str, list[str]]:
    """The staging labels of each version as the primary has them."""
    return {version: list(kept["version_stages"]) for version, kept in secret.versions.items()}


def _written(call: AwsCall) -> dict[str, Any]:
    """Let moto write within the quota; replicas hear of it later."""
    secrets, wanted = call.world.state(Secrets), call.params["SecretId"]
    secrets.admit(call.account, call.region)
    known = backends.secretsmanager(call.account, call.region).secrets.get(wanted)
    before = stages_of(known) if known else {}
    answer = call.forward()
    now = backends.secretsmanager(call.account, call.region).secrets.get(wanted)
    if isinstance(now, FakeSecret) and stages_of(now) != before:
        secrets.wrote(now, before)
    return answer


@operation("secretsmanager", "PutSecretValue")
def put_secret_value(call: AwsCall) -> dict[str, Any]:
    """As the API: a token that is known with the same value changes nothing, with another one it is refused."""
    return _written(call)


@operation("secretsmanager", "UpdateSecret")
def update_secret(call: AwsCall) -> dict[str, Any]:
    """As the API, within the shared quota."""
    return _written(call)


@operation("secretsmanager", "UpdateSecretVersionStage")
def update_secret_version_stage(call: AwsCall) -> dict[str, Any]:
    """As the API, within the shared quota: moto moves the label, but goes on to read the old version."""
    secrets, wanted = backends.secretsmanager(call.account, call.region).secrets, call.params["SecretId"]
    secret = secrets.get(wanted)
    if isinstance(secret, ReplicaSecret):
        raise AwsError("InvalidParameterException", "Operation not permitted on a replica secret.", 400)
    answer = _written(call)
    if secret is not None and call.params["VersionStage"] == "AWSCURRENT" and call.params.get("MoveToVersionId"):
        secret.set_default_version_id(call.params["MoveToVersionId"])
    return answer


@operation("secretsmanager", "ListSecretVersionIds")
def list_secret_version_ids(call: AwsCall) -> dict[str, Any]:
    """As the API, on one page; moto says of each version that it was made now."""
    secret = backends.secretsmanager(call.account, call.region).secrets.get(call.params["SecretId"])
    if secret is None:
        raise AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", 400)
    labels = call.world.state(Secrets).stages_in(call.account, call.region, secret.name)
    versions = [
        {"VersionId": name, "VersionStages": list(labels.get(name, ())), "CreatedDate": each["createdate"]}
        for name, each in secret.versions.items()
        if labels.get(name) or call.params.get("IncludeDeprecated")
    ]
    return {"ARN": secret.arn, "Name": secret.name, "Versions": versions}


@operation("secretsmanager", "DescribeSecret")
def describe_secret(call: AwsCall) -> dict[str, Any]:
    """As the API: a replica shows the versions that it has got; the primary whether each replica is in sync."""
    answer, secrets = call.forward(), call.world.state(Secrets)
    secret = backends.secretsmanager(call.account, call.region).secrets[answer["ARN"]]
    late = secrets.on_its_way(secret)
    if late and isinstance(secret, ReplicaSecret):
        answer["VersionIdsToStages"] = dict(late.before)
    elif late:
        answer["ReplicationStatus"] = [
            {**each, "Status": "InProgress", "StatusMessage": "Replication in progress"}
            for each in answer.get("ReplicationStatus", ())
        ]
    status = {"ReplicationStatus": "InProgress" if late else "InSync"}
    if isinstance(secret, ReplicaElsewhere):
        answer["CrossAccountPrimary"] = {"PrimarySecretARN": secret.source.arn} | status
    replica = secrets.elsewhere.get(secret.arn)
    if replica is not None:
        answer["CrossAccountReplicas"] = [{"ReplicaSecretARN": replica.arn} | status]
    return answer


@operation("secretsmanager", "ListSecrets")
def list_secrets(call: AwsCall) -> dict[str, Any]:
    """As the API: of a replica the versions that it has got. moto goes through all secrets for each page."""
    if set(call.params) - {"Filters", "MaxResults", "NextToken"} or not _by_name_alone(call.params):
        return _with_versions_of_replicas(call, call.forward())
    held = list(backends.secretsmanager(call.account, call.region).secrets.values())
    starts = tuple(start for each in call.params.get("Filters", ()) for start in each["Values"])
    first, page = int(call.params.get("NextToken") or 0), list[dict[str, Any]]()
    for place in range(first, len(held)):
        if len(page) == int(call.params.get("MaxResults") or _A_PAGE):
            return _with_versions_of_replicas(call, {"SecretList": page, "NextToken": str(place)})
        if held[place].name.startswith(starts or ("",)) and not held[place].is_deleted():
            page.append(held[place].to_dict())
    return _with_versions_of_replicas(call, {"SecretList": page})


def _by_name_alone(params: Mapping[str, Any]) -> bool:
    filters = params.get("Filters", ())
    named = all(each["Key"] == "name" and not any(v.startswith("!") for v in each["Values"]) for each in filters)
    return named and len(filters) < 2


def _with_versions_of_replicas(call: AwsCall, answer: dict[str, Any]) -> dict[str, Any]:
    secrets, held = call.world.state(Secrets), backends.secretsmanager(call.account, call.region).secrets
    for secret in answer["SecretList"]:
        kept = held[secret["ARN"]]
        late = secrets.on_its_way(kept) if isinstance(kept, ReplicaSecret) else None
        if late:
            secret["SecretVersionsToStages"] = dict(late.before)
    return answer


@operation("secretsmanager", "DeleteSecret")
def delete_secret(call: AwsCall) -> dict[str, Any]:
    """As the API: refused while replicas are there, in a region or in another account."""
    known = backends.secretsmanager(call.account, call.region).secrets.get(call.params["SecretId"])
    elsewhere = known is not None and known.arn in call.world.state(Secrets).elsewhere
    if elsewhere or isinstance(known, ReplicaElsewhere) or (isinstance(known, FakeSecret) and known.replicas):
        raise AwsError("InvalidRequestException", "You can't delete a secret that has replicas.", 400)
    return call.forward()


@operation("secretsmanager", "StopReplicationToReplica")
def stop_replication_to_replica(call: AwsCall) -> dict[str, Any]:
    """As the API, in the replica's region: the replica becomes a secret of its own, and the primary forgets it."""
    secrets = call.world.state(Secrets)
    secrets.admit(call.account, call.region)
    backend = backends.secretsmanager(call.account, call.region)
    replica = backend.secrets.get(call.params["SecretId"])
    if replica is None:
        raise AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", 400)
    if not isinstance(replica, ReplicaSecret):
        raise AwsError("InvalidRequestException", "The secret is no replica: call this in the replica's region.", 400)
    source = replica.source
    source.replicas = [each for each in source.replicas if each is not replica]
    if isinstance(replica, ReplicaElsewhere):
        del secrets.elsewhere[source.arn]
    own: FakeSecret = copy.copy(source)
    own.arn, own.region, own.replicas = replica.arn, call.region, []
    own.versions, own.tags = copy.deepcopy(source.versions), copy.deepcopy(source.tags)
    own.last_changed_date = epoch(call.world.clock.now())
    backend.secrets[replica.arn] = own
    return {"ARN": own.arn}
