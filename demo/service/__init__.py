"""The services beside the sandbox as real processes, with the arguments that a pod would have."""

from demo.service.operator_process import Operator, operator
from demo.service.waiting import free_port
from demo.service.webhook_process import Service, webhook

__all__ = ["Operator", "Service", "free_port", "operator", "webhook"]
