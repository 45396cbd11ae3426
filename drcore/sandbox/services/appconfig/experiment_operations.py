"""AppConfig: the operations on experiments. Simplified: no events of a run, no archive, no update of a definition."""

from datetime import datetime
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.services.appconfig.experiments import Experiment, ExperimentRun, Experiments
from drcore.sandbox.services.appconfig.state import refused


@operation("appconfig", "CreateExperimentDefinition")
def create_experiment_definition(call: AwsCall) -> dict[str, Any]:
    """As the API: the flag must be deployed."""
    return _definition(call, call.world.state(Experiments).create(call.region, call.params))


@operation("appconfig", "GetExperimentDefinition")
def get_experiment_definition(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    return _definition(call, _experiment(call))


@operation("appconfig", "ListExperimentDefinitions")
def list_experiment_definitions(call: AwsCall) -> dict[str, Any]:
    """As the API: of an application, an environment, a profile, in a status."""
    params = call.params
    documents = [
        _definition(call, each)
        for each in call.world.state(Experiments).known[call.region].values()
        if params.get("ApplicationIdentifier") in (None, each.home.id, each.home.name)
        and params.get("EnvironmentIdentifier") in (None, each.place.id, each.place.name)
        and params.get("ConfigurationProfileIdentifier") in (None, each.profile.id, each.profile.name)
    ]
    return _page(call, [each for each in documents if params.get("Status") in (None, each["Status"])])


@operation("appconfig", "StartExperimentRun")
def start_experiment_run(call: AwsCall) -> dict[str, Any]:
    """As the API; exposure is 0 unless something else is asked for."""
    params, experiment = call.params, _experiment(call)
    exposure = float(params.get("ExposurePercentage") or 0.0)
    overrides = (params.get("TreatmentOverrides") or {}).get("Inline") or {}
    unknown = set(overrides.values()) - {key for key, _ in experiment.arms()}
    if unknown or not 0 <= exposure <= 100:
        raise refused(f"TreatmentOverrides, ExposurePercentage: {sorted(unknown) or exposure} cannot be")
    description = params.get("Description") or ""
    run = call.world.state(Experiments).start(call.region, experiment, exposure, overrides, description)
    return _run(call, experiment, run)


@operation("appconfig", "GetExperimentRun")
def get_experiment_run(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    experiment = _experiment(call)
    return _run(call, experiment, call.world.state(Experiments).run(experiment, int(call.params["Run"])))


@operation("appconfig", "ListExperimentRuns")
def list_experiment_runs(call: AwsCall) -> dict[str, Any]:
    """As the API, newest first."""
    experiment, wanted = _experiment(call), call.params.get("Status")
    documents = [_run(call, experiment, run) for run in reversed(experiment.runs)]
    return _page(call, [each for each in documents if wanted in (None, each["Status"])])


@operation("appconfig", "UpdateExperimentRun")
def update_experiment_run(call: AwsCall) -> dict[str, Any]:
    """As the API: exposure only grows."""
    experiment, store = _experiment(call), call.world.state(Experiments)
    run = store.run(experiment, int(call.params["Run"]))
    if call.params.get("ExposurePercentage") is not None:
        store.widen(experiment, run, float(call.params["ExposurePercentage"]))
    return _run(call, experiment, run)


@operation("appconfig", "StopExperimentRun")
def stop_experiment_run(call: AwsCall) -> dict[str, Any]:
    """As the API: users get the deployed value back."""
    experiment, store = _experiment(call), call.world.state(Experiments)
    run = store.run(experiment, int(call.params["Run"]))
    store.stop(experiment, run)
    return _run(call, experiment, run)


def _experiment(call: AwsCall) -> Experiment:
    params = call.params
    application, name = params["ApplicationIdentifier"], params["ExperimentDefinitionIdentifier"]
    return call.world.state(Experiments).get(call.region, application, name)


def _definition(call: AwsCall, experiment: Experiment) -> dict[str, Any]:
    given = {
        name: experiment.given[name]
        for name in ("Name", "FlagKey", "AudienceRule", "Hypothesis", "AudienceDescription", "LaunchCriteria")
        if experiment.given.get(name) is not None
    }
    (_, control), *treatments = experiment.arms()
    active = experiment.running(call.world.clock.now()) is not None
    return given | {
        "ApplicationId": experiment.home.id,
        "Id": experiment.id,
        "EnvironmentId": experiment.place.id,
        "ConfigurationProfileId": experiment.profile.id,
        "Status": "ACTIVE" if active else "IDLE",
        "Control": {"Key": "C", **control},
        "Treatments": [{"Key": key, **treatment} for key, treatment in treatments],
        "CreatedAt": experiment.created,
        "UpdatedAt": experiment.created,
    }


def _run(call: AwsCall, experiment: Experiment, run: ExperimentRun) -> dict[str, Any]:
    now: datetime = call.world.clock.now()
    return {
        "ApplicationId": experiment.home.id,
        "ExperimentDefinitionId": experiment.id,
        "Run": run.number,
        "Description": run.description,
        "Status": "RUNNING" if run.runs(now) else "DONE",
        "ExposurePercentage": run.exposure,
        "TreatmentOverrides": {"Inline": dict(run.overrides)},
        "StartedAt": run.started,
        "UpdatedAt": run.updated,
    } | ({"EndedAt": run.ended} if run.ended else {})


def _page(call: AwsCall, documents: list[dict[str, Any]]) -> dict[str, Any]:
    try:
        here, token = page(documents, call.params.get("NextToken"), int(call.params.get("MaxResults") or 50))
    except AwsError as error:
        raise refused(error.message) from None
    return {"Items": list(here)} | ({"NextToken": token} if token else {})
