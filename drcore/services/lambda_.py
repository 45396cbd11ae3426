"""Lambda: aliases, the versions behind them, concurrency, what feeds a function."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from drcore.calls.aws import Aws
from drcore.errors import Busy, NoAnswer, Rejected


@dataclass(frozen=True, slots=True)
class Alias:
    """Where an alias sends traffic: `version`, but the share in `weights` to others. `revision` guards a change."""

    version: str
    weights: tuple[tuple[str, float], ...] = ()
    revision: str = field(default="", compare=False)

    def __str__(self) -> str:
        others = "".join(f", {weight:.0%} to {version}" for version, weight in self.weights)
        return f"version {self.version}{others}"


@dataclass(frozen=True, slots=True)
class FunctionVersion:
    """Whether a published version can take traffic: its state and that of its last update; empty: it does not exist."""

    state: str = ""
    last_update: str = ""

    @property
    def ready(self) -> bool:
        return (self.state, self.last_update) == ("Active", "Successful")

    @property
    def comes(self) -> bool:
        """Whether it will be ready by itself, in minutes."""
        return self.state in ("Active", "Pending") and self.last_update in ("Successful", "InProgress")


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Provisioned concurrency of an alias: what was asked for, what is there, READY, IN_PROGRESS or FAILED.

    An empty status: none is configured.
    """

    requested: int = 0
    available: int = 0
    status: str = ""


@dataclass(frozen=True, slots=True)
class ProvisionedSetting:
    """Provisioned concurrency as it is set: of which alias or version of a function, how many executions."""

    qualifier: str
    requested: int
    status: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.requested} of {self.qualifier}"


@dataclass(frozen=True, slots=True)
class Source:
    """What feeds a function: an event source mapping. `state` is Enabled, Disabled, or on the way between them.

    `source` is what its ARN names: a queue, `stream/…`, `table/…/stream/…`; empty where AWS gives no ARN (a broker of
    one's own). `qualifier`: the version or alias that it invokes, empty for the function itself.
    """

    id: str
    source: str
    function: str
    state: str
    qualifier: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """What is published next, or was as a version: the digest of its code, its description, whether it can be used."""

    digest: str
    description: str
    ready: bool
    revision: str = field(default="", compare=False)


def alias(aws: Aws, region: str, function: str, name: str) -> Alias:
    """Raises Rejected when the function or the alias does not exist, Unknown."""
    answer = aws.call("lambda", region, "get_alias", FunctionName=function, Name=name)
    weights = answer.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return Alias(answer["FunctionVersion"], tuple(sorted(weights.items())), answer.get("RevisionId", ""))


def version(aws: Aws, region: str, function: str, number: str) -> FunctionVersion:
    """The state of one published version. Raises Unknown."""
    try:
        answer = aws.call("lambda", region, "get_function_configuration", FunctionName=function, Qualifier=number)
    except Rejected as error:
        if error.code == "ResourceNotFoundException":
            return FunctionVersion()
        raise
    # A plain emulator leaves these out; Lambda itself always sends them.
    return FunctionVersion(answer.get("State", "Active"), answer.get("LastUpdateStatus", "Successful"))


def newest_versions(aws: Aws, region: str, function: str, count: int) -> tuple[str, ...]:
    """The numbers of the last published versions, newest first. Raises Unknown, Rejected.

    The list is read whole, 50 a call: Lambda promises no order, and numbers of versions that were deleted are missing.
    """
    listed = aws.pages("lambda", region, "list_versions_by_function", "Versions", FunctionName=function)
    numbers = sorted((int(each["Version"]) for each in listed if each["Version"].isdigit()), reverse=True)
    return tuple(str(number) for number in numbers[:count])


def provisioned(aws: Aws, region: str, function: str, name: str) -> Provisioned:
    """Provisioned concurrency of an alias. Raises Unknown, Rejected."""
    try:
        answer = aws.call("lambda", region, "get_provisioned_concurrency_config", FunctionName=function, Qualifier=name)
    except Rejected as error:
        if error.code == "ProvisionedConcurrencyConfigNotFoundException":
            return Provisioned()
        raise
    return Provisioned(
        answer["RequestedProvisionedConcurrentExecutions"],
        answer.get("AvailableProvisionedConcurrentExecutions", 0),
        answer["Status"],
    )


def provisioned_settings(aws: Aws, region: str, function: str) -> tuple[ProvisionedSetting, ...]:
    """All provisioned concurrency of a function, whatever it is set on. Raises Unknown, Rejected."""
    listed = aws.pages(
        "lambda",
        region,
        "list_provisioned_concurrency_configs",
        "ProvisionedConcurrencyConfigs",
        FunctionName=function,
    )
    settings = (
        ProvisionedSetting(
            each["FunctionArn"].rpartition(":")[2],
            each["RequestedProvisionedConcurrentExecutions"],
            each["Status"],
        )
        for each in listed
    )
    return tuple(sorted(settings, key=lambda setting: setting.qualifier))


def provision(aws: Aws, region: str, function: str, qualifier: str, executions: int | None) -> None:
    """Set the provisioned concurrency of an alias or a version, or take the setting away (None)."""
    if executions is None:
        aws.call(
            "lambda",
            region,
            "delete_provisioned_concurrency_config",
            FunctionName=function,
            Qualifier=qualifier,
        )
    else:
        aws.call(
            "lambda",
            region,
            "put_provisioned_concurrency_config",
            FunctionName=function,
            Qualifier=qualifier,
            ProvisionedConcurrentExecutions=executions,
        )


def concurrency_limit(aws: Aws, region: str) -> int:
    """How many requests all functions of the account may serve at once in a region. Raises Unknown, Rejected."""
    return int(aws.call("lambda", region, "get_account_settings")["AccountLimit"]["ConcurrentExecutions"])


def reserved(aws: Aws, region: str, function: str) -> int | None:
    """Its reserved concurrency; 0 stops it, None: none is set. Raises Unknown, Rejected."""
    answer = aws.call("lambda", region, "get_function_concurrency", FunctionName=function)
    return answer.get("ReservedConcurrentExecutions")


def sources(aws: Aws, region: str, functions: Collection[str]) -> tuple[Source, ...]:
    """What feeds some functions, whatever version or alias of them. Raises Unknown, Rejected."""
    mappings = aws.pages("lambda", region, "list_event_source_mappings", "EventSourceMappings")
    return tuple(
        sorted((each for each in map(_source, mappings) if each.function in functions), key=lambda e: e.source)
    )


def readers(aws: Aws, region: str, source_arn: str) -> tuple[Source, ...]:
    """What a source feeds: a stream, by its ARN. Raises Unknown, Rejected."""
    mappings = aws.pages(
        "lambda", region, "list_event_source_mappings", "EventSourceMappings", EventSourceArn=source_arn
    )
    return tuple(sorted(map(_source, mappings), key=lambda source: (source.function, source.id)))


def code(aws: Aws, region: str, function: str, version: str = "$LATEST") -> Code:
    """The code of a version, or what would be published next. Raises Unknown, Rejected."""
    answer = aws.call("lambda", region, "get_function_configuration", FunctionName=function, Qualifier=version)
    state = FunctionVersion(answer.get("State", "Active"), answer.get("LastUpdateStatus", "Successful"))
    return Code(answer["CodeSha256"], answer.get("Description", ""), state.ready, answer.get("RevisionId", ""))


def reserve(aws: Aws, region: str, function: str, most: int | None) -> None:
    """Set its reserved concurrency, or take the setting away (None). 0 stops all versions of it at once."""
    if most is None:
        aws.call("lambda", region, "delete_function_concurrency", FunctionName=function)
    else:
        aws.call(
            "lambda",
            region,
            "put_function_concurrency",
            FunctionName=function,
            ReservedConcurrentExecutions=most,
        )


def feed(aws: Aws, region: str, id_: str, *, on: bool) -> None:
    """Let an event source feed its function, or not. Batches in flight are finished."""
    aws.call("lambda", region, "update_event_source_mapping", UUID=id_, Enabled=on)


def describe(aws: Aws, region: str, function: str, description: str, now: Code) -> None:
    """Change the description of what is published next, so that it becomes a version of its own."""
    aws.call(
        "lambda",
        region,
        "update_function_configuration",
        FunctionName=function,
        Description=description,
        RevisionId=now.revision,
    )


def publish(aws: Aws, region: str, function: str, now: Code) -> str:
    """Publish a version, only of the code that `now` has seen. Returns its number."""
    made = aws.call("lambda", region, "publish_version", FunctionName=function, CodeSha256=now.digest)
    return str(made["Version"])


def point_alias(aws: Aws, region: str, function: str, name: str, to: Alias, revision: str) -> None:
    """Point an alias, unless somebody else has changed it since `revision` was read.

    The routing weights are always sent: left out, a canary's share would go on reaching the bad version. Raises Busy
    where the revision is not the newest, as a read may be old: look again, then decide anew.
    """
    try:
        aws.call(
            "lambda",
            region,
            "update_alias",
            FunctionName=function,
            Name=name,
            FunctionVersion=to.version,
            RoutingConfig={"AdditionalVersionWeights": dict(to.weights)},
            RevisionId=revision,
        )
    except Rejected as error:
        if error.code == "PreconditionFailedException":
            raise Busy(str(error), error.code) from error
        raise


def _source(mapping: Mapping[str, Any]) -> Source:
    parts = mapping["FunctionArn"].split(":")  # arn:aws:lambda:<region>:<account>:function:<name>[:<alias>]
    if len(parts) < 7:
        raise NoAnswer(
            f"lambda: FunctionArn of {mapping['UUID']}: expected the ARN of a function, seen {':'.join(parts)!r}"
        )
    source = mapping.get("EventSourceArn", "").split(":", 5)[-1]  # a stream's name has colons of its own: its time
    return Source(mapping["UUID"], source, parts[6], mapping["State"], "".join(parts[7:8]))
