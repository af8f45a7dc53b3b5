"""The evaluation of a model: accuracy, robustness, groups, calibration and drift, and reports of others.

``loading`` makes an object with ``predict`` of a file, ``table`` reads the data, ``perturbing``, ``by_group``
and ``drift`` measure for ``checks``, ``judging`` holds results against the plan, ``result`` has the
document, and ``readers`` take extracts of reports. Only ``run`` needs DuckDB. No row and no failing value
leaves this package.
"""
