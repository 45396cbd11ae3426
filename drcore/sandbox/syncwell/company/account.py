"""SyncWell's account as it is when the doors open."""

import json
from datetime import UTC, datetime

from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.services.apigateway.state import ApiGateway
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.codedeploy.controller import CodeDeployController
from drcore.sandbox.services.codedeploy.state import AliasMove, DeploymentGroup
from drcore.sandbox.services.codepipeline.state import CodePipeline
from drcore.sandbox.services.lambda_.state import Lambda
from drcore.sandbox.syncwell.company import alarms, names, principals
from drcore.sandbox.syncwell.company.pipeline import Deployer, commit
from drcore.sandbox.syncwell.company.release_manifest import ReleaseManifest
from drcore.sandbox.syncwell.company.releases import OLDER, RELEASED, STABLE, VERSIONS, package

FOUNDED = datetime(2025, 3, 3, 8, 0, tzinfo=UTC)
PROVISIONED = 10
"""Executions of syncwell-api that are kept warm."""

DRILLS = {
    "a": datetime(2025, 11, 11, 10, 0, tzinfo=UTC),
    "b": datetime(2025, 11, 4, 10, 0, tzinfo=UTC),
    "c": datetime(2025, 11, 25, 10, 0, tzinfo=UTC),
    "d": datetime(2025, 11, 13, 10, 0, tzinfo=UTC),
    "e": datetime(2025, 11, 18, 10, 0, tzinfo=UTC),
    "f": datetime(2025, 10, 14, 10, 0, tzinfo=UTC),
    "g": datetime(2025, 12, 2, 10, 0, tzinfo=UTC),
}
"""The last drill of each plan that left a record."""


def set_up(world: World) -> None:
    """What was there before the first release: topics, queues, buckets, the API, the pipeline."""
    with world.clock.at(FOUNDED):
        principals.set_up(world)
        for region in world.regions:
            _paging(world, region)
            _buckets(world, region)
            _delivery(world, region)
        store = backends.s3(world.account)
        store.create_bucket(names.WITNESS_BUCKET, names.WITNESS_REGION).versioning_status = "Enabled"
        _secrets(world)
    for plan, drilled in DRILLS.items():
        with world.clock.at(drilled):
            for region in world.regions:
                _drill_record(world, region, plan, drilled)


def release(world: World, name: str) -> None:
    """A release of the past, live in both regions on its day."""
    manifest = world.state(ReleaseManifest)
    with world.clock.at(RELEASED[name]):
        entry = manifest.entry(name, RELEASED[name], "stable")
        for region in world.regions:
            versions = {function: _version(world, region, function, name) for function in names.FUNCTIONS}
            deployment = _stage(world, region, name)
            manifest.record(entry, region, versions, deployment)
            _record_delivery(world, region, name, versions)
        manifest.publish()


def watch(world: World, since: datetime) -> None:
    """Set the alarms, so that they have looked at the history when the doors open."""
    functions, watching = world.state(Lambda), world.state(CloudWatch)
    with world.clock.at(since):
        for region in world.regions:
            for config in alarms.standing(world, region):
                watching.alarms[region].put(config)
            quiet = watching.alarms[region].get(names.THROTTLED_ALARM)
            assert quiet is not None
            watching.alarms[region].set_state(quiet, "OK", "no writes were throttled")  # and no data keeps it so
            for function in names.FUNCTIONS:
                version = functions.alias(region, function, names.ALIAS).function_version
                watching.alarms[region].put(alarms.canary_errors(world, region, function, version))


def _paging(world: World, region: str) -> None:
    """The topics that page, and somebody who is paged by each."""
    topics = backends.sns(world.account, region)
    topics.subscribe(topics.create_topic(names.TOPIC).arn, names.ON_CALL, "email")
    topics.subscribe(topics.create_topic(names.SECOND_TOPIC).arn, names.SECOND_ON_CALL, "email")


def _buckets(world: World, region: str) -> None:
    store = backends.s3(world.account)
    for name in (names.releases_bucket(region), names.evidence_bucket(region), names.exports_bucket(region)):
        bucket = store.create_bucket(name, region)
        bucket.versioning_status = "Enabled"
    store.get_bucket(names.evidence_bucket(region)).object_lock_enabled = True


def _secrets(world: World) -> None:
    """What the runbooks must not carry themselves; with a replica, so that it can be read when a region is away."""
    first, *others = world.regions
    client = world.client("secretsmanager", first)
    for name, key, token in (  # without a token boto3 makes one up, and two worlds of a seed differ
        (names.STATUS_PAGE_SECRET, names.STATUS_PAGE_KEY, names.STATUS_PAGE_TOKEN),
        (names.SUPPORT_SECRET, names.SUPPORT_KEY, names.SUPPORT_TOKEN),
        (names.SECURITY_DESK_SECRET, names.SECURITY_DESK_KEY, names.SECURITY_DESK_TOKEN),
    ):
        client.create_secret(
            Name=name,
            SecretString=key,
            ClientRequestToken=token,
            AddReplicaRegions=[{"Region": region} for region in others],
        )


def _delivery(world: World, region: str) -> None:
    api_id = names.REST_API_IDS[region]
    world.state(ApiGateway).create(region, names.API, api_id, names.PATHS, OLDER)
    world.state(CodePipeline).create(region, names.PIPELINE, commit((STABLE, "main")), world.state(Deployer))
    watched = (*map(names.canary_alarm, names.FUNCTIONS), "syncwell-api-5xx", "syncwell-api-latency-p99")
    group = DeploymentGroup(
        application=names.APPLICATION,
        name=names.GROUP,
        id=f"syncwell-group-{region}",
        config="CodeDeployDefault.LambdaCanary10Percent10Minutes",
        alarms=watched,
        rollback_events=("DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"),
        topic=names.topic_arn(world.account, region),
        topic_events=("DeploymentFailure", "DeploymentStop", "DeploymentRollback"),
    )
    world.state(CodeDeployController).add_group(region, group)


def _drill_record(world: World, region: str, plan: str, drilled: datetime) -> None:
    name = f"{plan}-drill-{drilled:%Y%m%dT%H%M%SZ}-0001"
    document = {"run_id": name, "plan": plan.upper(), "mode": "drill", "environment": "staging", "outcome": "DONE"}
    backends.s3(world.account).put_object(
        names.evidence_bucket(region),
        f"records/{name}/manifest.json",
        json.dumps(document, indent=2).encode(),
        lock_mode="GOVERNANCE",
        lock_until=f"{drilled.replace(year=drilled.year + 2):%Y-%m-%dT%H:%M:%SZ}",
    )


def _version(world: World, region: str, function: str, release_name: str) -> str:
    functions = world.state(Lambda)
    number = VERSIONS[region][function] - (release_name == OLDER)
    code = package(release_name, "main", function)
    if release_name == OLDER:
        role = f"arn:aws:iam::{world.account}:role/{names.LAMBDA_ROLE}"
        functions.create(region, function, role, code)
    else:
        functions.update_code(region, function, code)
    functions.publish(region, function, description=f"release {release_name}", number=number)
    if release_name == OLDER:
        alias = functions.create_alias(region, function, names.ALIAS, str(number), {}, "what users get")
        if function == "syncwell-api":
            functions.concurrency.put(alias.arn, PROVISIONED)
    else:
        functions.shift_alias(region, function, names.ALIAS, version=str(number), weights={})
    return str(number)


def _stage(world: World, region: str, release_name: str) -> str:
    gateway = world.state(ApiGateway)
    api = gateway.api(region, names.REST_API_IDS[region])
    api.draft = release_name
    deployment = gateway.deploy(api, f"release {release_name}")
    stage = api.stages.setdefault(names.STAGE, gateway.new_stage(names.STAGE, deployment.id))
    stage.deployment_id, stage.updated = deployment.id, world.clock.now()
    return deployment.id


def _record_delivery(world: World, region: str, release_name: str, versions: dict[str, str]) -> None:
    """The pipeline's execution and CodeDeploy's deployment, both long done."""
    deploy, runs = world.state(CodeDeployController), world.state(CodePipeline)
    group = deploy.group(region, names.APPLICATION, names.GROUP)
    targets = [AliasMove(f, names.ALIAS, str(int(v) - 1), v) for f, v in versions.items()]
    done = deploy.create(region, group, targets, description=f"release {release_name}")
    deploy.finish_at_once(done)
    pipeline = runs.pipeline(region, names.PIPELINE)
    runs.finish_at_once(runs.start(pipeline, "PollForSourceChanges"), pipeline)
