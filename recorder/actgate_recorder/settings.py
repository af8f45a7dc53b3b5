"""Settings of the recorder: flags, and variables that begin with ``ACTGATE_RECORDER_``."""

import re
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from actgate.recording.log import OnFailure
from actgate.recording.named import Named
from actgate.recording.use import PROBES, Content
from actgate.recording.writer import Durability
from actgate.recording.writer import Settings as LogSettings
from actgate.runtime.settings import Between, Duration, Interval, Port, ServiceSettings, own_name
from actgate_recorder.bucket import Bucket
from actgate_recorder.shared import Timeouts
from actgate_recorder.upstream import UpstreamLimits

_HOST: Final = r"[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\]"
_SERVED: Final = (
    "model_name",
    "model_version",
    "model_digest",
    "image_digest",
    "manifest_digest",
    "policies_digest",
    "verdict_id",
)

Fact = Annotated[str, Field(max_length=256)]
Limit = Annotated[int, Field(ge=1, le=100_000)]


class Settings(ServiceSettings):
    """Pass requests to a model, and write a record of each before its answer leaves."""

    model_config = SettingsConfigDict(env_prefix="ACTGATE_RECORDER_", cli_prog_name="actgate-recorder")

    port: Port = 8080
    """Port to listen on for requests to the model, 0 for any free one."""
    health_port: Port = 8081
    """Port of /livez, /readyz and /metrics, 0 for any free one."""
    upstream: Annotated[str, Field(pattern=rf"^({_HOST}):[0-9]{{1,5}}$")] = "127.0.0.1:8000"
    """Host and port of the model, which speaks HTTP/1.1 without TLS."""
    log_dir: Path = Path("/var/log/actgate")
    """Directory of the inference log; each start writes a log of its own in it."""
    log_name: Annotated[str, Field(min_length=1, max_length=253, default_factory=own_name)]
    """Who writes the log, such as NAMESPACE/DEPLOYMENT/POD; by default the pod's name."""
    durability: Durability = Durability.PROCESS
    """What a record outlives before its answer leaves. Process: kill -9 of the recorder and of the model.
    Node: the machine, if its disk does (fdatasync)."""
    on_failure: OnFailure = OnFailure.REFUSE
    """What becomes of an answer whose record cannot be written. Refuse: it is not given, 503. Serve: it is
    given, counted, and stated in the log as a gap."""
    keys_dir: Path | None = None
    """Directory of the keys of digests, one file for each, as a Secret is mounted; without it records have
    the sizes of requests and answers alone."""
    fields: tuple[str, ...] = ()
    """Values that are recorded, as in score=response:/predictions/0/score: a name, request or response, and a
    JSON Pointer; none by default."""
    subject: str | None = None
    """Where the person is whom a decision is about, as in subject=request:/applicant/id; recorded as a keyed
    digest."""
    caller_header: Annotated[str | None, Field(pattern=r"^[-A-Za-z0-9]+$")] = None
    """Header by which a proxy in front names the caller; recorded as a keyed digest."""
    probe_paths: tuple[str, ...] = PROBES
    """Paths that are passed without a record where they are read by GET or HEAD, without query and body."""
    event_tokens_dir: Path | None = None
    """Directory of the tokens of those who may post events of human oversight: a file is called like its
    sender, as a Secret is mounted."""
    upload_endpoint: Annotated[str | None, Field(pattern=r"^https?://[^\s/?#@]+/?$")] = None
    """S3-compatible storage to which sealed segments are uploaded, such as https://s3.eu-west-3.amazonaws.com;
    none by default. They are deleted here once they are there."""
    upload_bucket: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$")] = ""
    """Bucket of the segments."""
    upload_prefix: Annotated[str, Field(max_length=512)] = ""
    """What the keys of objects begin with."""
    upload_region: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] = "us-east-1"
    """Region for which requests are signed (AWS Signature Version 4)."""
    upload_credentials_dir: Path = Path("/etc/actgate/upload")
    """Directory with the files AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as a Secret is mounted; read for
    each object."""
    upload_ca_file: Path | None = None
    """Certificates that the storage's is verified with; by default those of the system."""
    upload_interval: Annotated[Duration, Between(Duration(1), Duration(3600))] = Duration(30)
    """Age at which a segment is sealed and uploaded; what goes with a node and its emptyDir is no older."""
    upload_keep: Annotated[Duration, Between(Duration(0), Duration(30 * 86400))] = Duration(600)
    """How long a segment stays here after its upload."""
    termination_log: Path = Path("/dev/termination-log")
    """File for what was not uploaded when the process ended, as JSON; the kubelet puts it into the pod's
    status. Only written where it is there."""
    model_name: Fact = ""
    """Name of the model, for the first record of the log; so too the following ones."""
    model_version: Fact = ""
    """Version of the model."""
    model_digest: Fact = ""
    """Digest of the model's files."""
    image_digest: Fact = ""
    """Digest of the image that serves the model."""
    manifest_digest: Fact = ""
    """Digest of the ComplianceManifest under which it was admitted."""
    policies_digest: Fact = ""
    """Digest of the policies that it was judged by."""
    verdict_id: Fact = ""
    """Id of the verdict by which it was admitted."""
    max_connections: Annotated[int, Field(ge=32, le=100_000)] = 1000
    """Connections of clients at a time."""
    upstream_max_connections: Limit = 256
    """Connections to the model at a time; further requests wait for --upstream-connect-timeout."""
    upstream_connect_timeout: Interval = Duration(5)
    """Time for a connection to the model; beyond it the answer is 503."""
    upstream_read_timeout: Interval = Duration(300)
    """Time between two parts of an answer; beyond it the answer is 504, or is cut."""
    upstream_idle_timeout: Interval = Duration(1)
    """How long a connection to the model is used again; must be shorter than the model's own keep-alive."""
    read_header_timeout: Interval = Duration(10)
    """Time for a client to send the head of a request."""
    read_timeout: Interval = Duration(60)
    """Time between two parts of a request's body."""
    write_timeout: Interval = Duration(60)
    """Time for a client to read on."""
    idle_timeout: Interval = Duration(75)
    """Time between two requests over a connection."""
    shutdown_delay_duration: Annotated[Duration, Between(Duration(0), Duration(600))] = Duration(10)
    """How long the recorder serves on, unready, after SIGTERM; a second signal ends it."""
    shutdown_timeout: Annotated[Duration, Between(Duration(1), Duration(600))] = Duration(15)
    """How long open requests may take after that; later ones are cut, and recorded as such."""

    @field_validator("fields", "subject")
    @classmethod
    def _reads_as_named(cls, stated: Any, _known: ValidationInfo) -> Any:  # noqa: ANN401 - either field's
        for text in (stated,) if isinstance(stated, str) else stated or ():
            Named.parse(text)
        return stated

    @model_validator(mode="after")
    def _uploads_to_a_bucket(self) -> Self:
        if self.upload_endpoint is not None and not self.upload_bucket:
            raise ValueError("--upload-endpoint needs --upload-bucket")
        return self

    @field_validator("probe_paths")
    @classmethod
    def _are_paths(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        for path in paths:
            if not re.fullmatch(r"/[^?#\s]*", path):
                raise ValueError(f"{path!r} must be a path such as /healthz")
        return paths

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the model."""
        host, _, port = self.upstream.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def content(self) -> Content:
        """What is recorded of each use."""
        return Content(
            named=tuple(map(Named.parse, self.fields)),
            subject=Named.parse(self.subject) if self.subject else None,
            caller_header=self.caller_header,
            probes=frozenset(self.probe_paths),
        )

    @property
    def limits(self) -> UpstreamLimits:
        """What is allowed towards the model."""
        return UpstreamLimits(
            connections=self.upstream_max_connections,
            connect=self.upstream_connect_timeout,
            read=self.upstream_read_timeout,
            keep_alive=self.upstream_idle_timeout,
        )

    @property
    def timeouts(self) -> Timeouts:
        """What is allowed to clients."""
        return Timeouts(
            header=self.read_header_timeout,
            body=self.read_timeout,
            write=self.write_timeout,
            keep_alive=self.idle_timeout,
        )

    @property
    def log(self) -> LogSettings:
        """How the log is written, and what its first record says."""
        stated = {name: value for name in _SERVED if (value := getattr(self, name))}
        model = {
            name.removeprefix("model_"): stated.pop(name) for name in list(stated) if name[:6] == "model_"
        }
        start: dict[str, Any] = {**stated, "settings": self._recorded()}
        if model:
            start["model"] = model
        place: dict[str, Any] = {}
        if self.upload_endpoint is not None:
            sink = Bucket(
                endpoint=self.upload_endpoint.rstrip("/"),
                bucket=self.upload_bucket,
                prefix=self.upload_prefix,
                region=self.upload_region,
                credentials=self.upload_credentials_dir,
                ca_file=self.upload_ca_file,
            )
            place = {"sink": sink, "max_seconds": self.upload_interval, "retain_shipped": self.upload_keep}
        return LogSettings(
            directory=self.log_dir, name=self.log_name, durability=self.durability, start=start, **place
        )

    def _recorded(self) -> dict[str, Any]:
        """Return what a reader of the log has to know of how it was made."""
        return {
            "on_failure": self.on_failure.value,
            "digests": self.keys_dir is not None,
            "fields": list(self.fields),
            "subject": self.subject or "",
            "caller_header": self.caller_header or "",
            "probe_paths": list(self.probe_paths),
        }
