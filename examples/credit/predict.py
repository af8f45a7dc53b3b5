"""The predictions that are audited, in a column granted: predict.py MODEL.joblib TEST.csv PREDICTIONS.csv."""

import sys

import joblib
import pandas as pd


def main(path: str, data: str, predictions: str) -> None:
    """Predict for every person of the test data. A joblib file is code: load none but your own."""
    table = pd.read_csv(data)
    model = joblib.load(path)
    table["granted"] = model.predict(table[model.feature_names_in_])
    table.to_csv(predictions, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
