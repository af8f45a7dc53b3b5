"""The bill of materials of an image, in CycloneDX: what its lock installs in it.

Made from the lock alone, so that it needs no image and no index, and one commit has one. What comes with the
base image (Python, the operating system) is not in it: the publisher of the base has a bill of its own.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement

from tools.release.commands import ReleaseError

SERVICES: Final = ("operator", "webhook")
PLATFORM: Final = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "sys_platform": "linux",
}
"""What an image is to the markers of a lock; which Python it has, its Dockerfile says."""


def write(root: Path, dist: Path, version: str, seconds: int) -> list[Path]:
    """Write the bill of materials of each image, and return where.

    Args:
        root: The files of the commit.
        dist: The folder to write into.
        version: The version that is released.
        seconds: When the commit was made, since 1970.

    Raises:
        ReleaseError: One is no CycloneDX.
    """
    written = []
    for service in SERVICES:
        text = JsonV1Dot6(of_image(root, service, version, seconds)).output_as_string(indent=2) + "\n"
        if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
            raise ReleaseError(f"the bill of materials of {service} is no CycloneDX 1.6: {error}")
        written.append(dist / f"actgate-{service}-{version}.cdx.json")
        written[-1].write_text(text, encoding="utf-8")
    return written


def of_image(root: Path, service: str, version: str, seconds: int) -> Bom:
    """Return the bill of materials of one image."""
    lock = (root / "requirements" / f"{service}.txt").read_bytes()
    python = python_of((root / service / "Dockerfile").read_text("utf-8"))
    digest = f"sha256:{hashlib.sha256(lock).hexdigest()}"
    image = Component(
        name=f"actgate-{service}",
        version=version,
        type=ComponentType.CONTAINER,
        bom_ref=f"actgate-{service}@{version}",
        licenses=[LicenseExpression("Apache-2.0")],
        properties=[
            Property(name="actgate:requirements", value=f"requirements/{service}.txt"),
            # Each pin's wheels are there by their hashes: which of them is installed, the platform decides.
            Property(name="actgate:requirements:digest", value=digest),
        ],
    )
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"{image.name}@{version} {digest}"),
    )
    bom.metadata.timestamp = datetime.fromtimestamp(seconds, UTC)
    bom.metadata.component = image
    installed = [_component("actgate", version), *(_component(*pin) for pin in pins(lock.decode(), python))]
    for component in installed:
        bom.components.add(component)
    bom.register_dependency(image, installed)
    return bom


def _component(name: str, version: str) -> Component:
    purl = PackageURL("pypi", name=name, version=version)
    return Component(name=name, version=version, type=ComponentType.LIBRARY, purl=purl, bom_ref=str(purl))


def pins(lock: str, python: str) -> Iterator[tuple[str, str]]:
    """Yield name and version of each pin of a lock that an image with this Python installs."""
    where = {**PLATFORM, "python_version": python, "python_full_version": f"{python}.0"}
    for line in re.findall(r"^[a-z0-9][^\\\n]+", lock, re.MULTILINE):
        pin = Requirement(line)
        if pin.marker is None or pin.marker.evaluate(where):
            (exact,) = pin.specifier
            yield pin.name, exact.version


def python_of(dockerfile: str) -> str:
    """Return the version of Python that a Dockerfile runs on, such as 3.13."""
    found = re.search(r"^ARG RUN_IMAGE=\S*/python:(\d+\.\d+)-", dockerfile, re.MULTILINE)
    if found is None:
        raise ReleaseError("a Dockerfile no longer names its Python in ARG RUN_IMAGE=.../python:X.Y-...")
    return found[1]
