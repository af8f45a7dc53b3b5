"""YAML and JSON as kubectl reads them, each document with the line on which it begins; and writing them.

The border: text in, plain values out. What the values mean is not known here.
"""

from actgate.documents.errors import DocumentError
from actgate.documents.reader import Document, load
from actgate.documents.writing import to_json, to_yaml, write_whole

__all__ = ["Document", "DocumentError", "load", "to_json", "to_yaml", "write_whole"]
