"""Ids of decisions: UUIDv7 (RFC 9562), which begin with the time, so that one is found in a log by it."""

import secrets
import time


def new_id() -> str:
    """Return a new id, such as ``019ac3e2-7c1b-7f3e-9a51-0d9c8b1f2a3c``."""
    number = time.time_ns() // 1_000_000 << 80 | 0x7 << 76 | secrets.randbits(76)
    digits = f"{number & ~(0x3 << 62) | 0x2 << 62:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
