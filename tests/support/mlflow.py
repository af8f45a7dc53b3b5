"""A contract fake of MLflow's REST API 2.0: the routes that actgate uses, and no other.

What it answers is what MLflow 3.17 answers: ``tests/pipeline/test_register_mlflow.py`` holds both against the
same tests where ``ACTGATE_TEST_MLFLOW`` names a real server.

    fake = FakeMlflow()
    Mlflow(Direct(fake))            # in this process
    with serving(fake) as url:      # over HTTP
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from actgate.pipeline.remote.rest import RefusedError, Rest

Json = dict[str, Any]
_API: Final = "/api/2.0/mlflow/"
_ARTIFACTS: Final = "/api/2.0/mlflow-artifacts/artifacts/"


class _RefusalError(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class FakeMlflow:
    """The state of a server, and its answers."""

    def __init__(self, artifacts: str = "mlflow-artifacts:/") -> None:
        self.models: dict[str, Json] = {}
        self.versions: dict[str, list[Json]] = {}
        self.experiments: dict[str, str] = {}
        self.runs: list[Json] = []
        self.artifacts: dict[str, bytes] = {}
        self._root = artifacts
        self._numbers: dict[str, int] = {}

    def answer(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Return status and body of the answer to a request."""
        try:
            if path.startswith(_ARTIFACTS):
                return 200, self._artifact(method, path.removeprefix(_ARTIFACTS), body)
            route = f"{method} {path.removeprefix(_API)}"
            found = self._ROUTES[route](self, json.loads(body) if body else dict(query))
            return 200, json.dumps(found).encode()
        except _RefusalError as refusal:
            return refusal.status, json.dumps({"error_code": refusal.code, "message": refusal.code}).encode()

    def state(self) -> Json:
        """Return what there is, without identifiers and times."""
        runs = {run["info"]["run_id"]: f"run-{number}" for number, run in enumerate(self._live())}
        return {
            "models": {
                name: {**model, "tags": _sorted(model)} for name, model in sorted(self.models.items())
            },
            "versions": {
                name: [
                    {"tags": _sorted(one), "run": runs[one["run_id"]], "version": one["version"]}
                    for one in versions
                ]
                for name, versions in sorted(self.versions.items())
            },
            "runs": [[_sorted(run["data"]), run["info"]["status"]] for run in self._live()],
            "artifacts": sorted(
                (path.split("/artifacts/", 1)[1], content)
                for path, content in self.artifacts.items()
                if any(run in path for run in runs)
            ),
        }

    def _live(self) -> list[Json]:
        return [run for run in self.runs if run["info"]["lifecycle_stage"] == "active"]

    def _artifact(self, method: str, path: str, body: bytes) -> bytes:
        if method == "PUT":
            self.artifacts[path] = body
            return b"{}"
        if path not in self.artifacts:
            raise _RefusalError(404, "RESOURCE_DOES_NOT_EXIST")
        return self.artifacts[path]

    def _model(self, given: Json) -> Json:
        if given["name"] not in self.models:
            raise _RefusalError(404, "RESOURCE_DOES_NOT_EXIST")
        return self.models[given["name"]]

    def _version(self, given: Json) -> Json:
        for one in self.versions[self._model(given)["name"]]:
            if one["version"] == str(given["version"]):
                return one
        raise _RefusalError(404, "RESOURCE_DOES_NOT_EXIST")

    def _create_model(self, given: Json) -> Json:
        name = given["name"]
        if name in self.models:
            raise _RefusalError(400, "RESOURCE_ALREADY_EXISTS")
        self.models[name] = {"name": name, "tags": [], "aliases": []}
        self.versions[name] = []
        return {"registered_model": self.models[name]}

    def _tag_model(self, given: Json) -> Json:
        _tag(self._model(given), given)
        return {}

    def _alias(self, given: Json) -> Json:
        self._version(given)
        model = self._model(given)
        kept = [one for one in model["aliases"] if one["alias"] != given["alias"]]
        model["aliases"] = [*kept, {"alias": given["alias"], "version": str(given["version"])}]
        return {}

    def _create_version(self, given: Json) -> Json:
        name = self._model(given)["name"]
        self._numbers[name] = self._numbers.get(name, 0) + 1
        made = {key: given[key] for key in ("name", "source", "run_id", "tags")}
        self.versions[name].append({**made, "version": str(self._numbers[name])})
        return {"model_version": self.versions[name][-1]}

    def _tag_version(self, given: Json) -> Json:
        _tag(self._version(given), given)
        return {}

    def _delete_version(self, given: Json) -> Json:
        self.versions[given["name"]].remove(self._version(given))
        return {}

    def _search_versions(self, given: Json) -> Json:
        name = given["filter"].removeprefix("name=")[1:-1]
        return {"model_versions": [*reversed(self.versions.get(name, []))]}

    def _create_experiment(self, given: Json) -> Json:
        if given["name"] in self.experiments:
            raise _RefusalError(400, "RESOURCE_ALREADY_EXISTS")
        self.experiments[given["name"]] = str(len(self.experiments) + 1)
        return {"experiment_id": self.experiments[given["name"]]}

    def _experiment(self, given: Json) -> Json:
        if given["experiment_name"] not in self.experiments:
            raise _RefusalError(404, "RESOURCE_DOES_NOT_EXIST")
        return {"experiment": {"experiment_id": self.experiments[given["experiment_name"]]}}

    def _create_run(self, given: Json) -> Json:
        number = len(self.runs) + 1
        run = f"{number:032x}"
        info = {
            "run_id": run,
            "artifact_uri": f"{self._root}{given['experiment_id']}/{run}/artifacts",
            "start_time": given["start_time"],
            "status": "RUNNING",
            "lifecycle_stage": "active",
        }
        self.runs.append({"info": info, "data": {"tags": given["tags"]}})
        return {"run": self.runs[-1]}

    def _run(self, given: Json) -> Json:
        for run in self.runs:
            if run["info"]["run_id"] == given["run_id"]:
                return run
        raise _RefusalError(404, "RESOURCE_DOES_NOT_EXIST")

    def _search_runs(self, given: Json) -> Json:
        key, value = given["filter"].removeprefix("tags.").split(" = ")
        wanted = {"key": key.strip("`"), "value": value.strip("'")}
        return {"runs": [run for run in reversed(self._live()) if wanted in run["data"]["tags"]]}

    def _tag_run(self, given: Json) -> Json:
        _tag(self._run(given)["data"], given)
        return {}

    def _update_run(self, given: Json) -> Json:
        self._run(given)["info"]["status"] = given["status"]
        return {}

    def _delete_run(self, given: Json) -> Json:
        self._run(given)["info"]["lifecycle_stage"] = "deleted"
        return {}

    _ROUTES: Final[Mapping[str, Callable[[FakeMlflow, Json], Json]]] = {
        "GET registered-models/get": lambda self, given: {"registered_model": self._model(given)},
        "GET registered-models/search": lambda self, _: {"registered_models": [*self.models.values()]},
        "POST registered-models/create": _create_model,
        "POST registered-models/set-tag": _tag_model,
        "POST registered-models/alias": _alias,
        "GET model-versions/search": _search_versions,
        "POST model-versions/create": _create_version,
        "POST model-versions/set-tag": _tag_version,
        "DELETE model-versions/delete": _delete_version,
        "POST experiments/create": _create_experiment,
        "GET experiments/get-by-name": _experiment,
        "POST runs/create": _create_run,
        "POST runs/search": _search_runs,
        "GET runs/get": lambda self, given: {"run": self._run(given)},
        "POST runs/set-tag": _tag_run,
        "POST runs/update": _update_run,
        "POST runs/delete": _delete_run,
    }


def _tag(thing: Json, given: Json) -> None:
    kept = [one for one in thing["tags"] if one["key"] != given["key"]]
    thing["tags"] = [*kept, {"key": given["key"], "value": given["value"]}]


def _sorted(thing: Json) -> list[tuple[str, str]]:
    return sorted((one["key"], one["value"]) for one in thing["tags"])


class Direct(Rest):
    """Requests to a fake in this process; ``before`` and ``after`` are called with the number of each."""

    def __init__(
        self,
        fake: FakeMlflow,
        before: Callable[[int], None] = lambda _: None,
        after: Callable[[int], None] = lambda _: None,
    ) -> None:
        super().__init__("http://mlflow.example", {})
        self._fake = fake
        self._before = before
        self._after = after
        self.count = 0

    def content(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] = {},
        body: bytes | None = None,
        content_type: str = "",
    ) -> bytes:
        """Answer a request as ``Rest.content`` does."""
        self.count += 1
        self._before(self.count)
        status, found = self._fake.answer(method, path, query, body or b"")
        self._after(self.count)
        if status != 200:
            code = json.loads(found)["error_code"]
            raise RefusedError(f"{method} {path}: answered {status}: {code}", status, code)
        return found


@contextmanager
def serving(fake: FakeMlflow, before: Callable[[str], int | None] = lambda _: None) -> Iterator[str]:
    """Serve a fake over HTTP; ``before`` may return another status for a request, or wait."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status = before(f"{self.command} {url.path}")
            found = b"<html>oops</html>"
            if status is None:
                status, found = fake.answer(self.command, unquote(url.path), dict(parse_qsl(url.query)), body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - names of http.server

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
