"""A logistic regression that knows neither sex nor age: train.py TRAIN.csv MODEL.joblib."""

import sys

import joblib
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

PROTECTED = ["sex", "age"]
LABEL = "repaid"


def main(data: str, path: str) -> None:
    """Fit the model and write it."""
    table = pd.read_csv(data)
    encoded = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    model = make_pipeline(encoded, LogisticRegression(max_iter=1000))
    model.fit(table.drop(columns=[*PROTECTED, LABEL]), table[LABEL])
    joblib.dump(model, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
