"""The names of SyncWell's resources: the same in every world, so that parameters can state them."""

FUNCTIONS = ("syncwell-api", "syncwell-worker", "syncwell-webhook")
API_FUNCTIONS = ("syncwell-api", "syncwell-webhook")
"""The functions that API Gateway calls; the worker is fed by queues."""

ALIAS = "live"
STAGE = "prod"
API = "syncwell"
APPLICATION = "syncwell-backend"
GROUP = "syncwell-backend-live"
PIPELINE = "syncwell-backend"
TOPIC = "syncwell-oncall"
SECOND_TOPIC = "syncwell-oncall-second"
ON_CALL = "on-call@syncwell.example"
SECOND_ON_CALL = "second-on-call@syncwell.example"

REST_API_IDS = {"us-east-1": "sw1east7ab", "us-west-2": "sw2west4cd"}
PATHS = ("/", "/v1/health", "/v1/sync/preview", "/v1/webhooks/{partner}")

STATUS_PAGE_SECRET = "syncwell/statuspage-key"  # noqa: S105 - a name
STATUS_PAGE_KEY = "emulated-statuspage-key-7f3a91"
STATUS_PAGE_TOKEN = "5f6a0a3e-6a43-4f6e-9a37-6f2f3c1d9b10"  # noqa: S105 - an idempotency token
SUPPORT_SECRET = "syncwell/support-key"  # noqa: S105 - a name
SUPPORT_KEY = "emulated-support-key-20b4d7"
SUPPORT_TOKEN = "5f6a0a3e-6a43-4f6e-9a37-6f2f3c1d9b11"  # noqa: S105 - an idempotency token
SECURITY_DESK_SECRET = "syncwell/security-desk-key"  # noqa: S105 - a name
SECURITY_DESK_KEY = "emulated-security-desk-key-9e61c3"
SECURITY_DESK_TOKEN = "5f6a0a3e-6a43-4f6e-9a37-6f2f3c1d9b12"  # noqa: S105 - an idempotency token

LAMBDA_ROLE = "syncwell-lambda"


def topic_arn(account: str, region: str) -> str:
    """The topic that pages the on-call engineer of one region."""
    return f"arn:aws:sns:{region}:{account}:{TOPIC}"


def releases_bucket(region: str) -> str:
    """Where the release manifest lies."""
    return f"syncwell-releases-{region}"


def evidence_bucket(region: str) -> str:
    """Where records of drills and incidents are kept, with Object Lock."""
    return f"syncwell-evidence-{region}"


WITNESS_REGION = "us-east-2"
"""Where nothing of SyncWell runs: a third place says who holds the lock of a plan."""
WITNESS_BUCKET = f"syncwell-witness-{WITNESS_REGION}"


def exports_bucket(region: str) -> str:
    """Where exports of tables are put."""
    return f"syncwell-exports-{region}"


def canary_alarm(function: str) -> str:
    """The alarm on the errors of the newest version of a function."""
    return f"{function}-canary-errors"


# Plan A.
ZONE_ID = "Z0SYNCWELL0ZONE"
ZONE = "syncwell.example."
RECORD = "api.syncwell.example."
BALANCER_HOSTS = {region: f"syncwell-{region}-1.{region}.elb.amazonaws.com" for region in ("us-east-1", "us-west-2")}
"""The DNS name of each region's load balancer, to which the record sets are aliases."""
NODES = {
    "us-east-1": tuple(f"192.0.2.{number}" for number in range(10, 20)),
    "us-west-2": tuple(f"192.0.2.{number}" for number in range(20, 30)),
}
"""The addresses that the nodes of each region's load balancer get, some of them at a time."""
TTL = 60
HEALTH_PATH = "/health/region"
LEVER_KEY = "region-levers.json"
TABLE = "SyncWellMetadata"
QUEUE, DEAD_QUEUE = "syncwell-jobs", "syncwell-jobs-dead"
JOB_LOGS, JOBS_FLAG, IMPORTS_FLAG = "/syncwell/jobs", "jobs_not_before", "imports_from"
THROTTLED_ALARM = "SyncWellMetadata-throttled"


def health_check(region: str) -> str:
    """The Route 53 health check of a region."""
    return f"hc-syncwell-{region}"


def health_host(region: str) -> str:
    """The name under which a checker asks after a region."""
    return f"{region}.{RECORD.rstrip('.')}"


def levers_bucket(region: str) -> str:
    """A bucket in that region with the lever for the others."""
    return f"syncwell-levers-{region}"


def load_balancer(region: str) -> str:
    """As CloudWatch names it."""
    return f"app/syncwell-{region}/1"


# Plan G: who reads and writes the metadata.
CLUSTER = "syncwell"
SERVICE = "syncwell-worker"
FAMILY = "syncwell-worker"
WORKER_ROLE, EVENTS_ROLE, RECOVERY_ROLE, BATCH_ROLE = (
    "syncwell-worker",
    "syncwell-events",
    "syncwell-recovery",
    "syncwell-batch",
)
APPROVER_ROLE = "syncwell-approver"
PIPELINE_USER = "syncwell-pipeline"
WORKER_FUNCTION = "syncwell-worker"
TIDY_RULE, CANARY_RULE = "syncwell-nightly-tidy", "syncwell-canary"
TIDY_AT = {"us-east-1": (7, 40), "us-west-2": (10, 40)}
"""Hour and minute, UTC, at which the nightly tidy-up starts: twenty to three where the region is."""
TTL_ATTRIBUTE, TAGS = "ExpiresAt", {"service": "syncwell", "data": "user-configuration"}
CONFIG_APPLICATION, CONFIG_ENVIRONMENT, CONFIG_PROFILE = "syncwell", "production", "backend"
CONFIG_STRATEGY = "all-at-once"
API_LOGS = "/syncwell/api"
MOBILE_REGION, CRASH_REPORTS, MOBILE_JOB = "us-west-2", "/syncwell/mobile/crashes", "syncwell-mobile"

# Plan B: the AI Insights Service.
SYNC_LOGS = "/syncwell/sync-jobs"
AI_ENDPOINT, AI_VARIANT, AI_OLD_VARIANT = "ai-insights", "current", "previous"
AI_MODELS = ("insights-2025-11", "insights-2025-12")
"""The models of its configurations of the same names with `ai-` before, oldest first; the last one serves."""
AI_NEXT_MODEL = "insights-2026-01"
AI_COMPONENT = "ai-insights-merge"
LLM_SECRET = "syncwell/llm-key"  # noqa: S105 - a name
LLM_KEY = "emulated-llm-key-2b9c40"
LLM_TOKEN = "0c9df7d0-58a1-4a2e-8c35-2f4f1f0a7d11"  # noqa: S105 - an idempotency token
LLM_QUOTA = ("us-east-1", "bedrock", "L-5A1D7C3E")
"""Where the LLM's quota counts, its service and code."""
AI_LOG_ALARM, LOG_ALARM_ROLE = "ai-insights-logged-fallbacks", "syncwell-log-alarms"
AI_ALARMS = ("ai-insights-endpoint-errors", "ai-insights-fallback-share", "ai-insights-traffic-floor")


def ai_config(model: str) -> str:
    """The endpoint configuration that serves a model."""
    return f"ai-{model}"


# Plan E: tokens, who revokes them; flags that restrict the service, each with a profile, an environment of its name.
MODE_FLAG, EPOCH_FLAG = "service-mode", "token-epoch"
TOKENS = "syncwell/oauth/"
OTHER_ACCOUNT, SWEEP_ROLE, EXTERNAL_ID = "210987654321", "syncwell-oauth-sweep", "syncwell-recovery"
"""The account of the analysts, which keeps copies of some secrets; who may sweep them, and what is asked for that."""
"""The names of the secrets with users' OAuth tokens begin so."""
REVOKER = "syncwell-revoke-tokens"
"""The state machine that revokes tokens at an issuer."""
SECURITY_LOGS = "/syncwell/security"

# Plan D: the partners, the switches of the app.
PARTNERS = ("strideon", "pulsewatch", "nutrilog", "sleepring")
SWITCH_APPLICATION, SWITCH_ENVIRONMENT, SWITCH_PROFILE = "syncwell-switches", "production", "flags"
"""An application of their own: no deployment of something else stands in the way of a switch."""
APP_FEATURE_FLAG, LEAST_VERSION_FLAG = "app_feature_merge", "app_least_version"
SWITCH_AT_ONCE, SWITCH_RAMP = "switch-at-once", "switch-ramp"


def partner_secret(partner: str) -> str:
    """Where SyncWell's credential for a partner lies."""
    return f"syncwell/partners/{partner}"


def integration_flag(partner: str) -> str:
    """Whether syncs with a partner are done: on is as usual."""
    return f"integration_{partner}_enabled"


def banner_flag(partner: str) -> str:
    """Whether the app shows a banner about a partner, with its text: off is as usual."""
    return f"banner_{partner}"


# Who signs in.
OPERATOR, ADMINISTRATOR = "operator", "administrator"
OPERATOR_KEY, ADMINISTRATOR_KEY = "drcore", "administrator"
SECOND_PERSON = SECOND_PERSON_KEY = "grace"
"""Access keys: the first is what the runbooks bring to an endpoint that is not AWS's."""
