"""The inference log as it is written: durable before the answer leaves.

- ``writer``: the one way in; returns when a record is as durable as the settings ask for;
- ``life``: one log, from the start of a process to its end: segments, tree, checkpoints;
- ``files``: what is asked of the file system;
- ``keys``: keyed digests of what must not be in the log itself;
- ``shipping``: sealed segments to another place, and what is kept here.

What records, segments and proofs are is in ``actgate.trace``. Extra: ``trace``.
"""
