"""What the release manifest says decides what plan F does, in every region alike; a copy that differs is found first.

The manifests are those of the trials (cases/engine): one behind, without a region, of another shape, whose stable
release is the one in trouble.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from drcore.engine.outcome import Outcome, StepResult, Target, TargetResult
from drcore.engine.prepare import HOME
from drcore.errors import Exit
from drcore.parameters import Mode
from drcore.plans import f
from drcore.plans.shared.releases import schema
from drcore.run.runbook import Runbook
from tests.support.stage import SHORT, Scene, Stage, carry_out, client, ended, lines, outcomes, writes

EAST, WEST = REGIONS = ("us-east-1", "us-west-2")
BAD = Scene(f.PLAN, "bad-release")
Edit = Callable[[dict[str, Any]], object]


def stable(manifest: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = [each for each in manifest["releases"] if each["status"] == "stable"][-1]
    return found


def behind(manifest: dict[str, Any]) -> None:
    stable(manifest)["status"] = "deploying"


def lacking(manifest: dict[str, Any]) -> None:
    manifest["releases"].remove(stable(manifest))


def without_a_region(manifest: dict[str, Any]) -> None:
    del stable(manifest)["regions"][EAST]


def older_without_a_region(manifest: dict[str, Any]) -> None:
    del manifest["releases"][0]["regions"][WEST]


def numbers(manifest: dict[str, Any]) -> None:
    for each in manifest["releases"]:
        for regional in each["regions"].values():
            regional["functions"] = {name: int(version) for name, version in regional["functions"].items()}


def no_object(manifest: dict[str, Any]) -> None:
    manifest["releases"] = {"newest": "2026.01.1"}


def all_stable(manifest: dict[str, Any]) -> None:
    for each in manifest["releases"]:
        each["status"] = "stable"


def other_versions(manifest: dict[str, Any]) -> None:
    for regional in stable(manifest)["regions"].values():
        regional["functions"] = dict.fromkeys(regional["functions"], "1")


def edited(run: Runbook, edit: Edit, *regions: str) -> None:
    """The copies of some regions, changed."""
    for region in regions:
        where = {"Bucket": f"syncwell-releases-{region}", "Key": "releases.json"}
        s3 = client(run, "s3", region)
        manifest = json.loads(s3.get_object(**where)["Body"].read())
        edit(manifest)
        s3.put_object(**where, Body=json.dumps(manifest).encode())


def with_manifest(stage: Stage, edit: Edit, *regions: str, mode: Mode = Mode.DRILL) -> Runbook:
    run = stage.open(stage.prepare(BAD, mode, facts=SHORT))
    edited(run, edit, *regions or REGIONS)
    return run


@pytest.mark.parametrize(
    ("edit", "regions", "found"),
    [
        (behind, (EAST,), r"2026\.01\.1: status is deploying in the copy of us-east-1, stable in that of us-west-2"),
        (lacking, (EAST,), r"release 2026\.01\.1 is in the copy of us-west-2, and not in that of us-east-1"),
        (lacking, (WEST,), r"release 2026\.01\.1 is in the copy of us-east-1, and not in that of us-west-2"),
        (without_a_region, REGIONS, r"release 2026\.01\.1 has no us-east-1 in the manifest, only us-west-2"),
        (
            without_a_region,
            (EAST,),
            r"the copies of us-(east|west)-\d and us-(east|west)-\d name different versions in",
        ),
        (numbers, REGIONS, r"functions.*valid string.*seen 4\d"),
        (no_object, REGIONS, r"releases: .*seen \{'newest'"),
    ],
)
def test_what_the_copies_do_not_agree_on_or_lack_should_be_found_before_anything_is_touched(
    stage: Stage, edit: Edit, regions: tuple[str, ...], found: str
) -> None:
    run = with_manifest(stage, edit, *regions)
    with pytest.raises(Exception, match=found):
        raise carry_out(run) or AssertionError("it was carried out")
    assert ended(run).exit == Exit.REFUSED
    assert writes(run) == []


def test_an_older_release_that_was_never_in_a_region_should_not_matter(stage: Stage) -> None:
    assert carry_out(with_manifest(stage, older_without_a_region)) is None


def test_each_act_should_use_the_release_that_was_decided_whatever_the_manifest_says_later(stage: Stage) -> None:
    run = stage.open(stage.prepare(BAD, facts=SHORT))
    assert carry_out(run, until=f.DECIDE) is None
    edited(run, other_versions, *REGIONS)
    run.record.close()
    run = stage.again(run)
    assert carry_out(run) is None
    for region in REGIONS:
        alias = client(run, "lambda", region).get_alias(FunctionName="syncwell-api", Name="live")
        assert alias["FunctionVersion"] != "1"
    assert outcomes(run)["Close"] is Outcome.ALREADY


def test_where_the_stable_release_is_the_one_in_trouble_the_plan_should_say_so_and_name_others(stage: Stage) -> None:
    run = with_manifest(stage, all_stable)
    trouble = str(carry_out(run))
    assert "2026.01.2, the newest stable release, is the one in trouble, and serves everywhere" in trouble
    assert "critical bug" in trouble
    assert "-p release=2026.01.1 or -p release=2025.12.3" in trouble
    assert run.results[f.DECIDE.key].outcome is Outcome.FAILED
    begun = [line["step"] for line in lines(run, "intent") if "lock" not in line["step"]]
    assert dict.fromkeys(begun) == dict.fromkeys(
        ["Notify on-call", "Acknowledge", "Tell users that we investigate", "Freeze the pipeline"]
    ), "nothing that hangs on the decision"
    (page,) = [line["parameters"]["Message"] for line in lines(run, "call") if line["call"] == "sns:Publish"]
    assert "Backend release not rolled back" in page


def test_where_a_release_is_named_instead_it_should_be_gone_back_to(stage: Stage) -> None:
    setting = stage.prepare(BAD, facts=SHORT, incident={"release": "2026.01.1"})
    run = stage.open(setting)
    edited(run, all_stable, *REGIONS)
    assert carry_out(run) is None
    assert "2026.01.1 serves alone" in run.results[f.CLOSE.key].why


def test_regions_that_end_differently_should_each_be_named_with_their_reason() -> None:
    ended = (
        TargetResult(Target(EAST, "api"), Outcome.ALREADY, "rolled back by d-1"),
        TargetResult(Target(WEST, "api"), Outcome.DONE, "version 41"),
        TargetResult(Target(WEST, "worker"), Outcome.ALREADY, "version 30"),
    )
    now = datetime(2026, 1, 5, tzinfo=UTC)
    why = StepResult(f.LAMBDA.name, ended, now, now).why
    assert why == "api in us-west-2: version 41; api in us-east-1: rolled back by d-1"


def test_the_schema_of_the_manifest_should_be_published() -> None:
    written = (HOME / "docs" / "release-manifest.schema.json").read_text()
    assert json.loads(written) == schema(), f"write this to docs: {json.dumps(schema(), indent=2)}"
    assert "goes back to the newest" in written
