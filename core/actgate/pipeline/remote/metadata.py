"""The metadata of a cloud instance: what the provider answers a process that asks where it runs.

Each provider answers at a link-local address, which no router passes on, and no proxy is asked. Sources:
EC2 instance identity documents (IMDSv2), Compute Engine's metadata server, Azure's instance metadata service.
The answers are not signed: who controls the network of the machine can forge them.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from actgate.decision.regions import locate
from actgate.manifests.errors import EvidenceError

ADDRESS: Final = ("169.254.169.254", 80)
CLOUDS: Final = ("aws", "gcp", "azure")
DMI: Final = Path("/sys/class/dmi/id")
"""Where Linux shows what the firmware says of the machine."""
_SECONDS: Final = 2.0
"""A link-local address answers in milliseconds, or there is nothing there."""
_MOST: Final = 1 << 16
_MARKS: Final = {
    ("sys_vendor", "Amazon EC2"): "aws",
    ("sys_vendor", "Google"): "gcp",
    ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"): "azure",
}
"""What the firmware of each cloud's machines says; Azure's tag distinguishes it from other Hyper-V hosts."""
_SOVEREIGN: Final = {
    "aws": ("aws", "aws-eusc"),
    "gcp": ("gcp", "s3ns", "gcp-dedicated-de"),
    "azure": ("azure",),
}
"""Clouds that one kind of server answers for: their regions have names of their own."""


class MetadataError(EvidenceError):
    """A metadata server that does not answer, or not as it should; one sentence."""


@dataclass(frozen=True, slots=True)
class Instance:
    """Where the machine is, in its provider's words."""

    provider: str
    region: str
    zone: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else identifies the machine."""


def detected(dmi: Path = DMI) -> str | None:
    """Return the cloud that the firmware names; None where it names none."""
    for (name, value), cloud in _MARKS.items():
        try:
            if (dmi / name).read_text("utf-8", "replace").strip() == value:
                return cloud
        except OSError:
            continue
    return None


def read(cloud: str, address: tuple[str, int] | None = None) -> Instance:
    """Ask the metadata server of a cloud: ``aws``, ``gcp`` or ``azure``.

    Raises:
        MetadataError: It does not answer, or not as that cloud's server does.
    """
    ask = {"aws": _of_aws, "gcp": _of_gcp, "azure": _of_azure}[cloud]
    try:
        found = ask(_Server(address or ADDRESS))
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise MetadataError(
            f"the metadata server of {cloud} gave no usable answer ({reason}): run where it answers, or "
            "leave it out with --cloud-metadata never"
        ) from None
    for name in (found.region, found.zone):
        if name is not None and not (name.isascii() and name.isprintable() and 0 < len(name) <= 253):
            raise MetadataError(f"the metadata server of {cloud} gave no usable answer: no name of a region")
    return found


class _Server:
    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address

    def __call__(self, method: str, path: str, headers: Mapping[str, str], answers: str = "") -> str:
        """Return the body of an answer, which has the header ``answers``."""
        host, port = self._address
        connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
        try:
            connection.request(method, path, headers=dict(headers))
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise ValueError(f"status {answer.status}")
            if answers and answer.getheader(answers) is None:
                raise ValueError(f"no header {answers}")
            return answer.read(_MOST).decode("utf-8")
        finally:
            connection.close()

    def json(self, path: str, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - what JSON holds
        return json.loads(self("GET", path, headers))


def _of_aws(server: _Server) -> Instance:
    token = server("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    document = server.json("/latest/dynamic/instance-identity/document", {"X-aws-ec2-metadata-token": token})
    region, zone = str(document["region"]), str(document["availabilityZone"])
    facts = {name: str(document[name]) for name in ("instanceId", "instanceType") if document.get(name)}
    return Instance(_provider("aws", region), region, zone, facts)


def _of_gcp(server: _Server) -> Instance:
    mark = "Metadata-Flavor"
    path = "/computeMetadata/v1/instance/"
    zone = server("GET", f"{path}zone", {mark: "Google"}, mark).rpartition("/")[2]
    region = zone.rpartition("-")[0]
    facts = {"instanceId": server("GET", f"{path}id", {mark: "Google"}, mark)}
    return Instance(_provider("gcp", region), region, zone, facts)


def _of_azure(server: _Server) -> Instance:
    compute = server.json("/metadata/instance?api-version=2021-02-01", {"Metadata": "true"})["compute"]
    region = str(compute["location"])
    facts = {name: str(compute[name]) for name in ("vmId", "vmSize") if compute.get(name)}
    zone = str(compute["zone"]) if compute.get("zone") else ""
    return Instance("azure", region, f"{region}-{zone}" if zone.isdecimal() else zone or None, facts)


def _provider(cloud: str, region: str) -> str:
    return next((one for one in _SOVEREIGN[cloud] if locate(region, one)), cloud)
