"""The inference log: what a record is, how records are kept, and the proof that none was changed.

- ``record``: the fields of a record, and its canonical JSON;
- ``line``: the line that holds a record, with its number, its time and the hash of the line before;
- ``merkle``: the tree over the lines (RFC 9162), its roots and its proofs;
- ``note``, ``checkpoint``: signed statements of size and root (C2SP signed-note and tlog-checkpoint);
- ``segments``: names of the files of a log, and what is read of them;
- ``verify``: the proof that a log is what was written;
- ``proof``: one record with its proof, which verifies without the log.

Nothing here does I/O, reads a clock or knows an event loop: bytes, keys and time are passed in. What writes a
log is ``actgate.recording``. ``docs/inference-log.md`` describes the formats for readers in other languages.
"""
