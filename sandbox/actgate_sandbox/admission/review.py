"""Every webhook that a request concerns, asked in parallel; one denial is enough."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from actgate_sandbox.admission.attributes import Attributes, Decision
from actgate_sandbox.admission.calling import Caller, CallError
from actgate_sandbox.admission.matching import (
    ConditionError,
    Labels,
    Webhook,
    concerned,
    conditions_hold,
    selected,
)
from actgate_sandbox.status import ApiError, bad_request, forbidden, internal

_EXEMPT_GROUP = "admissionregistration.k8s.io"
_LAST_CONTROL_CHARACTER = "\x1f"


class Webhooks:
    """The admission chain. It keeps connections, so it belongs to one event loop."""

    def __init__(self) -> None:
        self._caller = Caller()

    async def review(
        self,
        configurations: Iterable[Mapping[str, Any]],
        namespace_labels: Labels | None,
        attributes: Attributes,
    ) -> Decision:
        """Ask every webhook that the request concerns.

        Args:
            configurations: ValidatingWebhookConfigurations, defaulted, in the order of their names.
            namespace_labels: The labels of the request's namespace, None for cluster scope.
            attributes: The request.

        Returns:
            The first denial in the order of the configurations, and the warnings of all.
        """
        if attributes.endpoint.group == _EXEMPT_GROUP:
            return Decision(None, [])
        asked = (
            self._ask(webhook, namespace_labels, attributes)
            for configuration in configurations
            for webhook in configuration.get("webhooks") or ()
        )
        answers = await asyncio.gather(*asked)
        denials = (answer.denied for answer in answers if answer.denied is not None)
        warnings = [text for answer in answers for text in answer.warnings]
        return Decision(next(denials, None), warnings)

    async def close(self) -> None:
        """Close the kept connections."""
        await self._caller.close()

    async def _ask(
        self, webhook: Webhook, namespace_labels: Labels | None, attributes: Attributes
    ) -> Decision:
        if not concerned(webhook, attributes) or not selected(webhook, attributes, namespace_labels):
            return Decision(None, [])
        try:
            if not conditions_hold(webhook, attributes):
                return Decision(None, [])
        except ConditionError as error:
            endpoint = attributes.endpoint
            why = forbidden(endpoint.resource, endpoint.group, attributes.name, str(error))
            return _failed(webhook, why)
        return await self._call(webhook, attributes)

    async def _call(self, webhook: Webhook, attributes: Attributes) -> Decision:
        if attributes.dry_run and webhook.get("sideEffects") not in ("None", "NoneOnDryRun"):
            text = f'admission webhook "{webhook["name"]}" does not support dry run'
            return Decision(bad_request(text), [])
        try:
            response = await self._caller.call(webhook, attributes.review())
        except CallError as error:
            return _failed(webhook, internal(f'failed calling webhook "{webhook["name"]}": {error}'))
        warnings = [text for text in response.get("warnings", ()) if _printable(text)]
        if response.get("allowed"):
            return Decision(None, warnings)
        return Decision(_denial(webhook["name"], response.get("status") or {}), warnings)


def _failed(webhook: Webhook, refusal: ApiError) -> Decision:
    return Decision(None if webhook.get("failurePolicy") == "Ignore" else refusal, [])


def _denial(name: str, answered: Mapping[str, Any]) -> ApiError:
    denied = f'admission webhook "{name}" denied the request'
    why = answered.get("message") or answered.get("reason")
    code = answered.get("code") or 0
    return ApiError(
        # A denial must not look like a success, whatever the webhook says.
        code if code >= 400 else 400,
        str(answered.get("reason") or ""),
        f"{denied}: {why}" if why else f"{denied} without explanation",
        answered.get("details"),
    )


def _printable(text: object) -> bool:
    return isinstance(text, str) and all(char > _LAST_CONTROL_CHARACTER for char in text)
