"""The recorder: a proxy before a model's port, which writes a record of each use before its answer leaves.

What a record holds, and when it is durable, is ``actgate.recording``'s; here is what carries bytes: HTTP/1.1
from a client to one upstream and back, re-serialised, streamed, in bounded memory.
"""
