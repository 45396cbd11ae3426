"""What botocore raises, as our own errors: Rejected (AWS said no) is told from Unknown (no answer to be trusted)."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore import configprovider, endpoint
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    InvalidConfigError,
    LoginError,
    NoAuthTokenError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    RefreshWithMFAUnsupportedError,
    SSLError,
    SSOError,
    TokenRetrievalError,
    UnknownCredentialError,
)
from botocore.parsers import ResponseParserError

from drcore.calls.sessions import CONFIGURATION, bad_configuration
from drcore.calls.transient import passes
from drcore.errors import Busy, Missing, NoAnswer, NoCredentials, Rejected, Unknown

# The second: something answered that does not speak for AWS, such as a proxy with a page of its own.
_NO_ANSWER = (BotoCoreError, ResponseParserError)
# Of the machine that drcore runs on, before any region is asked.
_NOBODY = (
    *(NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, UnknownCredentialError),
    *(NoAuthTokenError, TokenRetrievalError, SSOError, LoginError, InvalidConfigError),
    RefreshWithMFAUnsupportedError,
)
_ABSENT = re.compile(r"NotFound|NoSuch|DoesNotExist|NotExist|^404$")


def see_who_answers(answer: Mapping[str, Any], of: str) -> None:
    """A proxy's own page is read by botocore as an answer in which everything is missing. Raises NoAnswer for it."""
    if not answer.get("ResponseMetadata", {}).get("RequestId"):
        raise NoAnswer(f"{of}: an answer without a request id, which AWS gives each: something else has answered")


@contextmanager
def as_our_errors(service: str, operation: str, region: str) -> Iterator[None]:
    """Tell what AWS has refused from what it has not answered. Raises Rejected (Busy where it passes), Unknown."""
    try:
        yield
    except ClientError as error:
        raise _answered(error, service, operation, region) from error
    except _NOBODY as error:
        raise NoCredentials(f"no credentials for AWS: {error}{_how_to_sign_in(error)}", type(error).__name__) from error
    except CONFIGURATION as error:
        raise bad_configuration(error) from error
    except ParamValidationError as error:
        raise Rejected(f"{service} {operation} in {region}: {error}", type(error).__name__) from error
    except (ProxyConnectionError, SSLError) as error:  # what lies between this machine and AWS
        raise NoAnswer(f"{service} {operation} in {region}: {error}") from error
    except _NO_ANSWER as error:
        # Of what wraps another error, the sentence: its name would tell nothing.
        reason = error if type(error) is HTTPClientError else type(error).__name__
        raise NoAnswer(f"{service} {operation} in {region}: {reason}") from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        where = _raised_in(error)
        if where in (configprovider.__name__, endpoint.__name__):  # a variable of AWS's that is no number, no address
            raise bad_configuration(error) from error
        if where != ResponseParserError.__module__:
            raise
        raise NoAnswer(f"{service} {operation} in {region}: an answer that botocore cannot read: {error!r}") from error


def _how_to_sign_in(error: Exception) -> str:
    """What to do where a session of SSO has run out, unless botocore has said it."""
    if not isinstance(error, SSOError) or "aws sso login" in str(error):
        return ""
    profile = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    return ". Sign in: aws sso login" + (f" --profile {profile}" if profile else "")


def _raised_in(error: BaseException) -> str:
    """The module that has raised it: botocore's parsers stumble over what is well-formed but of another shape."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals["__name__"])


def _answered(error: ClientError, service: str, operation: str, region: str) -> Rejected | Unknown:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    message = error.response.get("Error", {}).get("Message", "")
    text = f"{service} {operation} in {region}: {code}: {message}"
    if passes(service, code, message, status):
        return Busy(text, code)
    if status >= 500:
        return NoAnswer(text)
    return Missing(text, code) if _ABSENT.search(code) else Rejected(text, code)
