"""Questions that make a function of their own, to change its settings."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import suppress
from functools import partial

from drcore.errors import Unknown
from drcore.probe.account_questions import code_of
from drcore.probe.own import APPLICATION, FUNCTION, ROLE
from drcore.probe.question import AwsQuestion, Value, words
from drcore.probe.session import ProbeSession, trust
from drcore.services import lambda_

_CHANGES = "makes a role without permissions, a function of 128 MB with versions and an alias; nothing calls it"
_UNDO = "function and role are deleted"
_ALIAS = "live"


def _function(session: ProbeSession, *, versions: int = 1) -> tuple[str, list[str]]:
    """A function of one's own with an alias on its first version; its name and its versions."""
    role, name = session.name(ROLE, "role"), session.name(FUNCTION, "function")
    made = session.aws.call(
        "iam", session.region, "create_role", RoleName=role, AssumeRolePolicyDocument=trust("lambda")
    )
    session.patiently(
        partial(
            session.aws.call,
            "lambda",
            session.region,
            "create_function",
            FunctionName=name,
            Role=made["Role"]["Arn"],
            Runtime="python3.13",
            Handler="index.handler",
            Code={"ZipFile": _code()},
            MemorySize=128,
        )
    )
    made_versions = []
    for number in range(versions):
        _settled(session, name)
        if number:
            now = lambda_.code(session.aws, session.region, name)
            lambda_.describe(session.aws, session.region, name, f"{number}", now)
            _settled(session, name)
        code = lambda_.code(session.aws, session.region, name)
        made_versions.append(lambda_.publish(session.aws, session.region, name, code))
    alias = {"FunctionName": name, "Name": _ALIAS, "FunctionVersion": made_versions[0]}
    session.aws.call("lambda", session.region, "create_alias", **alias)
    return name, made_versions


def _settled(session: ProbeSession, name: str) -> None:
    session.wait(
        lambda: lambda_.code(session.aws, session.region, name).ready, lambda ready: ready, within=120, every=2
    )


def _code() -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return None\n")
    return whole.getvalue()


def _reserved_below_provisioned(session: ProbeSession) -> Value:
    name, _ = _function(session)
    session.patiently(partial(lambda_.provision, session.aws, session.region, name, _ALIAS, 1))
    code = code_of(partial(lambda_.reserve, session.aws, session.region, name, 0))
    return "accepted" if code == "answered" else "refused" if code == "InvalidParameterValueException" else code


def _missing_provisioned(session: ProbeSession) -> Value:
    name, _ = _function(session)
    asked = {"FunctionName": name, "Qualifier": _ALIAS}
    return code_of(partial(session.aws.call, "lambda", session.region, "get_provisioned_concurrency_config", **asked))


def _stale_alias(session: ProbeSession) -> Value:
    name, _ = _function(session)
    now = lambda_.alias(session.aws, session.region, name, _ALIAS)
    return code_of(partial(lambda_.point_alias, session.aws, session.region, name, _ALIAS, now, "not-its-revision"))


def _stop_deployment(session: ProbeSession) -> Value:
    """Of a canary of its own, which shifts the traffic of an alias that nobody calls."""
    function, (first, second) = _function(session, versions=2)
    role, name = session.name(ROLE, "deployer"), session.name(APPLICATION, "application")
    trusted = {"RoleName": role, "AssumeRolePolicyDocument": trust("codedeploy")}
    made = session.aws.call("iam", session.region, "create_role", **trusted)
    actions = ["lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"]
    about = session.aws.call("lambda", session.region, "get_function_configuration", FunctionName=function)
    statement = {"Effect": "Allow", "Action": actions, "Resource": f"{about['FunctionArn']}*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    policy = {"RoleName": role, "PolicyName": "shift", "PolicyDocument": document}
    session.aws.call("iam", session.region, "put_role_policy", **policy)
    of = {"applicationName": name}
    session.aws.call("codedeploy", session.region, "create_application", computePlatform="Lambda", **of)
    session.patiently(
        partial(
            session.aws.call,
            "codedeploy",
            session.region,
            "create_deployment_group",
            deploymentGroupName="probe",
            serviceRoleArn=made["Role"]["Arn"],
            deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes",
            deploymentStyle={"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
            **of,
        )
    )
    properties = {"Name": function, "Alias": _ALIAS, "CurrentVersion": first, "TargetVersion": second}
    content = {"version": 0.0, "Resources": [{"own": {"Type": "AWS::Lambda::Function", "Properties": properties}}]}
    revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(content)}}
    begun = session.aws.call(
        "codedeploy", session.region, "create_deployment", deploymentGroupName="probe", revision=revision, **of
    )
    id_ = str(begun["deploymentId"])
    session.gate.deployments.add(id_)
    status = partial(session.aws.call, "codedeploy", session.region, "get_deployment", deploymentId=id_)
    session.wait(
        lambda: str(status()["deploymentInfo"]["status"]), lambda now: now == "InProgress", within=120, every=2
    )
    answer = session.aws.call(
        "codedeploy", session.region, "stop_deployment", deploymentId=id_, autoRollbackEnabled=True
    )
    with suppress(Unknown):  # it has answered; that what it shifts is still there is only tidier
        session.wait(lambda: str(status()["deploymentInfo"]["status"]), lambda now: now != "InProgress", within=180)
    return str(answer["status"])


QUESTIONS = (
    AwsQuestion(
        key="reserved-below-provisioned",
        asks="Is a reserved concurrency of 0 refused while provisioned concurrency is configured?",
        assumed=words("refused"),
        ask=_reserved_below_provisioned,
        leans=("drcore/plans/g/p02_stop_functions.py",),
        source="fidelity B3: Lambda's developer guide says so, no emulator does it",
        changes=f"{_CHANGES}; provisioned concurrency of 1 is set for some minutes",
        cost="below 0.01 USD",
        undo=_UNDO,
        takes="1 to 3 minutes",
    ),
    AwsQuestion(
        key="missing-provisioned",
        asks="Which code says that an alias has no provisioned concurrency?",
        assumed=words("ProvisionedConcurrencyConfigNotFoundException"),
        ask=_missing_provisioned,
        leans=("drcore/services/lambda_.py",),
        source="botocore's model declares it; seen on emulators only",
        changes=_CHANGES,
        undo=_UNDO,
        takes="1 minute",
    ),
    AwsQuestion(
        key="stale-alias",
        asks="Which code refuses an alias that was changed since it was read?",
        assumed=words("PreconditionFailedException"),
        ask=_stale_alias,
        leans=("drcore/services/lambda_.py", "drcore/plans/shared/release_shift.py"),
        source="botocore's model declares it; confirmed by one other emulator",
        changes=_CHANGES,
        undo=_UNDO,
        takes="1 minute",
    ),
    AwsQuestion(
        key="stop-deployment",
        asks="What does StopDeployment answer for a canary that runs: Pending, or Succeeded at once?",
        assumed=words("Pending", "Succeeded"),
        ask=_stop_deployment,
        leans=("drcore/plans/f/p3_roll_back.py", "drcore/services/codedeploy.py"),
        source="fidelity M6: the model has both",
        changes=f"{_CHANGES}; a role, an application and a canary deployment of CodeDeploy for that function",
        undo=f"{_UNDO}, and the application with its deployments",
        takes="2 to 4 minutes",
    ),
)
