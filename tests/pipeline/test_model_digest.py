import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from actgate.api.compliance_manifest import DigestDomain
from actgate.pipeline import model_files
from actgate.pipeline.model_digest import of_directory, of_file, of_image, of_model
from actgate.pipeline.model_files import ModelDigestError


def model(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write the files of a model."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


NESTED = {
    "a-b/x": b"1",
    "a/y": b"2",
    "a.txt": b"3",
    "a/b/c": b"4",
    "A": b"5",
    ".hidden": b"6",
    "é": b"7",
    "a b": b"8",
    "z\n": b"9",
    "sub/.git/c": b"10",
    "sub/.gitignore": b"15",
    "\U0001f600": b"16",
    "\uffee": b"17",
    "registered_model_meta": b"18",
}
OF_GIT = {".git/x": b"11", ".gitignore": b"12", ".gitattributes": b"13", ".github/w": b"14"}


def test_the_digest_is_the_one_of_a_published_signature(tmp_path: Path) -> None:
    """scripts/tests/v1.1.0-elliptic-key/model.sig of sigstore/model-transparency (Apache-2.0)."""
    found = of_directory(model(tmp_path, {"signme-1": b"signme-1\n", "signme-2": b"signme-2"}))
    assert found.digest == "sha256:92745110b1ab4368471cbe31664e10174e954b113a3df333db860317b2c6dec4"
    assert [(item.name, item.digest[7:15]) for item in found.resources] == [
        ("signme-1", "bc9a717d"),
        ("signme-2", "32dcb1f8"),
    ]


def test_paths_are_ordered_folder_by_folder_as_model_signing_orders_them(tmp_path: Path) -> None:
    """Names and digests as model-signing 1.1.1 gave them: a/y comes before "a b" and a-b/x."""
    found = of_directory(model(tmp_path, {**NESTED, **OF_GIT}))
    assert [item.name for item in found.resources] == [
        ".hidden",
        "A",
        "a/b/c",
        "a/y",
        "a b",
        "a-b/x",
        "a.txt",
        "registered_model_meta",
        "sub/.git/c",
        "sub/.gitignore",
        "z\n",
        "é",
        "\uffee",
        "\U0001f600",
    ]
    assert found.digest == "sha256:1f8a081d256c1b011241f9e5da4e786212f93175a4f1b421cc90b4d81579d7b0"


def test_what_is_ignored_does_not_count_nor_anything_in_it(tmp_path: Path) -> None:
    """As model-signing 1.1.1 has it for the same files and the same ignored paths."""
    found = of_directory(model(tmp_path, NESTED), ["registered_model_meta", "a"])
    assert found.digest == "sha256:d058d2b06f7c268a83b72743d42c2746d5844a507a649f81af342aa0e036ca31"


def test_a_model_of_one_file_has_the_digest_that_model_signing_gives_it(tmp_path: Path) -> None:
    """Its resource is called ``.`` there; the domain ``file`` is the plain SHA-256."""
    file = model(tmp_path, {"f": b"x"}) / "f"
    assert of_directory(file).digest == (
        "sha256:0a325ca303eb3014c43ae004970f343634db176fa1697bcc8c9efac94626488d"
    )
    assert of_file(file).digest == f"sha256:{hashlib.sha256(b'x').hexdigest()}"
    assert of_model(file) == of_file(file)
    assert of_model(tmp_path) == of_directory(tmp_path)


def test_a_renamed_file_changes_the_digest_of_the_resources_alone(tmp_path: Path) -> None:
    """oms-v1 covers no names: tok.txt could become any other name of the same place in the order."""
    model(tmp_path, {"tok.txt": b"1", "weights": b"2"})
    before = of_directory(tmp_path)
    (tmp_path / "tok.txt").rename(tmp_path / "tokenizer_other.txt")
    after = of_directory(tmp_path)
    assert before.digest == after.digest
    assert before.resources_digest != after.resources_digest


def test_the_digest_of_the_resources_is_that_of_their_canonical_list(tmp_path: Path) -> None:
    """So that another tool can compute it: RFC 8785 of [{"digest", "name"}], in the digest's order."""
    found = of_directory(model(tmp_path, {"b": b"", "a/c": b"1"}))
    listed = ",".join(
        f'{{"digest":"sha256:{hashlib.sha256(content).hexdigest()}","name":"{name}"}}'
        for name, content in (("a/c", b"1"), ("b", b""))
    )
    assert found.resources_digest == f"sha256:{hashlib.sha256(f'[{listed}]'.encode()).hexdigest()}"
    assert of_file(tmp_path / "b").resources_digest is None


def test_empty_folders_do_not_count(tmp_path: Path) -> None:
    """Git and registries drop them."""
    before = of_directory(model(tmp_path, {"a": b""}))
    (tmp_path / "empty/deep").mkdir(parents=True)
    assert of_directory(tmp_path) == before


def test_links_are_refused_but_where_they_are_ignored(tmp_path: Path) -> None:
    """A link could lead out of the model, or somewhere else tomorrow."""
    model(tmp_path, {"a": b"", ".git/x": b""})
    (tmp_path / ".git/link").symlink_to("/etc")
    of_directory(tmp_path)
    (tmp_path / "link").symlink_to("a")
    with pytest.raises(ModelDigestError, match="link is a symbolic link"):
        of_directory(tmp_path)
    of_directory(tmp_path, ["link"])


def test_what_is_no_model_has_no_digest(tmp_path: Path) -> None:
    """One sentence each, with the path."""
    empty = tmp_path / "empty"
    empty.mkdir()
    odd = model(tmp_path / "odd", {"a": b""})
    os.mkfifo(odd / "pipe")
    unnamed = tmp_path / "unnamed"
    unnamed.mkdir()
    (unnamed / os.fsdecode(b"\xff")).write_bytes(b"")
    for path, sentence in (
        (empty, "empty holds no files"),
        (odd, "pipe is neither a file nor a directory"),
        (unnamed, "is not a UTF-8 name"),
        (tmp_path / "absent", "absent cannot be read: No such file or directory"),
        (Path(os.devnull), "is neither a file nor a directory"),
    ):
        with pytest.raises(ModelDigestError, match=sentence):
            of_directory(path)
    with pytest.raises(ModelDigestError, match="is not a regular file"):
        of_file(empty)


@pytest.mark.parametrize("name", ["/etc", "../x", "", ".", "a/../../b"])
def test_only_paths_in_the_model_can_be_ignored(tmp_path: Path, name: str) -> None:
    """Anything else is a mistake that would ignore nothing."""
    with pytest.raises(ModelDigestError, match="must be a path in the model's directory"):
        of_directory(model(tmp_path, {"a": b""}), [name])
    with pytest.raises(ModelDigestError, match="nothing can be ignored"):
        of_model(tmp_path / "a", None, ["b"])


@pytest.mark.parametrize("change", ["content", "added", "removed"])
def test_a_model_that_changes_while_it_is_read_has_no_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """The digest of a mixture would be of no model at all."""
    model(tmp_path, {"a": b"1", "b": b"2"})
    read = model_files.sha256_of

    def changing(path: str) -> bytes:
        digest = read(path)
        match change:
            case "content":
                (tmp_path / "a").write_bytes(b"longer")
            case "added":
                (tmp_path / "c").write_bytes(b"")
            case "removed":
                (tmp_path / "b").unlink(missing_ok=True)
        return digest

    monkeypatch.setattr(model_files, "sha256_of", changing)
    with pytest.raises(ModelDigestError, match=r"changed while it was read|cannot be read"):
        of_directory(tmp_path)
    if change == "content":
        (tmp_path / "a").write_bytes(b"1")
        with pytest.raises(ModelDigestError, match="changed while it was read"):
            of_file(tmp_path / "a")


IMAGE = "application/vnd.oci.image.manifest.v1+json"


def image(folder: Path, *, kind: str = IMAGE, copies: int = 1) -> tuple[Path, str]:
    """Write an OCI image layout, and return it with the digest of its manifest."""

    def blob(content: bytes) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        model(folder, {f"blobs/sha256/{digest}": content})
        return {"digest": f"sha256:{digest}", "size": len(content)}

    manifest = {"schemaVersion": 2, "config": blob(b"{}"), "layers": [blob(b"layer")]}
    stated = blob(json.dumps(manifest).encode()) | {"mediaType": kind}
    model(folder, {"index.json": json.dumps({"schemaVersion": 2, "manifests": [stated] * copies}).encode()})
    return folder, str(stated["digest"])


def test_the_digest_of_an_image_is_that_of_its_manifest(tmp_path: Path) -> None:
    """In a layout, and by itself in a file; in a layout every blob was verified."""
    layout, digest = image(tmp_path)
    found = of_model(layout, DigestDomain.OCI_IMAGE)
    assert (found.digest, len(found.resources)) == (digest, 3)
    assert of_image(layout / "blobs/sha256" / digest[7:]).digest == digest


def test_a_changed_or_missing_blob_is_no_image(tmp_path: Path) -> None:
    """Each of them: manifest, configuration and layer."""
    layout, _ = image(tmp_path)
    for blob in (layout / "blobs/sha256").iterdir():
        content = blob.read_bytes()
        blob.write_bytes(content + b" ")
        with pytest.raises(ModelDigestError, match="must be the blob that its name says"):
            of_image(layout)
        blob.unlink()
        with pytest.raises(ModelDigestError, match="cannot be read: No such file"):
            of_image(layout)
        blob.write_bytes(content)
    of_image(layout)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "must be an object"),
        (b'{"schemaVersion": 2, "manifests": []}', "not an image manifest: it must have schemaVersion 2"),
        (b'{"schemaVersion": 2, "config": {}, "layers": []}', "config.digest: null"),
        (b'{"schemaVersion": 2, "config": {"digest": "sha256:../x"}, "layers": []}', "config.digest:"),
        (b'{"schemaVersion": 2, "config": 1, "layers": [1]}', "not an image manifest"),
    ],
)
def test_what_is_no_image_manifest_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    """A file that is something else has no digest in this domain."""
    with pytest.raises(ModelDigestError, match=sentence):
        of_image(model(tmp_path, {"m.json": content}) / "m.json")


def test_a_layout_with_several_images_or_platforms_is_refused(tmp_path: Path) -> None:
    """Which one runs is for the user to say."""
    with pytest.raises(ModelDigestError, match="names 2 manifests, and exactly one is expected"):
        of_image(image(tmp_path / "two", copies=2)[0])
    with pytest.raises(ModelDigestError, match="no image manifest: copy the image of one platform"):
        of_image(image(tmp_path / "index", kind="application/vnd.oci.image.index.v1+json")[0])
    with pytest.raises(ModelDigestError, match="manifests: Invalid value: must be a list"):
        of_image(model(tmp_path / "other", {"index.json": b"{}"}))
