"""REST with the standard library: what a server can do wrong is one sentence."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from actgate.pipeline.remote.mlflow import credentials
from actgate.pipeline.remote.rest import RefusedError, RemoteError, Rest

pytestmark = pytest.mark.system


@contextmanager
def answering(*parts: bytes, then: threading.Event | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """Serve one connection: read a request, send some bytes, then wait; yield URL and what was read."""
    listening = socket.create_server(("127.0.0.1", 0))
    read: list[bytes] = []

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            read.append(connection.recv(65_536))
            with suppress(ConnectionError):  # A client that has read enough hangs up.
                for part in parts:
                    connection.sendall(part)
            if then is not None:
                then.wait(20)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", read
    finally:
        if then is not None:
            then.set()
        thread.join()
        listening.close()


def refusal(url: str, seconds: float = 5) -> str:
    """Return what is raised for a request."""
    with pytest.raises(RemoteError) as raised:
        Rest(url, {"Authorization": "Bearer secret"}, seconds).json("GET", "/x")
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_server_that_is_down_is_one_clause() -> None:
    """No port is open there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    assert "Connection refused" in refusal(url)


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\n{",),
    ],
)
def test_a_server_that_is_slow_is_not_waited_for_longer_than_the_deadline(parts: tuple[bytes, ...]) -> None:
    """Before its first byte, in the middle of an answer, and in the middle of an error."""
    with answering(*parts, then=threading.Event()) as (url, _):
        found = refusal(url, 0.2)
    assert "no answer within 0.2 seconds" in found or "answered 500" in found


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 500 Internal\r\nContent-Length: 3\r\n\r\n<p>", "GET /x: answered 500: Internal"),
        (
            b'HTTP/1.1 400 Bad\r\nContent-Length: 39\r\n\r\n{"error_code": "NO", "message": "a\\nb"}',
            "GET /x: answered 400: a\\nb",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "the answer is not a JSON object"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n<", "the answer is not a JSON object"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "GET /x: "),
        (b"SSH-2.0-server\r\n", "GET /x: "),
        (b"", "GET /x: "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + bytes(66 * 2**20), "more than 64 MiB"),
    ],
)
def test_an_answer_that_is_none_is_one_clause(answer: bytes, words: str) -> None:
    """An error with and without a reason, no JSON, cut off, another protocol, nothing, too much."""
    with answering(answer) as (url, _):
        assert words in refusal(url)


def test_no_redirect_is_followed() -> None:
    """Credentials go to the server that was named, and to no other."""
    elsewhere = b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n"
    with answering(elsewhere) as (url, read):
        assert "answered 302" in refusal(url)
    assert b"Authorization: Bearer secret" in read[0]


def test_a_refusal_says_status_and_code() -> None:
    """By which a caller knows what is absent from what failed."""
    body = b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}'
    answer = b"HTTP/1.1 404 No\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with answering(answer) as (url, _), pytest.raises(RefusedError) as raised:
        Rest(url, {}).json("GET", "/x")
    assert (raised.value.status, raised.value.code) == (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.parametrize(
    "url", ["", "ftp://x", "file:///etc/passwd", "http://", "http://u:p@x", "http://x?q=1"]
)
def test_what_is_no_url_of_a_server_is_refused(url: str) -> None:
    """Other schemes read files, and credentials in a URL end in logs."""
    with pytest.raises(RemoteError, match="must be"):
        Rest(url, {})


def test_credentials_come_from_the_variables_of_mlflow() -> None:
    """A token before user and password, and neither is asked for."""
    assert credentials({}) == {}
    user = {"MLFLOW_TRACKING_USERNAME": "u", "MLFLOW_TRACKING_PASSWORD": "p"}
    assert credentials(user) == {"Authorization": "Basic dTpw"}
    assert credentials({**user, "MLFLOW_TRACKING_TOKEN": "t"}) == {"Authorization": "Bearer t"}
