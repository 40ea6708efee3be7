"""Admission webhooks that refuse, or that are down, as the configuration has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_odfperf.sandbox.api.admission.virt_api import silent_webhook
from pytest_odfperf.sandbox.api.objects.paths import Target
from pytest_odfperf.sandbox.api.objects.selectors import label_selector
from pytest_odfperf.sandbox.api.objects.status import StatusError
from pytest_odfperf.sandbox.config.trouble_rules import Webhook


def call_webhooks(webhooks: Sequence[Webhook], target: Target, obj: Any) -> None:
    """Raises a `StatusError` for what a webhook does not let in."""
    for webhook in webhooks:
        if webhook.resource != target.resource.plural or not isinstance(obj, dict):
            continue
        if not isinstance(obj.get("metadata"), dict) or not label_selector(webhook.selector)(obj):
            continue
        kind = target.resource.kind.lower()
        if webhook.denies is None:
            raise silent_webhook(webhook.resource)
        said = f"{webhook.field}: {webhook.denies}"
        raise StatusError(
            422,
            "Invalid",
            f'admission webhook "{kind}-validator.kubevirt.io" denied the request: {said}',
            causes=[{"reason": "FieldValueInvalid", "message": webhook.denies, "field": webhook.field}],
        )
