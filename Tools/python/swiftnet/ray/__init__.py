# SPDX-License-Identifier: MIT
"""SwiftNet on a Ray cluster: a pool of servers that Ray places and watches, a deployment for Ray Serve, and a callable for
Ray Data. Ray starts and supervises; images and answers go straight to the servers."""

from .member import Event
from .pool import Pool
from .replica import ServerOptions

__all__ = ["Event", "Pool", "ServerOptions", "MapBatches", "application"]


def __getattr__(name: str) -> object:
    # Serve is imported only where it is used: it needs more than Ray itself.
    if name == "application":
        from .serving import application
        return application
    if name == "MapBatches":
        from .data import MapBatches
        return MapBatches
    raise AttributeError(name)
