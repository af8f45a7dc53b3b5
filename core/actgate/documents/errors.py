"""What is wrong with a text that is read as YAML or JSON, meant for the person who wrote it."""


class DocumentError(ValueError):
    """A text that could not be read as YAML or JSON: which, and where in it."""

    def __init__(self, message: str, source: str, line: int | None = None, column: int | None = None) -> None:
        self.source = source
        self.line = line
        """Line, counted from 1; None where it is not known."""
        self.column = column
        place = ":".join(str(part) for part in (source, line, column) if part is not None)
        super().__init__(f"{place}: {message}")
