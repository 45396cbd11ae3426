"""The savings at the start, each of which leans on a private detail of what it saves on."""

import subprocess
import sys

import moto.core.utils
import pytest
from werkzeug.routing import Map, Rule

from drcore.sandbox.moto.startup import LOADER


def test_it_should_build_urls_as_werkzeug_does_although_builders_wait() -> None:
    adapter = Map([Rule("/a/<name>", endpoint="a")]).bind("localhost")
    assert adapter.build("a", {"name": "b c", "q": "1"}) == "/a/b%20c?q=1"
    assert adapter.match("/a/b") == ("a", {"name": "b"})


def test_it_should_keep_motos_models_apart_from_the_clients() -> None:
    first, second = (vars(moto.core.utils)["create_loader"]() for _ in range(2))
    assert first is second
    assert first is not LOADER


@pytest.mark.parametrize("module", ["pytest", "IPython", "pandas", "matplotlib", "moto.ec2", "docker"])
def test_it_should_not_import_what_the_server_has_no_use_for(module: str) -> None:
    look = f"import drcore.sandbox.endpoints.http_server, sys; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
