import json
from pathlib import Path

import pytest

from tests.cli.support import actgate


def model(folder: Path) -> Path:
    """Write the model of a published signature; test_model_digest in tests/pipeline names it."""
    folder.mkdir()
    (folder / "signme-1").write_bytes(b"signme-1\n")
    (folder / "signme-2").write_bytes(b"signme-2")
    return folder


DIGEST = "sha256:92745110b1ab4368471cbe31664e10174e954b113a3df333db860317b2c6dec4"


def test_the_digest_of_a_directory_is_one_line(tmp_path: Path) -> None:
    """A shell can take it as it is."""
    done = actgate("model", "digest", str(model(tmp_path / "m")))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{DIGEST}\n", "")


def test_json_has_the_fields_of_a_manifest_and_the_files_where_they_are_asked_for(tmp_path: Path) -> None:
    """digest, digestDomain and resourcesDigest go under spec.model as they are."""
    folder = str(model(tmp_path / "m"))
    found = json.loads(actgate("model", "digest", folder, "-o", "json").stdout)
    listed = json.loads(actgate("model", "digest", folder, "-o", "json", "--list").stdout)
    assert (found["digest"], found["digestDomain"]) == (DIGEST, "oms-v1")
    assert found.keys() == {"digest", "digestDomain", "resourcesDigest"}
    assert listed == {**found, "resources": listed["resources"]}
    assert [item["name"] for item in listed["resources"]] == ["signme-1", "signme-2"]


def test_the_list_has_a_line_for_each_file_whatever_it_is_called(tmp_path: Path) -> None:
    """A line break in a name cannot look like another file."""
    folder = model(tmp_path / "m")
    (folder / "a\nb").write_bytes(b"")
    lines = actgate("model", "digest", str(folder), "--list").stdout.splitlines()
    assert [line.split("  ")[1] for line in lines] == [r"a\nb", "signme-1", "signme-2"]


def test_what_mlflow_adds_can_be_ignored(tmp_path: Path) -> None:
    """The same model, downloaded from a registry, has the same digest."""
    folder = model(tmp_path / "m")
    (folder / "registered_model_meta").write_bytes(b"")
    done = actgate("model", "digest", str(folder), "--ignore", "registered_model_meta")
    assert done.stdout == f"{DIGEST}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("absent",), "error: absent cannot be read: No such file or directory\n"),
        (("m", "--domain", "file"), "error: m is not a regular file; name one, or use --domain oms-v1\n"),
        (("m", "--domain", "md5"), "invalid choice"),
        (
            ("m", "--ignore", "../x"),
            "error: ../x cannot be ignored: must be a path in the model's directory\n",
        ),
        (("m", "--domain", "oci-image"), "m/index.json cannot be read: No such file or directory\n"),
    ],
)
def test_what_has_no_digest_is_one_sentence_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    """As in every command."""
    model(tmp_path / "m")
    done = actgate("model", "digest", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
