"""``python -m actgate_recorder``: record and pass requests until SIGTERM; see ``--help``."""

from actgate.extras import needs


def main() -> None:
    """Serve, and end the process with an exit code."""
    with needs("actgate-recorder", "recorder"):
        from actgate.recording.keys import KeyUnavailableError
        from actgate.recording.writer import RecordNotWrittenError
        from actgate.runtime.main import run
        from actgate_recorder.serving import serve
        from actgate_recorder.settings import Settings
    run(Settings, serve, (KeyUnavailableError, RecordNotWrittenError))


if __name__ == "__main__":
    main()
