"""Sessions of boto3: the models of services read once, the keys those of a user or of an endpoint of one's own."""

from __future__ import annotations

import functools
import gzip
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import orjson
from botocore.exceptions import ConfigNotFound, ConfigParseError, ProfileNotFound
from botocore.loaders import JSONFileLoader
from botocore.utils import parse_timestamp

from drcore.errors import BadInput

PROFILE = (ProfileNotFound, ConfigParseError, ConfigNotFound)  # what reading the user's own configuration ends in


class _ModelFiles(JSONFileLoader):
    """Reads a service's model by orjson: to read it is most of what the first client of a service costs."""

    def load_file(self, file_path: str) -> Any:
        for path in (Path(f"{file_path}.json"), Path(f"{file_path}.json.gz")):
            if path.is_file():
                return orjson.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
        return None


@functools.cache
def _models() -> Any:
    """What reads the models of all sessions of this process: each is read once, not once for each session."""
    loader = botocore.session.get_session(_NO_PROFILE).get_component("data_loader")
    loader.file_loader = _ModelFiles()
    return loader


# What a user has configured for AWS is none of an endpoint of one's own, nor of the models that come with botocore.
_NO_PROFILE: dict[str, Any] = {
    "profile": (None, [], None, None),
    "config_file": (None, [], os.devnull, None),
    "credentials_file": (None, [], os.devnull, None),
}


def _moment(value: Any) -> datetime:
    """A moment in an answer, in UTC. Raises ValueError.

    botocore reads it by dateutil, in the zone of the machine, which takes a tenth of the time of a drill.
    """
    with suppress(ValueError, OverflowError, OSError):
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    return parse_timestamp(value)


def session_of(key: str | None = None) -> boto3.Session:
    """Raises BadInput where the profile that was asked for cannot be read."""
    core: Any = botocore.session.get_session(_NO_PROFILE if key else None)
    try:
        session = boto3.Session(key, key, botocore_session=core)
    except PROFILE as error:
        raise BadInput(f"AWS_PROFILE, or AWS's configuration on this machine: {error}. Nothing was touched.") from error
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
    core.register_component("data_loader", _models())  # not before: boto3 adds a path to the loader that it finds
    return session
