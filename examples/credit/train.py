"""A logistic regression that knows neither sex nor age: train.py TRAIN.csv MODEL.joblib [DIFFERENCE].

With DIFFERENCE the persons are weighed until the shares of men and women who are selected differ by no more,
in the training data: women whose label is favourable and men whose label is not count for more, the others
for less. So sex has an influence on training alone: the model is given none when it decides.
"""

import sys

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

PROTECTED = ["sex", "age"]
STEP = 0.1


def fitted(table: pd.DataFrame, strength: float) -> Pipeline:
    """Fit a model; the label is the last column."""
    label = table.columns[-1]
    favoured = np.where(table["sex"] == "female", 1, -1) * np.where(table[label] == 1, 1, -1)
    encoded = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    model = make_pipeline(encoded, LogisticRegression(max_iter=1000))
    weights = {"logisticregression__sample_weight": np.exp(strength * favoured)} if strength else {}
    return model.fit(table.drop(columns=[*PROTECTED, label]), table[label], **weights)


def difference(model: Pipeline, table: pd.DataFrame) -> float:
    """Return by how much the shares of men and women who are selected differ."""
    selected = pd.Series(model.predict(table[model.feature_names_in_]), table.index)
    men, women = (selected[table["sex"] == sex].mean() for sex in ("male", "female"))
    return float(abs(men - women))


def main(data: str, path: str, most: str = "1") -> None:
    """Fit the model and write it."""
    table, strength = pd.read_csv(data), 0.0
    model = fitted(table, strength)
    while (found := difference(model, table)) > float(most):
        print(f"weighed by {strength:.1f}: the sexes differ by {found:.3f} on the training data")
        strength += STEP
        model = fitted(table, strength)
    print(f"weighed by {strength:.1f}: the sexes differ by {found:.3f} on the training data")
    joblib.dump(model, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
