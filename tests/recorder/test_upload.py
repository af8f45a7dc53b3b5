"""Segments in S3-compatible storage that checks signatures, and what is said where it has not all.

`make storage` installs a real server, on which `make e2e` runs the same tests.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from actgate_recorder.bucket import Bucket, Credentials, UploadError, authorization
from bench.recorder.kills import end, start
from bench.recorder.lives import Lives
from demo.service import free_port
from tests.recorder.storage import Storage
from tests.recorder.storage import storage as running_storage
from tests.recording.test_failures import verified

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    with running_storage() as running:
        yield running


async def test_an_object_is_there_once_put_returns(storage: Storage, tmp_path: Path) -> None:
    """The server checks the signature; names are encoded as it decodes them, keys are read anew each time."""
    keys = storage.give_keys(tmp_path / "keys", "wrong")
    bucket = Bucket(endpoint=storage.endpoint, bucket="logs", credentials=keys, prefix="a b/(c)!*'/é~ä+%/")
    with pytest.raises(UploadError, match="403 SignatureDoesNotMatch"):
        await bucket.put("credit/1.jsonl.zst", b"x")
    storage.give_keys(keys)
    content = os.urandom(100_000)
    await bucket.put("credit/1.jsonl.zst", content)
    await bucket.put("credit/empty", b"")
    assert storage.objects("a b/") == {
        "a b/(c)!*'/é~ä+%/credit/1.jsonl.zst": content,
        "a b/(c)!*'/é~ä+%/credit/empty": b"",
    }


async def test_what_refuses_an_object_is_named(storage: Storage, tmp_path: Path) -> None:
    """A bucket that is not there, an address that does not answer, keys that are gone."""
    keys = storage.give_keys(tmp_path / "keys")
    for endpoint, bucket, words in (
        (storage.endpoint, "other-logs", "refused an object of bucket other-logs: 404 NoSuchBucket"),
        (f"http://127.0.0.1:{free_port()}", "logs", "gave no answer: .*refused"),
    ):
        with pytest.raises(UploadError, match=words):
            await Bucket(endpoint=endpoint, bucket=bucket, credentials=keys).put("a", b"x")
    (keys / "AWS_SECRET_ACCESS_KEY").unlink()
    with pytest.raises(UploadError, match="AWS_SECRET_ACCESS_KEY cannot be read"):
        await Bucket(endpoint=storage.endpoint, bucket="logs", credentials=keys).put("a", b"x")


def test_the_signature_is_that_of_the_storage_s_own_client() -> None:
    """As botocore 1.43 signs the same request, with a session token and a key that has to be encoded."""
    digest = hashlib.sha256(b"content")
    headers = {
        "host": "s3.example:9000",
        "x-amz-checksum-sha256": base64.b64encode(digest.digest()).decode(),
        "x-amz-content-sha256": digest.hexdigest(),
        "x-amz-date": "20261127T080000Z",
        "x-amz-security-token": "token",
    }
    signed = authorization(Credentials("id", "secret", "token"), "eu-west-3", "/logs/a%20b/%24c", headers)
    assert signed == (
        "AWS4-HMAC-SHA256 Credential=id/20261127/eu-west-3/s3/aws4_request, SignedHeaders=host;"
        "x-amz-checksum-sha256;x-amz-content-sha256;x-amz-date;x-amz-security-token, "
        "Signature=270898f760b3931de6c2155e4765c3bcf610143e41c8211254dda891d6851c64"
    )


async def uses(port: int, count: int) -> None:
    """Use the model so many times."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        for _ in range(count):
            answer = await client.post(f"http://127.0.0.1:{port}/one", json={"income": 4321})
            assert answer.status_code == 200


async def test_a_pod_that_ends_has_uploaded_all_or_leaves_word(
    storage: Storage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a dead storage its status says how much is only here; the next process of that name uploads it."""
    keys, here, word = storage.give_keys(tmp_path / "keys"), tmp_path / "here", tmp_path / "termination-log"
    word.touch()
    dead, port = f"http://127.0.0.1:{free_port()}", free_port()
    with Lives() as lives:
        for endpoint in (dead, storage.endpoint):
            more = (
                f"--upload-endpoint={endpoint}",
                "--upload-bucket=logs",
                "--upload-prefix=pods/",
                f"--upload-credentials-dir={keys}",
                f"--termination-log={word}",
            )
            recorder = await start(lives, port, here, *more)
            await uses(port, 5)
            await end(recorder)
            left = json.loads(word.read_text() or "{}")
            assert left == ({"unshipped": {"segments": 2, "records": 7}} if endpoint == dead else {})
            word.write_text("")
    there = tmp_path / "there"
    for key, content in storage.objects("pods/").items():
        target = there / key
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    report = verified(there, capsys, "--expected", "10")
    assert (report["faults"], [log["stopped"] for log in report["logs"]]) == ([], [True, True])
