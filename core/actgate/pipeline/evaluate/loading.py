"""A model as an object with ``predict``, from a file, an MLflow directory or ``module:function``.

A pickle is code: who loads it runs it. So joblib and pickle files, and MLflow models, which hold pickles, are
loaded only where the user trusts them; a skops file is loaded by the types that skops knows as safe.
"""

import contextlib
import importlib
import io
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import yaml

from actgate.api.quoting import quoted
from actgate.pipeline import model_digest
from actgate.pipeline.evaluate.errors import EvaluationError, ModelFailedError
from actgate.pipeline.evaluate.scores import class_of
from actgate.pipeline.evaluate.table import Columns, Form, as_input
from actgate.pipeline.model_digest import ModelDigest
from actgate.pipeline.model_files import ModelDigestError

_FUNCTION: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_PICKLES: Final = (".pkl", ".pickle", ".joblib")
_MLMODEL: Final = "MLmodel"


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be asked."""

    called: str
    source: Any
    """The object, or the function itself."""
    digest: ModelDigest | None = None
    """None of a function: nothing says which bytes it is."""
    is_mlflow: bool = False

    @property
    def features(self) -> tuple[str, ...] | None:
        """Names of its columns in order, where it knows them."""
        names = getattr(self.source, "feature_names_in_", None)
        return None if names is None else tuple(map(str, names))

    @property
    def width(self) -> int | None:
        """How many columns it takes, where it knows that."""
        width = getattr(self.source, "n_features_in_", None)
        return width if isinstance(width, int) else None

    @property
    def form(self) -> Form:
        """What it is given: a data frame where it knows names, an array where it knows a number only."""
        if self.features is not None or self.is_mlflow:
            return Form.FRAME
        return Form.ROWS if self.width is None else Form.ARRAY

    @property
    def has_scores(self) -> bool:
        """Whether it predicts probabilities."""
        return callable(getattr(self.source, "predict_proba", None))

    def classes(self, columns: Columns) -> list[str]:
        """Return the predicted class of each row.

        Raises:
            ModelFailedError: It fails, or its answer is not one class for each row.
        """
        ask = getattr(self.source, "predict", self.source)
        found = [class_of(one) for one in _flat(self._asked(ask, columns))]
        if len(found) != (rows := len(next(iter(columns.values())))):
            raise ModelFailedError(f"predict returned {len(found)} values for {rows} rows")
        if None in found:
            raise ModelFailedError("predict returned no value for some rows")
        return [one for one in found if one is not None]

    def scores(self, columns: Columns, positive: str) -> list[float]:
        """Return the probability of the favourable class for each row.

        Raises:
            ModelFailedError: It fails, or has not two classes of which one is the favourable one.
        """
        known = [class_of(one) for one in _listed(getattr(self.source, "classes_", [0, 1]))]
        if len(known) != 2 or positive not in known:
            raise ModelFailedError("the model has not two classes of which one is 1 or --positive")
        answer = self._asked(self.source.predict_proba, columns)
        try:
            found = [float(_listed(row)[known.index(positive)]) for row in _listed(answer)]
        except (TypeError, ValueError, IndexError):
            raise ModelFailedError("predict_proba returned no table of probabilities") from None
        if len(found) != len(next(iter(columns.values()))) or not all(0 <= one <= 1 for one in found):
            raise ModelFailedError("predict_proba returned no probability for each row")
        return found

    def _asked(self, ask: Callable[[Any], Any], columns: Columns) -> Any:  # noqa: ANN401 - as above
        given = as_input(columns, self.form)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                return ask(given)
        except Exception as error:
            # Only the type: messages of models quote values of the data.
            raise ModelFailedError(f"the model raised {type(error).__name__}") from None


def load(name: str, *, trust_pickle: bool) -> Model:
    """Return the model that an argument names.

    Raises:
        EvaluationError: There is none, it is not trusted, it changes meanwhile, or it cannot be loaded.
    """
    path = Path(name)
    if not path.exists():
        if _FUNCTION.fullmatch(name):
            return Model(name, _function(name))
        raise EvaluationError(f"{name}: not found: name a file, an MLflow model directory or module:function")
    try:
        before = model_digest.of_model(path)
        source, is_mlflow = _of_path(path, trusted=trust_pickle)
        if model_digest.of_model(path) != before:
            raise EvaluationError(f"{name} changed while it was loaded: evaluate when nothing writes it")
    except ModelDigestError as error:
        raise EvaluationError(str(error)) from None
    if not callable(getattr(source, "predict", None)):
        raise EvaluationError(f"{name}: holds a {type(source).__name__}, which has no predict")
    return Model(path.resolve().name, source, before, is_mlflow)


def _of_path(path: Path, *, trusted: bool) -> tuple[Any, bool]:
    if path.is_dir():
        return _mlflow(path, trusted=trusted)
    suffix = path.suffix.lower()
    if suffix == ".skops":
        return _skops(path, trusted=trusted), False
    if suffix not in _PICKLES:
        raise EvaluationError(
            f"{path}: must be a joblib, pickle or skops file ({', '.join((*_PICKLES, '.skops'))}), "
            "an MLflow model directory or module:function"
        )
    _require_trust(path, trusted=trusted)
    return _pickle(path), False


def _require_trust(path: Path, *, trusted: bool) -> None:
    if not trusted:
        raise EvaluationError(
            f"{path}: a pickle is code, and to load it runs it: give --trust-pickle where you trust who "
            "wrote it, or save the model with skops"
        )


def _pickle(path: Path) -> Any:  # noqa: ANN401 - a pickle holds anything
    with _loading(path):
        raw = io.BytesIO(path.read_bytes())
        try:
            joblib = importlib.import_module("joblib")
        except ModuleNotFoundError:
            if path.suffix.lower() == ".joblib":
                raise
            return pickle.load(raw)  # noqa: S301 - the user trusts it
        return joblib.load(raw)


def _skops(path: Path, *, trusted: bool) -> Any:  # noqa: ANN401 - as above
    with _loading(path):
        safe = importlib.import_module("skops.io")
        raw = path.read_bytes()
        unknown = list(safe.get_untrusted_types(data=raw))
        if unknown and not trusted:
            listed = ", ".join(map(quoted, unknown[:3])) + (" and others" if len(unknown) > 3 else "")
            raise EvaluationError(
                f"{path}: holds types that skops does not know as safe: {listed}: give --trust-pickle where "
                "you trust who wrote it"
            )
        return safe.loads(raw, trusted=unknown)


def _mlflow(path: Path, *, trusted: bool) -> tuple[Any, bool]:
    """Return a scikit-learn model of MLflow by itself, and any other through mlflow, where that is there."""
    try:
        stated = yaml.safe_load((path / _MLMODEL).read_text("utf-8"))
        flavors = stated["flavors"]
        named = flavors.get("sklearn", {}).get("pickled_model")
    except FileNotFoundError:
        raise EvaluationError(f"{path}: holds no {_MLMODEL}: name an MLflow model directory") from None
    except (OSError, ValueError, yaml.YAMLError, TypeError, KeyError, AttributeError):
        raise EvaluationError(f"{path / _MLMODEL}: is not a description of an MLflow model") from None
    if isinstance(named, str):
        inner = PurePosixPath(named)
        if inner.is_absolute() or ".." in inner.parts:
            raise EvaluationError(f"{path / _MLMODEL}: pickled_model: must be a path within the directory")
        file = path / named
        if file.suffix.lower() == ".skops":
            return _skops(file, trusted=trusted), True
        _require_trust(file, trusted=trusted)
        return _pickle(file), True
    _require_trust(path, trusted=trusted)
    with _loading(path):
        return importlib.import_module("mlflow.pyfunc").load_model(str(path)), True


def _function(name: str) -> Any:  # noqa: ANN401 - the user's object
    module, _, attribute = name.partition(":")
    with _loading(name), _working_directory_on_path():
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    if not callable(getattr(found, "predict", found)):
        raise EvaluationError(f"{name}: must be a function of the rows, or an object with predict")
    return found


@contextlib.contextmanager
def _working_directory_on_path() -> Iterator[None]:
    here = str(Path.cwd())
    sys.path.append(here)  # last, so that no file of the folder takes the place of a library
    try:
        yield
    finally:
        sys.path.remove(here)


@contextlib.contextmanager
def _loading(name: str | Path) -> Iterator[None]:
    """Turn whatever a foreign loader raises into a sentence; what it prints is no output of ours."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except EvaluationError:
        raise
    except ModuleNotFoundError as error:
        raise EvaluationError(
            f"{name}: cannot be loaded: needs {error.name}: install it beside actgate"
        ) from None
    except Exception as error:
        raise EvaluationError(f"{name}: cannot be loaded: {type(error).__name__}") from None


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - an array, a data frame or a list
    plain = value.to_numpy() if hasattr(value, "to_numpy") else value
    return list(plain.tolist() if hasattr(plain, "tolist") else plain)


def _flat(value: Any) -> list[Any]:  # noqa: ANN401 - as above
    try:
        return [one[0] if isinstance(one, list) and len(one) == 1 else one for one in _listed(value)]
    except TypeError:
        raise ModelFailedError(f"predict returned a {type(value).__name__}, and no list of classes") from None
