"""The predictions that are audited: predict.py MODEL TEST.csv PREDICTIONS.csv adds the column granted."""

import sys
from pathlib import Path

import joblib
import pandas as pd
from train import LABEL, PROTECTED


def main(folder: str, data: str, predictions: str) -> None:
    """Predict for every person of the test data. A joblib file is code: load none but your own."""
    table = pd.read_csv(data)
    model = joblib.load(Path(folder, "model.joblib"))
    table["granted"] = model.predict(table.drop(columns=[*PROTECTED, LABEL]))
    table.to_csv(predictions, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
