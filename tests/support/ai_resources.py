"""What calls of SageMaker or of Secrets Manager can be asked with: endpoints of its own, a version that waits."""

from __future__ import annotations

from drcore.calls.aws import Aws
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.services.sagemaker.components import Components
from drcore.sandbox.services.sagemaker.state import Endpoints
from drcore.sandbox.syncwell.company.names import LLM_SECRET
from drcore.services import secretsmanager

EAST = "us-east-1"


def endpoint(world: InProcess, *, by_component: bool = False) -> str:
    """A new endpoint with the configuration asked-v1, or with one whose model is a component of the endpoint's name."""
    store = world.world.state(Endpoints)
    for number in (1, 2):
        store.models[EAST].setdefault(f"merge-{number}", {"CreationTime": world.world.clock.now()})
        variant = {"VariantName": "all", "ModelName": f"merge-{number}", "InitialInstanceCount": 1}
        if f"asked-v{number}" not in store.configs[EAST]:
            store.create_config(EAST, {"EndpointConfigName": f"asked-v{number}", "ProductionVariants": [variant]})
    name = f"asked-{len(store.endpoints[EAST])}"
    if by_component:
        bare = {"VariantName": "all", "InitialInstanceCount": 1}
        store.create_config(EAST, {"EndpointConfigName": name, "ProductionVariants": [bare]})
    store.create(EAST, name, name if by_component else "asked-v1", at_once=True)
    return name


def component(world: InProcess) -> str:
    """A component in service, on a new endpoint of the same name."""
    name = endpoint(world, by_component=True)
    made = world.world.state(Components).create(EAST, name, name, "all", {"ModelName": "merge-1"}, 1)
    made.status = "InService"
    return name


def configuration(world: InProcess) -> str:
    """A configuration that an endpoint has."""
    endpoint(world)
    return "asked-v1"


def waiting_version(aws: Aws) -> str:
    """A version of the LLM's key that waits to become the current one."""
    known = secretsmanager.versions(aws, EAST, LLM_SECRET)
    if known.pending:
        return known.pending
    put = {"SecretId": LLM_SECRET, "SecretString": "asked", "VersionStages": ["AWSPENDING"]}
    return str(aws.call("secretsmanager", EAST, "put_secret_value", **put)["VersionId"])
