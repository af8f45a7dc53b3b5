"""``python -m actgate_operator``: run until SIGTERM; see ``--help``."""

from actgate.extras import needs


def main() -> None:
    """Run, and end the process with an exit code."""
    with needs("actgate-operator", "operator"):
        from actgate.kube.errors import Misconfigured
        from actgate.runtime.main import run
        from actgate_operator.kopf_run import serve
        from actgate_operator.settings import Settings
    run(Settings, serve, (Misconfigured,))


if __name__ == "__main__":
    main()
