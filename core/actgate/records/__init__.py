"""One decision as a value, everything that is made of it, and the decision log that proves itself.

- ``record``: a ``DecisionRecord``, made once for each decision, with audit annotations, the line of a log, a
  span's attributes and labels of metrics, each a small function of it, and each format's only home;
- ``chain``: the decision log's lines, as they are written;
- ``lines``: by what they are known, as they are found again in what a log collector kept;
- ``verify``: the proof that none was changed, dropped or reordered.

Every process that judges writes one chain, one JSON object per line: a start, a line for each decision,
checkpoints between, and a stop. Each line names the hash of the line before it, so that changing one
means writing all later ones anew, and the hash of any line, kept somewhere else, then shows it.

Nothing here does I/O. ``docs/decision-log.md`` describes the formats for readers in other languages.
"""
