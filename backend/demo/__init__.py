"""The demo: a fictional city lives through the real API, in front of whoever wants to see it.

Nothing here is imported by the service. It sits above the composition roots, because it starts
them, and it talks to them over HTTP like any other client.
"""

from backend.demo.run import run_demo

__all__ = ["run_demo"]
