"""Settings of a service, from flags and from the environment.

Each field is a flag (``--log-level DEBUG``) and a variable (``ACTGATE_WEBHOOK_LOG_LEVEL=DEBUG``); the flag
wins. An unknown flag or variable is refused: a limit that is misspelt, or that an upgrade renames, must not
be overlooked. What policies ask for is never set here.
"""

import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from actgate.api.durations import format_seconds, parse_seconds
from actgate.runtime.logs import LogLevel

_POD_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_SERVICE_LINK: Final = re.compile(
    r"\w*(SERVICE_HOST|SERVICE_PORT\w*|PORT_\d+_\w+)=.*|\w*PORT=(tcp|udp|sctp)://.*", re.DOTALL
)
"""A variable that Kubernetes gives to pods beside a Service, which may be called like us."""


class UnusableSettingsError(Exception):
    """A flag or a variable cannot be used; the message says which, and why."""


class Duration(float):
    """Seconds, which flags and variables state as a duration such as ``2m30s``."""

    def __str__(self) -> str:
        return format_seconds(self)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._validated)

    @classmethod
    def _validated(cls, value: Any) -> Self:  # noqa: ANN401 - whatever a setting is given
        return value if isinstance(value, cls) else cls(parse_seconds(str(value)))


@dataclass(frozen=True, slots=True)
class Between:
    """Bounds of a ``Duration``, which are durations themselves; for ``Annotated``."""

    least: Duration
    most: Duration

    def __str__(self) -> str:
        return f"from {self.least} to {self.most}"

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, value: Duration) -> Duration:
        if not self.least <= value <= self.most:
            raise ValueError(f"must be {self}")
        return value


Interval = Annotated[Duration, Between(Duration(0.001), Duration(3600))]
"""A duration that is not zero, an hour at most."""
Port = Annotated[int, Field(ge=0, le=65535)]


def own_namespace() -> str:
    """Return the namespace of the pod that this runs in, else the usual one."""
    try:
        return _POD_NAMESPACE.read_text(encoding="utf-8").strip()
    except OSError:
        return "actgate-system"


def own_name() -> str:
    """Return the name of the pod that this runs in, else of the machine."""
    return os.environ.get("HOSTNAME") or socket.gethostname()


class ServiceSettings(BaseSettings):
    """What every service is set up with; each adds its own, and ``env_prefix`` and ``cli_prog_name``."""

    model_config = SettingsConfigDict(
        frozen=True,
        cli_exit_on_error=False,
        cli_kebab_case=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
        use_attribute_docstrings=True,
    )

    bind_address: str = "0.0.0.0"  # noqa: S104 - a pod is reached at its own address
    """Address to listen on."""
    log_level: LogLevel = LogLevel.INFO
    """Least severe messages that are logged."""

    @classmethod
    def read(cls, arguments: Sequence[str]) -> Self:
        """Read command line arguments and the environment.

        Raises:
            UnusableSettingsError: One of them is no setting, or not what its field asks for.
        """
        if unknown := cls._unknown_variables():
            raise UnusableSettingsError(f"unknown environment variables: {', '.join(unknown)}; see --help")
        try:
            return cls(_cli_parse_args=list(arguments))
        except SettingsError as error:
            raise UnusableSettingsError(
                f"{str(error).removeprefix('error parsing CLI: ')}; see --help"
            ) from error
        except ValidationError as error:
            raise UnusableSettingsError("; ".join(map(cls._words, error.errors()))) from error

    @classmethod
    def _unknown_variables(cls) -> list[str]:
        prefix = cls.model_config["env_prefix"]
        known = {f"{prefix}{field}".upper() for field in cls.model_fields}
        return [
            name
            for name, value in os.environ.items()
            if name.upper().startswith(prefix)
            and name.upper() not in known
            and not _SERVICE_LINK.fullmatch(f"{name}={value}")
        ]

    @classmethod
    def _words(cls, error: Any) -> str:  # noqa: ANN401 - pydantic's, whose type is another in each version
        field = str(error["loc"][0]) if error["loc"] else "settings"
        variable = f"{cls.model_config['env_prefix']}{field.upper()}"
        message = str(error["msg"]).removeprefix("Value error, ")
        return f"--{field.replace('_', '-')} (or {variable}): {message}"
