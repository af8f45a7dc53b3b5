"""One training run: what it starts from, where it is, and what is written when it succeeded.

What cannot be used, or contradicts itself, is refused before the training starts: it may take days. Data
that is written meanwhile is refused at its end. Nothing is written then, nor when the training fails.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from actgate.api.quoting import invalid
from actgate.api.times import timestamp
from actgate.documents import to_json, write_whole
from actgate.manifests.errors import EvidenceError
from actgate.manifests.v0 import region_fields
from actgate.pipeline.declared import StatedRegions
from actgate.pipeline.training import code, inputs, places, provenance
from actgate.pipeline.training.inputs import Datasets, StatedPaths

API_VERSION: Final = "actgate.dev/training/v1alpha1"
FILE: Final = "training.json"
"""Name of the evidence in the folder of a run."""
_RUN_IDS: Final = ("MLFLOW_RUN_ID", "GITHUB_RUN_ID", "CI_JOB_ID")
_NO_PLACE: Final = (
    "training.regions: nothing says where the run was: name it with --region or in ACTGATE_TRAINING_REGION, "
    "or ask the cloud with --cloud-metadata"
)
Json = dict[str, Any]
StatedPath = str | os.PathLike[str]


class TrainingRun:
    """A training run whose evidence is recorded; ``training_run`` makes one and finishes it."""

    def __init__(
        self,
        run_dir: StatedPath,
        *,
        datasets: StatedPaths = (),
        base_models: StatedPaths = (),
        regions: StatedRegions | None = None,
        lock: StatedPath | None = None,
        run_id: str | None = None,
        builder: str | None = None,
        cloud_metadata: str = places.AUTO,
        podinfo: StatedPath = places.PODINFO,
        command: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Take the digests and the place, as ``training_run`` documents them."""
        if cloud_metadata not in places.CLOUD_METADATA:
            wanted = f"one of {', '.join(places.CLOUD_METADATA)}"
            raise EvidenceError(f"cloud_metadata: {invalid(cloud_metadata, wanted)}")
        env = os.environ if environ is None else environ
        here = Path.cwd()
        self.run_dir = Path(run_dir)
        self.started_at = datetime.now(UTC)
        self.sources = places.gathered(regions, env, cloud_metadata, Path(podinfo))
        self._base_models = [inputs.base_model(one) for one in base_models]
        self._lock = code.lock(lock, here)
        self._code = code.commit(here, env)
        self._run_id = run_id or next((env[name] for name in _RUN_IDS if env.get(name)), None)
        self._builder = builder or provenance.builder(env)
        self._command = [*command]
        self._model: tuple[StatedPath, tuple[str, ...]] | None = None
        self._datasets = Datasets(datasets)

    def model(self, path: StatedPath, ignore: Iterable[str] = ()) -> None:
        """Name the model that the run makes; its digest is taken when the run is over."""
        self._model = path, tuple(ignore)

    @property
    def remarks(self) -> list[str]:
        """What this evidence does not show, a sentence each."""
        found = [] if places.regions(self.sources) else [_NO_PLACE]
        if self._code is None:
            found.append(
                "lineage.codeCommit: no Git repository and no CI system names the commit of the code"
            )
        elif self._code.dirty:
            found.append("lineage.codeCommit: files that Git tracks were changed: the commit is not what ran")
        return found

    def finish(self) -> Json:
        """Write the evidence, and return it.

        Raises:
            EvidenceError: A data set was written meanwhile, or there is no model at the path that was named.
            OSError: The folder cannot be written.
        """
        self._datasets.require_unchanged()
        made = None if self._model is None else inputs.model(*self._model)
        document = self._document(made)
        self.run_dir.mkdir(parents=True, exist_ok=True)
        if made is not None:
            about = provenance.statement(document, [(made["name"], made["digest"])])
            write_whole(self.run_dir / provenance.FILE, to_json(about))
        write_whole(self.run_dir / FILE, to_json(document))
        return document

    def _document(self, made: dict[str, str] | None) -> Json:
        where = [region_fields(region) for region in places.regions(self.sources)]
        lineage = {
            "codeCommit": self._code.stated if self._code is not None else None,
            "runId": self._run_id,
            "baseModels": [one.reference for one in self._base_models],
        }
        run: Json = {
            "startedAt": timestamp(self.started_at),
            "builder": self._builder,
            "command": self._command,
        }
        if self._lock is not None:
            run["lock"] = {"name": self._lock.name, "digest": self._lock.digest}
        if self._code is not None:
            run["code"] = {
                "commit": self._code.commit,
                "level": self._code.level.value,
                "dirty": self._code.dirty,
                "untracked": self._code.untracked,
            }
        document: Json = {
            "apiVersion": API_VERSION,
            "training": _filled({"finishedAt": timestamp(datetime.now(UTC)), "regions": where}),
            "lineage": _filled(lineage),
            "datasets": [one.dataset() for one in self._datasets.artefacts],
            "run": _filled(run),
            "sources": [source.document() for source in self.sources],
            "remarks": self.remarks,
        }
        return document if made is None else {**document, "model": made}


@contextmanager
def training_run(run_dir: StatedPath, **options: Any) -> Iterator[TrainingRun]:  # noqa: ANN401 - as TrainingRun
    """Record a training run.

    ``with training_run("run", datasets=["train.csv"]) as run: ...`` When the block ends, ``training.json`` is
    written into the folder; when it raises, nothing is.

    Args:
        run_dir: Folder that the steps of a pipeline fill.
        options: ``datasets``: files, directories or globs, each ``[NAME=]PATH``; ``base_models``: paths, or
            ``[NAME@]sha256:HEX``; ``regions``: where all data is processed; ``lock``: lock file; ``run_id``;
            ``builder``: URI of what runs it; ``cloud_metadata``: auto, never, aws, gcp or azure; ``podinfo``:
            folder of the Kubernetes downward API.

    Raises:
        EvidenceError: An argument cannot be used, sources contradict each other, or data changed meanwhile.
        OSError: The folder cannot be written.
    """
    run = TrainingRun(run_dir, **options)
    yield run
    run.finish()


def _filled(fields: Json) -> Json:
    return {key: value for key, value in fields.items() if value not in (None, [], {})}
