"""The audit of predictions: counts per group, what they say of bias, and the quality of the data.

``sql`` says what is counted, ``engine`` runs it on DuckDB, ``tally`` holds the counts wherever they come
from, ``measuring`` makes measurements of them, and ``result`` the document that evidence is taken from. Only
``engine`` needs the extra ``pipeline``. No row and no failing value leaves this package.
"""
