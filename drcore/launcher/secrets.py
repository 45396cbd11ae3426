"""The secrets of a run, for what is written outside its kernel."""

from __future__ import annotations

from drcore.errors import DrcoreError
from drcore.parameters import SecretRef, Service, at_world
from drcore.record.redact import Redactor
from drcore.record.run_parameters import RunParameters


def redactor(setting: RunParameters) -> Redactor:
    """A redactor that knows the secrets of a run, for what is written outside its kernel.

    A secret that cannot be read now cannot be read by the kernel either, so it cannot be in the notebook.
    """
    redact = Redactor(facts=setting.public)
    add_secrets(setting, redact)
    return redact


def add_secrets(setting: RunParameters, redact: Redactor) -> bool:
    """Teach a redactor the secrets of a run. False when one cannot be read now."""
    from drcore.calls.aws import Aws
    from drcore.calls.gate import CallGate
    from drcore.calls.secrets import resolve

    service = at_world(setting.service, (setting.world or {}).get("address"))
    aws = Aws(CallGate(lambda *_, **__: None), endpoint=service.endpoint, role=service.role, run_id=setting.run_id)
    complete = True
    for reference in _references(service):
        try:
            redact.add(resolve(reference, aws, service.runner_region))
        except DrcoreError:
            complete = False
    return complete


def _references(service: Service) -> list[SecretRef]:
    return [service.status_page.api_key]
