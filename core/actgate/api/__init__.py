"""The three resources of the group ``actgate.dev``, and what the rest relies on: names, times, quoting.

The pydantic models here are the source of ``crds/`` (``tools/crd.py``) and of every check of shape.
What the values mean is not decided here: that is ``actgate.decision``. The package imports nothing by
itself, so that a command which only prints its version does not wait for pydantic.
"""
