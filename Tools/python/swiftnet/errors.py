# SPDX-License-Identifier: MIT
"""What can go wrong. Everything that this package raises by itself is a `SwiftNetError`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .client import Response


class SwiftNetError(Exception):
    """The base of all errors of this package."""


class ProgramNotFound(SwiftNetError):
    """There is no `swiftnet` program: not in the package, not on the PATH, not where it was said to be."""


class ServerFailed(SwiftNetError):
    """The server did not start, or has ended by itself; the message has the last lines of its log."""


class Unavailable(SwiftNetError):
    """The server could not be reached, or had no room (503), in all attempts."""


class TimedOut(SwiftNetError):
    """No answer came in time."""


class ProtocolError(SwiftNetError):
    """What came was not an answer of the Open Inference Protocol."""


class RequestRefused(SwiftNetError):
    """The server answered with an error. Trying again won't help.

    status: HTTP's status; reason: the server's own words; response: the answer as it came.
    """

    def __init__(self, status: int, reason: str, response: Response | None = None):
        super().__init__(f"{reason} (HTTP {status})")
        self.status = status
        self.reason = reason
        self.response = response

    def __reduce__(self) -> tuple[type[RequestRefused], tuple[int, str]]:
        return type(self), (self.status, self.reason)
