"""Foreign text in our own lines."""


def printable(text: str) -> str:
    """Return text with everything that could steer a terminal or break a line or XML escaped."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
