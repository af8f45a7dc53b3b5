"""The decision log: lines in a chain of hashes, and the proof that none was changed, dropped or reordered.

Every process that judges writes one chain, one JSON object per line: a start, a line for each decision,
checkpoints between, and a stop. Each line names the hash of the line before it, so that whoever changes one
has to write all later ones anew, and the hash of any line, kept somewhere else, then shows it.

- ``canonical``: the bytes that are hashed (RFC 8785), and the digest of an object.
- ``chain``: the lines, as they are written.
- ``lines``: the lines, as they are found again in what a log collector kept.
- ``verify``: the proof.

Nothing here does I/O. ``docs/decision-log.md`` describes the format for readers in other languages.
"""
