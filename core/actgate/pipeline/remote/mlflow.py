"""MLflow's REST API 2.0, as far as registering evidence needs it.

Source: https://mlflow.org/docs/latest/rest-api.html; artifacts are those of servers that pass them on
(``--serve-artifacts``, the default), whose routes are those of MLflow's own client.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any, Final

from actgate.pipeline.remote.rest import RefusedError, RemoteError, Rest

_API: Final = "/api/2.0/mlflow/"
_ARTIFACTS: Final = "/api/2.0/mlflow-artifacts/artifacts/"
_SERVED: Final = "mlflow-artifacts:"
_PAGE: Final = 100
_MOST_PAGES: Final = 1000
_ABSENT: Final = "RESOURCE_DOES_NOT_EXIST"
_EXISTS: Final = "RESOURCE_ALREADY_EXISTS"
Json = dict[str, Any]


def credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the header of MLflow's own variables: a token, or user and password."""
    if token := environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    if user := environ.get("MLFLOW_TRACKING_USERNAME"):
        pair = f"{user}:{environ.get('MLFLOW_TRACKING_PASSWORD', '')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}


class Mlflow:
    """A server's models, versions, runs and artifacts. Methods raise ``RemoteError``."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self.url = rest.url

    def model(self, name: str) -> Json | None:
        """Return a registered model; None where there is none."""
        found = self._find("registered-models/get", {"name": name})
        return None if found is None else found.get("registered_model")

    def models(self) -> Iterator[Json]:
        """Yield all registered models."""
        yield from self._pages("GET", "registered-models/search", {}, "registered_models")

    def create_model(self, name: str) -> None:
        """Create a registered model, unless there is one."""
        self._create("registered-models/create", {"name": name})

    def tag_model(self, name: str, key: str, value: str) -> None:
        """Set a tag of a registered model."""
        self._post("registered-models/set-tag", {"name": name, "key": key, "value": value})

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Let an alias name a version."""
        self._post("registered-models/alias", {"name": name, "alias": alias, "version": version})

    def versions(self, name: str) -> list[Json]:
        """Return the versions of a model, the oldest first."""
        mark = '"' if "'" in name else "'"
        query = {"filter": f"name={mark}{name}{mark}"}
        found = list(self._pages("GET", "model-versions/search", query, "model_versions"))
        return sorted(found, key=lambda one: int(one["version"]))

    def create_version(self, name: str, source: str, run: str, tags: Mapping[str, str]) -> Json:
        """Create a version with its tags, in one step."""
        body = {"name": name, "source": source, "run_id": run, "tags": _listed(tags)}
        found: Json = self._post("model-versions/create", body)["model_version"]
        return found

    def tag_version(self, name: str, version: str, key: str, value: str) -> None:
        """Set a tag of a version."""
        self._post("model-versions/set-tag", {"name": name, "version": version, "key": key, "value": value})

    def delete_version(self, name: str, version: str) -> None:
        """Delete a version, unless it is gone."""
        self._delete("DELETE", "model-versions/delete", {"name": name, "version": version})

    def experiment(self, name: str) -> str:
        """Return the id of an experiment, which is created where there is none."""
        self._create("experiments/create", {"name": name})
        found = self._find("experiments/get-by-name", {"experiment_name": name})
        if found is None:
            raise RemoteError(f"the experiment {name} was created and cannot be found")
        return str(found["experiment"]["experiment_id"])

    def runs(self, experiment: str, key: str, value: str) -> list[Json]:
        """Return the runs of an experiment that have a tag, the oldest first."""
        body = {"experiment_ids": [experiment], "filter": f"tags.`{key}` = '{value}'", "max_results": _PAGE}
        found = self._post("runs/search", body).get("runs") or []
        return sorted(found, key=lambda run: (int(run["info"].get("start_time", 0)), run["info"]["run_id"]))

    def run(self, run: str) -> Json | None:
        """Return a run; None where there is none."""
        found = self._find("runs/get", {"run_id": run})
        return None if found is None else found.get("run")

    def create_run(self, experiment: str, name: str, start: int, tags: Mapping[str, str]) -> Json:
        """Create a run with its tags; ``start`` is in milliseconds since 1970."""
        body = {"experiment_id": experiment, "run_name": name, "start_time": start, "tags": _listed(tags)}
        found: Json = self._post("runs/create", body)["run"]
        return found

    def tag_run(self, run: str, key: str, value: str) -> None:
        """Set a tag of a run."""
        self._post("runs/set-tag", {"run_id": run, "key": key, "value": value})

    def finish_run(self, run: str, end: int) -> None:
        """End a run."""
        self._post("runs/update", {"run_id": run, "status": "FINISHED", "end_time": end})

    def delete_run(self, run: str) -> None:
        """Delete a run, unless it is gone."""
        self._delete("POST", "runs/delete", {"run_id": run})

    def artifact(self, run: Json, path: str) -> bytes | None:
        """Return an artifact of a run; None where there is none."""
        try:
            return self._rest.content("GET", self._at(run, path))
        except RefusedError as error:
            if error.status == 404 or error.code == _ABSENT:
                return None
            raise

    def put_artifact(self, run: Json, path: str, content: bytes) -> None:
        """Write an artifact of a run."""
        self._rest.content("PUT", self._at(run, path), body=content)

    @staticmethod
    def serves_artifacts(run: Json) -> bool:
        """Return whether the server takes artifacts of a run, so that no store has to be reached."""
        return str(run["info"].get("artifact_uri", "")).startswith(_SERVED)

    def _at(self, run: Json, path: str) -> str:
        root = str(run["info"]["artifact_uri"]).removeprefix(_SERVED)
        if root.startswith("//"):  # mlflow-artifacts://host:port/PATH
            root = root[2:].partition("/")[2]
        return f"{_ARTIFACTS}{root.strip('/')}/{path}"

    def _post(self, path: str, body: Json) -> Json:
        return self._rest.json("POST", _API + path, body=body)

    def _create(self, path: str, body: Json) -> None:
        try:
            self._post(path, body)
        except RefusedError as error:
            if error.code != _EXISTS:
                raise

    def _delete(self, method: str, path: str, body: Json) -> None:
        try:
            self._rest.json(method, _API + path, body=body)
        except RefusedError as error:
            if error.code != _ABSENT:
                raise

    def _find(self, path: str, query: Json) -> Json | None:
        try:
            return self._rest.json("GET", _API + path, query)
        except RefusedError as error:
            if error.code == _ABSENT:
                return None
            raise

    def _pages(self, method: str, path: str, query: Json, field: str) -> Iterator[Json]:
        token = ""
        for _ in range(_MOST_PAGES):
            page = {**query, "max_results": _PAGE, **({"page_token": token} if token else {})}
            found = self._rest.json(method, _API + path, page)
            yield from found.get(field) or []
            token = found.get("next_page_token") or ""
            if not token:
                return
        raise RemoteError(f"{method} {path}: the list does not end")


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def tags_of(thing: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of a model, a version or the data of a run."""
    return {str(one["key"]): str(one["value"]) for one in thing.get("tags") or []}
