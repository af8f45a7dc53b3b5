"""``python -m actgate_webhook``: serve until SIGTERM; see ``--help``."""

from actgate.extras import needs


def main() -> None:
    """Serve, and end the process with an exit code."""
    with needs("actgate-webhook", "webhook"):
        from actgate.kube.errors import Misconfigured
        from actgate.runtime.main import run
        from actgate.runtime.tls import CertificateError
        from actgate_webhook.decision_log import SinkError
        from actgate_webhook.serving import serve
        from actgate_webhook.settings import Settings
    run(Settings, serve, (CertificateError, Misconfigured, SinkError))


if __name__ == "__main__":
    main()
