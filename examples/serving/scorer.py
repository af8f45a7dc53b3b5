"""A credit scorer in the Open Inference Protocol v2, as any model server would be: scorer.py [PORT].

It knows nothing of a log: the recorder before it writes one. The scorecard below is for the example; with
CREDIT_MODEL, a joblib file of examples/credit is served in its place (such a file is code: serve your own).
"""

import math
import os
import sys
from collections.abc import Callable
from typing import Any, Literal

import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

NAME, VERSION = "IncomeScorer", "1"
THRESHOLD = 0.5
WEIGHTS = {"years_of_education": 0.34, "hours_per_week": 0.03, "capital_gain": 0.0003}
BIAS = -6.0

Person = dict[str, Any]


class Tensor(BaseModel):
    """A named column of values, one for each person."""

    name: str
    shape: list[int]
    datatype: Literal["BOOL", "BYTES", "FP32", "FP64", "INT32", "INT64"]
    data: list[bool | float | str] = Field(max_length=1000)


class Request(BaseModel):
    """An inference request."""

    id: str | None = None
    inputs: list[Tensor]


app = FastAPI(title=NAME, version=VERSION)


def scorecard(persons: list[Person]) -> list[float]:
    """Return a score from 0 to 1 for each person: a logistic regression of three columns."""
    missing = sorted(WEIGHTS.keys() - persons[0].keys())
    if missing:
        raise HTTPException(400, f"inputs: Required value: {', '.join(missing)}")
    sums = [
        BIAS + sum(weight * float(person[name]) for name, weight in WEIGHTS.items()) for person in persons
    ]
    return [1 / (1 + math.exp(-total)) for total in sums]


def trained(path: str) -> Callable[[list[Person]], list[float]]:
    """Return the model of examples/credit, which takes the columns that it was trained on."""
    import joblib
    import pandas as pd

    model = joblib.load(path)
    return lambda persons: [
        float(score) for score in model.predict_proba(pd.DataFrame(persons)[model.feature_names_in_])[:, 1]
    ]


score = trained(path) if (path := os.environ.get("CREDIT_MODEL")) else scorecard


@app.get("/v2/health/live")
@app.get("/v2/health/ready")
def healthy() -> dict[str, bool]:
    """Answer probes, which are no use of the model."""
    return {"live": True}


@app.get(f"/v2/models/{NAME}")
def metadata() -> dict[str, Any]:
    """Say what the model is."""
    return {"name": NAME, "versions": [VERSION], "platform": "actgate_example", "inputs": list(WEIGHTS)}


@app.post(f"/v2/models/{NAME}/infer")
def infer(request: Request) -> dict[str, Any]:
    """Score persons."""
    columns = {tensor.name: tensor.data for tensor in request.inputs}
    count = {len(column) for column in columns.values()}
    if len(count) != 1 or count == {0}:
        raise HTTPException(400, "inputs: Invalid value: every column must have one value for each person")
    scores = score(
        [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    )
    granted = [found >= THRESHOLD for found in scores]
    outputs = [
        {"name": "score", "shape": [len(scores)], "datatype": "FP64", "data": scores},
        {"name": "granted", "shape": [len(scores)], "datatype": "BOOL", "data": granted},
    ]
    return {"model_name": NAME, "model_version": VERSION, "id": request.id, "outputs": outputs}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]) if sys.argv[1:] else 8000, log_level="warning")
