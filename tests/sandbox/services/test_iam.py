"""What the caller may do (IAM) and what nobody may (S3 Object Lock)."""

from datetime import UTC, datetime
from typing import Any

from tests.support.syncwell_world import SyncWellWorld, refused

RECORD: dict[str, str] = {
    "Bucket": "syncwell-evidence-us-east-1",
    "Key": "records/f-drill-20251014T100000Z-0001/manifest.json",
}


ROLE = "arn:aws:iam::123456789012:role/syncwell-recovery"
STAGE = "arn:aws:apigateway:us-east-1::/restapis/r/stages/prod"


def _decisions(world: SyncWellWorld, *actions: str, resource: str = "*", who: str = ROLE) -> dict[str, str]:
    found = world.client("iam").simulate_principal_policy(
        PolicySourceArn=who,
        ActionNames=list(actions),
        ResourceArns=[resource],
    )["EvaluationResults"]
    return {result["EvalActionName"]: result["EvalDecision"] for result in found}


def test_the_simulation_should_answer_as_calls_are_decided() -> None:
    """What is narrowed to resources is not allowed on all, the question of whoever leaves the resources out."""
    world = SyncWellWorld()
    function = "arn:aws:lambda:us-east-1:123456789012:function:syncwell-api"
    assert _decisions(world, "lambda:UpdateAlias", "lambda:DeleteFunction", resource=function) == {
        "lambda:UpdateAlias": "allowed",
        "lambda:DeleteFunction": "implicitDeny",
    }
    assert _decisions(world, "lambda:UpdateAlias", "codedeploy:StopDeployment") == {
        "lambda:UpdateAlias": "implicitDeny",
        "codedeploy:StopDeployment": "allowed",
    }


def test_the_simulation_should_want_a_user_or_a_role_that_is_there() -> None:
    world = SyncWellWorld()
    session = "arn:aws:sts::123456789012:assumed-role/syncwell-recovery/s"
    asked = {"ActionNames": ["s3:GetObject"]}
    told = refused("InvalidInput", world.client("iam").simulate_principal_policy, PolicySourceArn=session, **asked)
    assert "does not clearly define entity type and name" in told
    refused("NoSuchEntity", world.client("iam").simulate_principal_policy, PolicySourceArn=f"{ROLE}x", **asked)
    user = "arn:aws:iam::123456789012:user/operator"
    assert _decisions(world, "sts:AssumeRole", resource=ROLE, who=user) == {"sts:AssumeRole": "allowed"}


def test_the_simulation_should_deny_what_a_call_would_be_denied() -> None:
    world = SyncWellWorld().broken("access-denied", service="lambda", operation="UpdateAlias", region="us-west-2")
    west = "arn:aws:lambda:us-west-2:123456789012:function:syncwell-api"
    assert _decisions(world, "lambda:UpdateAlias", "lambda:GetAlias", resource=west) == {
        "lambda:UpdateAlias": "explicitDeny",
        "lambda:GetAlias": "allowed",
    }
    east = west.replace("us-west-2", "us-east-1")
    assert _decisions(world, "lambda:UpdateAlias", resource=east) == {"lambda:UpdateAlias": "allowed"}


def test_an_action_of_api_gateway_should_be_denied_with_the_operation_behind_it() -> None:
    world = SyncWellWorld().broken("access-denied", service="apigateway", operation="UpdateStage")
    decided = _decisions(world, "apigateway:PATCH", "apigateway:GET", resource=STAGE)
    assert decided == {"apigateway:PATCH": "explicitDeny", "apigateway:GET": "allowed"}


def test_an_action_of_the_data_plane_should_be_denied_as_its_call_is() -> None:
    world = SyncWellWorld().broken("access-denied", service="appconfigdata", operation="GetLatestConfiguration")
    application = "arn:aws:appconfig:us-east-1:123456789012:application/a"
    decided = _decisions(world, "appconfig:GetLatestConfiguration", "appconfig:StartDeployment", resource=application)
    assert decided == {"appconfig:GetLatestConfiguration": "explicitDeny", "appconfig:StartDeployment": "allowed"}


def test_the_retention_of_a_record_should_be_readable() -> None:
    found = SyncWellWorld().client("s3").get_object_retention(**RECORD)["Retention"]
    assert found == {"Mode": "GOVERNANCE", "RetainUntilDate": datetime(2027, 10, 14, 10, tzinfo=UTC)}


def test_a_compliance_retention_should_be_made_longer_but_never_shorter() -> None:
    store = SyncWellWorld().client("s3")
    longer = {"Mode": "COMPLIANCE", "RetainUntilDate": datetime(2028, 1, 1, tzinfo=UTC)}
    store.put_object_retention(**RECORD, Retention=longer)
    shorter: dict[str, Any] = {"Mode": "COMPLIANCE", "RetainUntilDate": datetime(2026, 2, 1, tzinfo=UTC)}
    weaker = {**longer, "Mode": "GOVERNANCE"}
    for wanted in (shorter, weaker):
        refused("AccessDenied", store.put_object_retention, **RECORD, Retention=wanted)
        refused(
            "AccessDenied",
            store.put_object_retention,
            **RECORD,
            Retention=wanted,
            BypassGovernanceRetention=True,
        )
    assert store.get_object_retention(**RECORD)["Retention"] == longer


def test_a_governance_retention_should_give_way_to_a_bypass_only() -> None:
    store = SyncWellWorld().client("s3")
    shorter = {"Mode": "GOVERNANCE", "RetainUntilDate": datetime(2026, 2, 1, tzinfo=UTC)}
    refused("AccessDenied", store.put_object_retention, **RECORD, Retention=shorter)
    store.put_object_retention(**RECORD, Retention=shorter, BypassGovernanceRetention=True)
    assert store.get_object_retention(**RECORD)["Retention"] == shorter
