"""Old tokens: who still takes them, and what ends that, each lever for itself."""

import json
from typing import Any

from tests.support.syncwell_world import EAST, WEST, SyncWellWorld


def probe(world: SyncWellWorld, region: str, issuer: str = "stride") -> dict[str, Any]:
    found: dict[str, Any] = world.sandbox.request("GET", f"/syncwell/{region}/v1/token-probes/{issuer}")[1]
    return found


def set_flag(world: SyncWellWorld, region: str, flag: str, **value: object) -> None:
    """What an operator does by hand: a version with the flag changed, deployed."""
    client = world.client("appconfig", region)
    app = next(each["Id"] for each in client.list_applications()["Items"] if each["Name"] == "syncwell")
    env = next(e["Id"] for e in client.list_environments(ApplicationId=app)["Items"] if e["Name"] == flag)
    profiles = client.list_configuration_profiles(ApplicationId=app)["Items"]
    profile = next(each["Id"] for each in profiles if each["Name"] == flag)
    strategies = client.list_deployment_strategies()["Items"]
    strategy = next(each["Id"] for each in strategies if each["Name"] == "all-at-once")
    of = {"ApplicationId": app, "ConfigurationProfileId": profile}
    last = max(e["VersionNumber"] for e in client.list_hosted_configuration_versions(**of)["Items"])
    document = json.loads(client.get_hosted_configuration_version(**of, VersionNumber=last)["Content"].read())
    document["values"][flag] |= value
    content = json.dumps(document).encode()
    made = client.create_hosted_configuration_version(**of, Content=content, ContentType="application/json")
    client.start_deployment(
        **of, EnvironmentId=env, DeploymentStrategyId=strategy, ConfigurationVersion=str(made["VersionNumber"])
    )


def test_old_tokens_should_be_taken_everywhere_until_something_is_done() -> None:
    world = SyncWellWorld()
    for region in (EAST, WEST):
        assert {probe(world, region, issuer)["syncwell"] for issuer in ("stride", "pulse", "fitlog")} == {"accepted"}


def test_the_epoch_should_end_them_in_its_region_once_the_agent_has_polled() -> None:
    world = SyncWellWorld()
    set_flag(world, EAST, "token-epoch", enabled=True, min_issued_at="2026-01-05T09:00:00.000Z")
    assert probe(world, EAST)["syncwell"] == "accepted"
    world.sleep(60)
    assert (probe(world, EAST)["syncwell"], probe(world, EAST)["at_issuer"]) == ("refused", "accepted")
    assert probe(world, WEST)["syncwell"] == "accepted"


def test_a_swept_secret_should_go_on_in_the_caches_of_the_workers_for_minutes() -> None:
    world = SyncWellWorld()
    world.client("secretsmanager", EAST).put_secret_value(SecretId="syncwell/oauth/shard-0000", SecretString="{}")
    world.sleep(20)
    assert probe(world, WEST)["syncwell"] == "accepted"
    world.sleep(300)
    for region in (EAST, WEST):
        assert (probe(world, region)["syncwell"], probe(world, region)["cache_or_store"]) == ("refused", "gone")


def test_an_attacker_should_be_refused_from_then_on_and_be_seen() -> None:
    world = SyncWellWorld().broken("vulnerability-token-leak")
    world.sleep(120)
    assert world.truth["security"]["accepting"] == [EAST, WEST]
    for region in (EAST, WEST):
        set_flag(world, region, "token-epoch", enabled=True, min_issued_at="2026-01-05T09:00:00.000Z")
    world.sleep(120)
    assert world.truth["security"]["accepting"] == []
    assert all(at < "2026-01-05T09:03:00" for at in world.truth["last_old_token"].values())
    lines = world.client("logs", WEST).filter_log_events(logGroupName="/syncwell/security")["events"]
    assert lines and not [line for line in lines if "rt_" in line["message"]], "no line may hold a token"


def test_the_mode_should_refuse_every_path_and_nothing_be_written_for_a_user() -> None:
    world = SyncWellWorld()
    for region in (EAST, WEST):
        set_flag(world, region, "service-mode", enabled=True, level="read-only")
    world.sleep(70)

    def users() -> dict[str, Any]:
        items = world.client("dynamodb", EAST).scan(TableName="SyncWellMetadata")["Items"]
        return {item["pk"]["S"]: item for item in items if item["pk"]["S"].startswith("USER#")}

    before = users()
    world.sleep(120)
    assert users() == before
    for region in (EAST, WEST):
        paths = world.sandbox.request("GET", f"/syncwell/{region}/v1/marked-writes")[1]["paths"]
        assert {each["status"] for each in paths.values()} == {503}
        assert world.sandbox.request("PUT", f"/syncwell/{region}/v1/users/u00001/settings", {})[0] == 503
    read = f"/syncwell/{EAST}/v1/sync/preview?user=u00001"
    assert world.sandbox.request("GET", read)[0] == 200, "what is read-only can be read"
    set_flag(world, EAST, "service-mode", enabled=True, level="maintenance")
    world.sleep(70)
    assert world.sandbox.request("GET", read)[0] == 503
