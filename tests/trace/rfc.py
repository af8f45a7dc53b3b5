"""The definitions of RFC 9162 section 2.1, word by word and without speed: the oracle for ``merkle``."""

from hashlib import sha256


def mth(entries: list[bytes]) -> bytes:
    """Return MTH(D[n]), section 2.1.1."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = largest_power_of_two_below(len(entries))
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """Return PATH(m, D[n]), section 2.1.3.1."""
    if len(entries) == 1:
        return []
    k = largest_power_of_two_below(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def proof(m: int, entries: list[bytes]) -> list[bytes]:
    """Return PROOF(m, D[n]), section 2.1.4.1."""
    return subproof(m, entries, complete=True)


def subproof(m: int, entries: list[bytes], *, complete: bool) -> list[bytes]:
    """Return SUBPROOF(m, D[n], b), section 2.1.4.1."""
    n = len(entries)
    if m == n:
        return [] if complete else [mth(entries)]
    k = largest_power_of_two_below(n)
    if m <= k:
        return [*subproof(m, entries[:k], complete=complete), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], complete=False), mth(entries[:k])]


def largest_power_of_two_below(n: int) -> int:
    """Return k with k < n <= 2k."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k
