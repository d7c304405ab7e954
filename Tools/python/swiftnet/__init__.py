# SPDX-License-Identifier: MIT
"""Runs image networks by the program `swiftnet`: starts its server, asks it, and spreads work over many of them (`swiftnet.ray`)."""

from .client import Class, Client, Prediction, Retries
from .errors import (
    ProgramNotFound, ProtocolError, RequestRefused, ServerFailed, SwiftNetError, TimedOut, Unavailable)
from .programs import find_program
from .protocol import Answer, Tensor
from .server import Server

__all__ = [
    "Answer", "Class", "Client", "Prediction", "ProgramNotFound", "ProtocolError", "RequestRefused", "Retries", "Server",
    "ServerFailed", "SwiftNetError", "Tensor", "TimedOut", "Unavailable", "find_program",
]
__version__ = "0.1.0"
