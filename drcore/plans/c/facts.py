"""What plan C is given: of its environment, of the incident."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from drcore.engine.context import Run
from drcore.parameters import FreeText, Minutes, Model, OneOf, Region, SecretRef, Url
from drcore.plans.shared.facts import Api, Name, SupportDesk
from drcore.plans.shared.flag_profiles import FlagProfile
from drcore.plans.shared.releases import Manifest

Hours = Annotated[float, Field(gt=0, le=24 * 30)]
Users = Annotated[int, Field(gt=0)]


class GooglePlay(Model):
    """The app at Google, with the key file of a service account that nobody else uses."""

    publisher: Url
    reporting: Url
    tokens: Url
    package: Name
    key: SecretRef


class AppleApp(Model):
    """The app at Apple, with the key of a team."""

    url: Url
    app: Annotated[str, Field(pattern=r"^\d+$")]
    issuer: Name
    key_id: Name
    key: SecretRef


class CrashExport(Model):
    """Where crash reporting exports to: users whose app crashed, of those active, by platform and version code.

    Apple has no crash rate of App Store users: without this the trigger on iOS is unknown.
    """

    region: Region
    namespace: Name
    metric: Name
    google_play: Name
    app_store: Name


class CrashLogs(Model):
    """The log group of the app's crash reports."""

    region: Region
    group: Name


class TraceSource(Model):
    """Where the app's traces are told, by which annotation their version; where spans lie with Transaction Search."""

    region: Region
    annotation: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    spans: Name


class LeverFlags(Model):
    """Flags that the app itself reads: where they lie, which one has the least version, a version a store."""

    flags: FlagProfile
    least_version: Name


class LossDesk(SupportDesk):
    """The support desk's tickets about lost data: so many of one version are a trigger."""

    least: Annotated[int, Field(gt=0)]


class BuildJob(Model):
    """The pipeline's job that builds a tag as a version and uploads it to both stores; the branch of a hotfix."""

    region: Region
    project: Name
    hotfix: Name


class Numbering(Model):
    """How a version code follows from a version: major times this, minor times that, and the patch."""

    major: Annotated[int, Field(gt=0)]
    minor: Annotated[int, Field(gt=0)]


class Facts(Model):
    """`c.yaml`: what plan C needs to know of an environment."""

    google_play: GooglePlay
    app_store: AppleApp
    crashes: CrashExport
    crash_logs: CrashLogs
    traces: TraceSource
    levers: LeverFlags
    features: dict[Name, Name]  # by a word of its errors each one's flag, whose off_from and off_to are versions
    lost_data: LossDesk
    releases: Manifest
    build_job: BuildJob
    version_code: Numbering
    api: Api
    crash_free_percent: Annotated[float, Field(gt=50, lt=100)]
    minimum_users: Users
    window_hours: Hours
    fresh_hours: Hours
    detection_minutes: Minutes
    halt_minutes: Minutes
    build_minutes: Minutes
    review_hours: Hours
    verify_hours: Hours
    rto_hours: Hours


class Incident(Model):
    """What only the incident knows: the notebook's parameters cell."""

    version: Annotated[str, Field(pattern=r"^(|\d{1,4}\.\d{1,4}\.\d{1,4})$")] = ""  # that is bad; empty: the newest
    remedy: Literal["", "roll back", "hotfix"] = ""  # empty: as the inputs recommend
    off_sale: Annotated[str, Field(pattern=r"^(|all|[A-Z]{3}(,[A-Z]{3})*)$")] = ""  # territories: FRA,DEU; empty: none
    feature: Annotated[str, OneOf("features")] = ""  # to turn off in it; empty: as its new errors name it
    bug: FreeText = ""  # a crash or a loss of data that people have reported, where no rate shows it


CRun = Run[Facts, Incident]
