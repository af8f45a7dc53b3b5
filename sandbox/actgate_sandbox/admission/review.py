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
            return _failed(webhook, _forbidden(attributes, str(error)))
        return await self._call(webhook, attributes)

    async def _call(self, webhook: Webhook, attributes: Attributes) -> Decision:
        if attributes.dry_run and webhook.get("sideEffects") not in ("None", "NoneOnDryRun"):
            text = f'admission webhook "{webhook["name"]}" does not support dry run'
            return Decision(_status(400, text, reason="BadRequest"), [])
        try:
            response = await self._caller.call(webhook, attributes.review())
        except CallError as error:
            return _failed(webhook, _internal(f'failed calling webhook "{webhook["name"]}": {error}'))
        warnings = [text for text in response.get("warnings", ()) if _printable(text)]
        if response.get("allowed"):
            return Decision(None, warnings)
        return Decision(_denial(webhook["name"], response.get("status") or {}), warnings)


def _failed(webhook: Webhook, status: dict[str, Any]) -> Decision:
    return Decision(None if webhook.get("failurePolicy") == "Ignore" else status, [])


def _denial(name: str, status: Mapping[str, Any]) -> dict[str, Any]:
    denied = f'admission webhook "{name}" denied the request'
    why = status.get("message") or status.get("reason")
    code = status.get("code") or 0
    return _status(
        # A denial must not look like a success, whatever the webhook says.
        code if code >= 400 else 400,
        f"{denied}: {why}" if why else f"{denied} without explanation",
        reason=status.get("reason"),
        details=status.get("details"),
    )


def _forbidden(attributes: Attributes, why: str) -> dict[str, Any]:
    group, resource = attributes.endpoint.group, attributes.endpoint.resource
    qualified = f"{resource}.{group}" if group else resource
    details = {"name": attributes.name, "group": group, "kind": resource}
    return _status(
        403,
        f'{qualified} "{attributes.name}" is forbidden: {why}',
        reason="Forbidden",
        details={key: value for key, value in details.items() if value},
    )


def _internal(why: str) -> dict[str, Any]:
    return _status(
        500,
        f"Internal error occurred: {why}",
        reason="InternalError",
        details={"causes": [{"message": why}]},
    )


def _status(code: int, message: str, *, reason: str | None = None, details: object = None) -> dict[str, Any]:
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    extra = {"message": message, "reason": reason, "details": details, "code": code}
    return status | {key: value for key, value in extra.items() if value}


def _printable(text: object) -> bool:
    return isinstance(text, str) and all(char > _LAST_CONTROL_CHARACTER for char in text)
