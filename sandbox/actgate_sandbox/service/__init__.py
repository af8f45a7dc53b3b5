"""The services beside the sandbox as real processes, with the arguments that a pod would have."""

from actgate_sandbox.service.operator_process import Operator, operator
from actgate_sandbox.service.waiting import free_port
from actgate_sandbox.service.webhook_process import Service, webhook

__all__ = ["Operator", "Service", "free_port", "operator", "webhook"]
