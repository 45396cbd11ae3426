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
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.exceptions import (
    ConfigNotFound,
    ConfigParseError,
    EndpointVariantError,
    InvalidChecksumConfigError,
    InvalidDefaultsMode,
    InvalidEndpointConfigurationError,
    InvalidEndpointDiscoveryConfigurationError,
    InvalidIMDSEndpointError,
    InvalidIMDSEndpointModeError,
    InvalidRetryConfigurationError,
    InvalidS3UsEast1RegionalEndpointConfigError,
    InvalidSTSRegionalEndpointsConfigError,
    ProfileNotFound,
)
from botocore.loaders import JSONFileLoader
from botocore.utils import parse_timestamp

from drcore.errors import BadInput

# What reading the user's own configuration ends in, or a client that is made of it.
CONFIGURATION = (
    *(ProfileNotFound, ConfigParseError, ConfigNotFound, EndpointVariantError, InvalidEndpointConfigurationError),
    *(InvalidDefaultsMode, InvalidRetryConfigurationError, InvalidChecksumConfigError),
    *(InvalidEndpointDiscoveryConfigurationError, InvalidIMDSEndpointError, InvalidIMDSEndpointModeError),
    *(InvalidSTSRegionalEndpointsConfigError, InvalidS3UsEast1RegionalEndpointConfigError),
)


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
    loader = botocore.session.get_session(_AS_BOTOCORE_COMES).get_component("data_loader")
    loader.file_loader = _ModelFiles()
    return loader


# What a user has configured for AWS, in files or variables, is none of an endpoint of one's own, nor of the models that
# come with botocore.
_AS_BOTOCORE_COMES: dict[str, Any] = {
    **{name: (None, [], default, None) for name, (_, _, default, _) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()},
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


def bad_configuration(error: Exception) -> BadInput:
    """What was configured, in the own sentence of botocore."""
    return BadInput(f"AWS_PROFILE, or AWS's configuration on this machine: {str(error).rstrip('.')}")


def session_of(key: str | None = None) -> boto3.Session:
    """A session with a key for an endpoint of one's own, else as the user has configured it. Raises BadInput."""
    core: Any = botocore.session.get_session(_AS_BOTOCORE_COMES if key else None)
    try:
        session = boto3.Session(key, key, botocore_session=core)
    except CONFIGURATION as error:
        raise bad_configuration(error) from error
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
    core.register_component("data_loader", _models())  # not before: boto3 adds a path to the loader that it finds
    return session
