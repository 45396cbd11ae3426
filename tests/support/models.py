"""What botocore's models say of the operations that drcore calls, and what of it somebody has looked at.

`python -m tests.support.models` writes it anew to tests/calls/models.json. Look at the difference: of each error
whether it passes, of each new member whether it changes what is read.
"""

from __future__ import annotations

import ast
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import botocore.session
from botocore import xform_name

from drcore.calls.transient import passes

ROOT = Path(__file__).parents[2]
REVIEWED = ROOT / "tests" / "calls" / "models.json"
PASSES, STAYS, NO_ANSWER = "passes", "stays", "no answer"
# Called past `Aws.call`, in drcore/calls/aws.py.
_BESIDE = {("dynamodb", "Scan"), ("sts", "AssumeRole")}


@functools.cache
def model(service: str) -> Any:
    return _session().get_service_model(service)


@functools.cache
def used() -> tuple[tuple[str, str], ...]:
    """Service and operation of every call that is written down in drcore, sorted."""
    found = set(_BESIDE)
    for path in sorted((ROOT / "drcore").rglob("*.py")):
        source = "" if "sandbox" in path.parts else path.read_text()
        if ".call(" in source or ".pages(" in source:
            found |= set(calls_in(source))
    return tuple(sorted(found))


def now() -> dict[str, dict[str, Any]]:
    """What the models of the installed botocore say, by `service:Operation`."""
    return {f"{service}:{operation}": _described(service, operation) for service, operation in used()}


def reviewed() -> dict[str, Any]:
    """What somebody has looked at: `botocore`, its version then; `operations`, as `now` has them."""
    known: dict[str, Any] = json.loads(REVIEWED.read_text())
    return known


def passing(service: str, operation: str) -> tuple[str, ...]:
    """The errors of an operation that pass, by the reviewed list."""
    errors = reviewed()["operations"][f"{service}:{operation}"]["errors"]
    return tuple(code for code, meaning in errors.items() if meaning == PASSES)


def _described(service: str, operation: str) -> dict[str, Any]:
    found = model(service).operation_model(operation)
    return {
        "input": sorted(found.input_shape.members) if found.input_shape else [],
        "output": sorted(found.output_shape.members) if found.output_shape else [],
        "errors": {_code(each): _meaning(service, each) for each in sorted(found.error_shapes, key=_code)},
    }


def _meaning(service: str, error: Any) -> str:
    told = error.metadata.get("error", {})
    fault = _raw(service)["shapes"][error.name].get("fault")
    status = told.get("httpStatusCode") or (500 if fault else 400)
    if passes(service, _code(error), status=status):
        return PASSES
    return NO_ANSWER if status >= 500 else STAYS


def _code(error: Any) -> str:
    return str(error.metadata.get("error", {}).get("code") or error.name)


def calls_in(source: str) -> Iterator[tuple[str, str]]:
    """Service and operation of every call that is written down in some source."""
    tree = ast.parse(source)
    names = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) >= 3):
            continue
        if node.func.attr in ("call", "pages"):
            service, method = (_text(each, names) for each in (node.args[0], node.args[2]))
            if service and method:
                yield service, _operation(service, method)


def _text(node: ast.expr, names: dict[str, Any]) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return str(names.get(node.id, "")) if isinstance(node, ast.Name) else ""


def _operation(service: str, method: str) -> str:
    return _operations(service)[method]


@functools.cache
def _operations(service: str) -> dict[str, str]:
    return {xform_name(name): str(name) for name in model(service).operation_names}


@functools.cache
def _raw(service: str) -> Any:
    """The model as it is written: a shape does not tell whether an error is the service's own fault."""
    return _session().get_component("data_loader").load_service_model(service, "service-2")


@functools.cache
def _session() -> Any:
    return botocore.session.get_session()


def looked_at() -> tuple[str, dict[str, dict[str, Any]]]:
    """What to write: what the models say now, and what was looked at before in a newer botocore, with its version."""
    before, found = reviewed(), now()
    newest = max(before["botocore"], botocore.__version__, key=lambda each: [int(part) for part in each.split(".")])
    if newest == botocore.__version__:
        return newest, found
    for name, known in before["operations"].items():
        if name in found:
            for part in ("input", "output"):
                found[name][part] = sorted({*found[name][part], *known[part]})
            found[name]["errors"] = dict(sorted((known["errors"] | found[name]["errors"]).items()))
    return newest, found


def main() -> None:
    version, operations = looked_at()
    lines = [f'"{name}": {json.dumps(each)}' for name, each in operations.items()]
    begin = f'{{"botocore": "{version}",\n"operations": {{\n'
    REVIEWED.write_text(begin + ",\n".join(lines) + "\n}}\n")


if __name__ == "__main__":
    main()
