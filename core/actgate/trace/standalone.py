"""Verify the proof of a decision, with nothing but Python: ``python3 verify.py [KEY] < proof.json``.

Hashes are those of RFC 9162 section 2.1, signatures are Ed25519 (RFC 8032). KEY is the log's public key from
another source (NAME+ID+KEY); without it, the key that the log itself names is used.
"""

import base64
import hashlib
import json
import sys
from typing import Any

Point = tuple[int, int]

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def root(line: bytes, place: int, size: int, steps: list[bytes]) -> bytes:
    """Return the root that a leaf and the hashes beside it lead to; empty where they fit no such tree."""
    found, last = hashlib.sha256(b"\0" + line).digest(), size - 1
    for step in steps:
        if place & 1 or place == last:
            found = hashlib.sha256(b"\1" + step + found).digest()
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\1" + found + step).digest()
        place, last = place >> 1, last >> 1
    return found if last == 0 else b""


def add(a: Point, b: Point) -> Point:
    """Return the sum of two points of the curve."""
    (x1, y1), (x2, y2) = a, b
    product = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P
    return x, (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P


def times(scalar: int, point: Point) -> Point:
    """Return the multiple of a point."""
    found = 0, 1
    while scalar:
        found = add(found, point) if scalar & 1 else found
        point, scalar = add(point, point), scalar >> 1
    return found


def decoded(encoded: bytes) -> Point:
    """Return the point that 32 bytes stand for."""
    number = int.from_bytes(encoded, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square:
        sys.exit("NOT PROVEN: a key or a signature is no point of the curve")
    return (P - x if x & 1 != sign else x), y


def signed(key: bytes, text: bytes, signature: bytes) -> bool:
    """Return whether an Ed25519 signature is right."""
    s = int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % L
    base = decoded((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    return s < L and times(s, base) == add(decoded(signature[:32]), times(h, decoded(key)))


def verified(log: dict[str, Any]) -> tuple[str, list[str]]:
    """Return origin and lines of a log whose records are proven, or end with a sentence."""
    if "after" in log:  # It was killed before a checkpoint covered its end: the next log states its root.
        after, starts = verified(log["after"])
        previous = json.loads(starts[0])["record"]["previous"]
        origin, size = f"{after.rpartition('/')[0]}/{previous['log']}", previous["size"]
        stated = bytes.fromhex(previous["root"])
    else:
        text, _, signatures = log["checkpoint"].rpartition("\n\n")
        origin, size, encoded = text.split("\n")[:3]
        stated = base64.b64decode(encoded)
        start = json.loads(log["records"][0]["line"])
        key = sys.argv[1] if len(sys.argv) > 1 else start["record"]["log_key"]
        name, _, public = key.split("+", 2)
        values = [line.split(" ")[2] for line in signatures.splitlines() if line.split(" ")[1] == name]
        if name != origin or not any(
            signed(base64.b64decode(public)[1:], f"{text}\n".encode(), base64.b64decode(value)[4:])
            for value in values
        ):
            sys.exit(f"NOT PROVEN: the checkpoint of {origin} is not signed by {name}")
    for record in log["records"]:
        raw, steps = record["line"], [base64.b64decode(step) for step in record["hashes"]]
        found = root(raw.encode(), record["seq"], int(size), steps)
        if found != stated or json.loads(raw)["seq"] != record["seq"]:
            sys.exit(f"NOT PROVEN: record {record['seq']} is not in {origin}")
    return origin, [record["line"] for record in log["records"]]


def main() -> None:
    """Verify each log, and print the records that are proven."""
    proof, ids = json.load(sys.stdin), []
    for log in proof["logs"]:
        _, lines = verified(log)
        ids += [json.loads(line)["record"].get("id") for line in lines]
        print(*lines, sep="\n")
    if proof["decision"] not in ids:
        sys.exit("NOT PROVEN: no record has the id of the decision")
    print(f"PROVEN: the records of {proof['decision']} are in the log that its key signed", file=sys.stderr)


if __name__ == "__main__":
    main()
