"""Whether Apple reaches our server, and whether it was Apple."""

from __future__ import annotations

import json

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.appstoreconnect.webhooks import IosWebhook, IosWebhooks
from drcore.services.appstore.client import AppStoreConnect
from drcore.services.appstore.webhooks import deliveries, is_from_apple, ping, redeliver, webhooks

SECRET = "between us and Apple"  # noqa: S105 - of the emulated store


def test_a_ping_should_show_whether_apple_reaches_us(apple: AppStoreConnect, world: InProcess) -> None:
    hooks = world.world.state(IosWebhooks)
    hooks.webhooks.append(IosWebhook("hook-1", "review", "https://hooks.syncwell.example/appstore", SECRET))
    hooks.down = True
    (webhook,) = webhooks(apple)
    ping(apple, webhook.id)
    hooks.down = False
    (failed,) = deliveries(apple, webhook.id)
    assert (failed.state, failed.ping, json.loads(failed.payload)["data"]["type"]) == (
        "FAILED",
        True,
        "webhookPingCreated",
    )
    redeliver(apple, failed.id)
    assert [each.state for each in deliveries(apple, webhook.id)] == ["SUCCEEDED", "FAILED"]
    posted = hooks.deliveries[0]
    assert is_from_apple(posted.body, posted.signature, SECRET)
    assert not is_from_apple(posted.body + b" ", posted.signature, SECRET)
    assert not is_from_apple(posted.body, posted.signature, "another secret")
    assert not is_from_apple(posted.body, posted.signature.removeprefix("hmacsha256="), SECRET)
