"""The middleware under the name that its users look for: ``actgate.trace.asgi.Recorder``."""

from actgate.recording.asgi import Recorder

__all__ = ["Recorder"]
