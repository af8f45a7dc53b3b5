"""What is kept of an object between two judgements: a candidate, packed to some hundred bytes.

A hundred thousand Subjects as objects would take hundreds of megabytes, and each is asked for when its
evidence changes: rarely. Packing and unpacking one takes some ten microseconds. The bytes never leave the
process.
"""

import pickle
import sys
import zlib
from collections.abc import Iterator, Mapping
from typing import Final, Self

from actgate.decision.manifest import ModelIdentity, Region
from actgate.decision.subject import Detection, Link, ModelReference, Signal, SignalTier, Subject
from actgate.kube.resources import Resource
from actgate.scan.candidates import Candidate, Controller, Tier


class Kept:
    """A candidate of one version of an object; equal to another one of the same content."""

    __slots__ = ("_packed", "controller", "namespace", "resource", "tier", "uid")

    def __init__(
        self,
        uid: str,
        namespace: str,
        controller: str | None,
        resource: Resource,
        tier: Tier,
        packed: bytes,
    ) -> None:
        self.uid = uid
        self.namespace = namespace
        self.controller = controller
        """Uid of the owner that is said to control it."""
        self.resource = resource
        self.tier = tier
        self._packed = packed

    @classmethod
    def of(cls, one: Candidate, resource: Resource) -> Self:
        """Keep a candidate of a kind."""
        controller = one.controller.uid if one.controller is not None else None
        return cls(one.uid, sys.intern(one.subject.namespace), controller, resource, one.tier, _pack(one))

    def candidate(self) -> Candidate:
        """Return what was kept."""
        return _unpack(self._packed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Kept) and (self.uid, self._packed) == (other.uid, other._packed)

    def __hash__(self) -> int:
        return hash(self.uid)

    @property
    def size(self) -> int:
        """Bytes of what is packed."""
        return len(self._packed)


class Unpacking(Mapping[str, Candidate]):
    """Candidates by uid, each unpacked when it is asked for."""

    def __init__(self, kept: Mapping[str, Kept]) -> None:
        self._kept = kept

    def __getitem__(self, uid: str) -> Candidate:
        return self._kept[uid].candidate()

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


def _pack(one: Candidate) -> bytes:
    packer = zlib.compressobj(1, zdict=_USUAL)
    return packer.compress(pickle.dumps(one, pickle.HIGHEST_PROTOCOL)) + packer.flush()


def _unpack(packed: bytes) -> Candidate:
    found: Candidate = pickle.loads(zlib.decompressobj(zdict=_USUAL).decompress(packed))  # noqa: S301 - our own
    return found


_PATH: Final = "spec.template.spec.containers[0]"
_USUAL: Final = pickle.dumps(
    Candidate(
        uid="",
        subject=Subject(
            kind="Deployment",
            namespace="",
            name="",
            links=(Link("", None),),
            model=ModelIdentity("", "", ""),
            images=((f"{_PATH}.image", "docker.io/vllm/vllm-openai:v0@sha256:"),),
            placement=(("spec.template.spec.nodeSelector", Region("", "")),),
            group="apps",
            references=(ModelReference(f"{_PATH}.args[0]", "s3://"),),
            declared=False,
            detection=Detection(SignalTier.STRONG, (Signal("image/vllm", f"{_PATH}.image", ""),)),
            reference_path="spec.template.metadata.annotations[actgate.dev/compliance-manifest]",
            model_path="spec.template.metadata.annotations[actgate.dev/model]",
        ),
        controller=Controller("", "apps", "ReplicaSet", ""),
        complete=True,
    ),
    pickle.HIGHEST_PROTOCOL,
)
"""What most packed candidates have in common: names of classes and fields, and paths."""
