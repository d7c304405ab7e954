// SPDX-License-Identifier: MIT

/// How much a client may send. Each limit is checked before memory is taken for what it bounds.
package struct HTTPLimits: Equatable, Sendable {
    /// The longest request line, without its line end. Longer: 414.
    package var maxRequestLineBytes = 8 << 10
    /// The largest header block, field lines with their line ends. Larger: 431.
    package var maxHeaderBytes = 16 << 10
    /// The most header fields. More: 431.
    package var maxHeaderFields = 100
    /// The largest body after the chunks are joined. Larger: 413.
    package var maxBodyBytes = 16 << 20
    /// The most chunks of one body. More: 400.
    package var maxChunks = 65_536
    /// The longest line that announces a chunk, extensions included. Longer: 400.
    package var maxChunkLineBytes = 256
    /// The largest trailer section of a chunked body. Larger: 431.
    package var maxTrailerBytes = 4 << 10

    /// The limits above.
    package init() {}
}
