"""What lets the emulator start in a second; nothing in it changes an answer.

Each saving leans on a private detail of a pinned version, so each has a test.
"""

import functools
import importlib
import sys
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import moto.core.utils
from moto.core.loaders import create_loader
from werkzeug.routing import Rule

__all__ = ["LOADER", "time_machine"]

LOADER = create_loader()
"""The loader of the world's clients. Not moto's: botocore changes S3's paths in the model while it calls."""

_MOTOS_LOADER = create_loader()
# moto makes a new loader, which lists 400 directories, for each service model.
vars(moto.core.utils)["create_loader"] = lambda: _MOTOS_LOADER


def _without_pytest(name: str) -> Any:
    """Import `name` as if pytest were not installed, unless it is in use already."""
    if "pytest" in sys.modules:
        return importlib.import_module(name)
    sys.modules["pytest"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module(name)
    finally:
        del sys.modules["pytest"]


if TYPE_CHECKING:
    import time_machine
else:
    # It imports all of pytest (0.1 s) for its fixture.
    time_machine = _without_pytest("time_machine")


def _stand_in(name: str, **members: object) -> None:
    module = types.ModuleType(name)
    vars(module).update(members)
    sys.modules.setdefault(name, module)


# moto's API Gateway wants this validator only to import OpenAPI documents, which no plan does; the real one
# is an installation of ten packages more.
_stand_in("openapi_spec_validator", __path__=[], validate=lambda document: None)
_stand_in("openapi_spec_validator.validation", __path__=[])
_stand_in("openapi_spec_validator.validation.exceptions", OpenAPIValidationError=ValueError)

_compile_builder = Rule._compile_builder


def _compile_builder_on_use(self: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    """URL builders are compiled when a URL is built, which moto never does, not for each of 700 rules."""

    @functools.cache
    def compiled() -> Callable[..., tuple[str, str]]:
        return _compile_builder(self, append_unknown)

    def build(rule: Rule, **values: Any) -> tuple[str, str]:
        return compiled()(rule, **values)

    return build


Rule._compile_builder = _compile_builder_on_use  # type: ignore[method-assign]
