// SPDX-License-Identifier: MIT

/// How much one client may do on one connection of HTTP/2.
package struct HTTP2Limits: Equatable, Sendable {
    /// Requests at a time. More are refused, and after the client has been told, end the connection.
    package var maxConcurrentStreams = 100
    /// Bytes of one body, and of all together, that may come before they are taken up.
    package var streamWindow = 1 << 20
    package var connectionWindow = 4 << 20
    /// Frames that may come without bringing anything; see `FrameBudget`. More end the connection.
    package var maxIdleFrames = 2000

    package init() {}
}
