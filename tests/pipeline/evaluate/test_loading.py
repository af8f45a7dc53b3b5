"""Models: which are loaded, which are refused, and that none runs code before it is trusted."""

import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from actgate.pipeline.evaluate import loading
from actgate.pipeline.evaluate.errors import EvaluationError, ModelFailedError
from actgate.pipeline.evaluate.loading import Model
from tests.pipeline.evaluate.support import MODULE, Scorer, people, pickled

COLUMNS = {name: [row[name] for row in people(20)] for name in ("sex", "income")}


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["model.pkl", "model.pickle", "model.joblib", "directory"])
def test_no_pickle_runs_before_it_is_trusted(tmp_path: Path, name: str) -> None:
    """A pickle is code, and so is an MLflow model that holds one."""
    fired = tmp_path / "fired"
    path = tmp_path / name
    if name == "directory":
        path.mkdir()
        described = {"flavors": {"sklearn": {"pickled_model": "model.pkl"}}}
        (path / "MLmodel").write_text(yaml.safe_dump(described))
    (path / "model.pkl" if path.is_dir() else path).write_bytes(pickle.dumps(Bomb(fired)))
    with pytest.raises(EvaluationError, match="a pickle is code"):
        loading.load(str(path), trust_pickle=False)
    assert not fired.exists()


def test_a_trusted_pickle_and_a_function_answer_alike(tmp_path: Path) -> None:
    """A file has a digest, and a function has none."""
    loaded = loading.load(pickled(tmp_path, Scorer()), trust_pickle=True)
    function = loading.load(f"{MODULE}:fair", trust_pickle=False)
    assert loaded.classes(COLUMNS) == function.classes(COLUMNS)
    assert set(loaded.classes(COLUMNS)) == {"0", "1"}
    assert (loaded.has_scores, function.has_scores) == (True, False)
    assert loaded.digest is not None
    assert function.digest is None


@pytest.mark.parametrize("trusted", [False, True])
def test_a_skops_file_is_loaded_by_the_types_that_skops_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    """Others need the user's trust; skops itself is not installed here, so its two functions stand in."""
    library, safe = ModuleType("skops"), ModuleType("skops.io")
    found: dict[bytes, list[str]] = {b"safe": [], b"other": ["evil.Type"]}
    given: list[object] = []

    def loads(_: bytes, trusted: object) -> Scorer:
        given.append(trusted)
        return Scorer()

    safe.get_untrusted_types = lambda data: found[data]  # type: ignore[attr-defined]
    safe.loads = loads  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "skops", library)
    monkeypatch.setitem(sys.modules, "skops.io", safe)
    path = tmp_path / "model.skops"
    path.write_bytes(b"safe")
    assert loading.load(str(path), trust_pickle=trusted).has_scores
    path.write_bytes(b"other")
    if trusted:
        assert loading.load(str(path), trust_pickle=True).has_scores
        assert given == [[], ["evil.Type"]]
    else:
        with pytest.raises(EvaluationError, match=r'does not know as safe: "evil\.Type"'):
            loading.load(str(path), trust_pickle=False)


def write_model(folder: Path, described: object) -> str:
    """Write an MLflow model directory."""
    (folder / "MLmodel").write_text(yaml.safe_dump(described))
    return str(folder)


def test_an_mlflow_model_of_scikit_learn_needs_no_mlflow(tmp_path: Path) -> None:
    """Its pickle is loaded by itself, and its digest is that of the directory."""
    pickled(tmp_path, Scorer())
    name = write_model(tmp_path, {"flavors": {"sklearn": {"pickled_model": "model.pkl"}}})
    model = loading.load(name, trust_pickle=True)
    assert (model.is_mlflow, model.has_scores) == (True, True)
    assert model.digest is not None
    assert model.digest.domain == "oms-v1"


@pytest.mark.parametrize(
    ("described", "why"),
    [
        ({"flavors": {"sklearn": {"pickled_model": "../model.pkl"}}}, "within the directory"),
        ({"flavors": {"sklearn": {"pickled_model": "/model.pkl"}}}, "within the directory"),
        ({"flavors": {"python_function": {}}}, "needs mlflow"),
        ({"flavors": 3}, "not a description"),
        ([], "not a description"),
    ],
)
def test_an_odd_mlflow_model_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, described: object, why: str
) -> None:
    """A path does not lead out of the directory, and what is missing is named."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(EvaluationError, match=why):
        loading.load(write_model(tmp_path, described), trust_pickle=True)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("model.pkl", b"\x80\x04garbage", "cannot be loaded"),
        ("model.pkl", pickle.dumps({"a": 1}), "has no predict"),
        ("model.onnx", b"", "must be a joblib, pickle or skops file"),
        ("absent.pkl", None, "not found"),
        ("no_such_module:predict", None, "needs no_such_module"),
        (f"{MODULE}:nothing", None, "cannot be loaded: AttributeError"),
        (f"{MODULE}:MODULE", None, "must be a function"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_in_one_sentence(
    tmp_path: Path, name: str, content: bytes | None, why: str
) -> None:
    """What a foreign loader raises is named by its type alone."""
    path = name if ":" in name else str(tmp_path / name)
    if content is not None:
        Path(path).write_bytes(content)
    with pytest.raises(EvaluationError, match=why) as refused:
        loading.load(path, trust_pickle=True)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [([0.5] * 20, "no table"), ([[0.5]] * 20, "no table"), ([[0.5, 2]] * 20, "each row"), ([], "each")],
)
def test_probabilities_are_a_pair_for_each_row(answer: object, why: str) -> None:
    """Scores of another shape would be calibrated against other persons."""
    scorer = Scorer()
    scorer.predict_proba = lambda _: answer  # type: ignore[method-assign, assignment, return-value]
    with pytest.raises(ModelFailedError, match=why):
        Model("m", scorer).scores(COLUMNS, "1")


def test_a_model_that_fails_is_reported_without_the_values_it_quotes() -> None:
    """Libraries write the value that they cannot convert into the message."""

    def fails(_: object) -> object:
        raise ValueError("could not convert string to float: 'Qx7-secret-value'")

    for function, why in (
        (fails, "the model raised ValueError"),
        (lambda _: [1], "1 values for 20 rows"),
        (lambda _: 3, "a int"),
        (lambda rows: [None for _ in rows], "no value"),
    ):
        with pytest.raises(ModelFailedError, match=why):
            Model("m", function).classes(COLUMNS)
