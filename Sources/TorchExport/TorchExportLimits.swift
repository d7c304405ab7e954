// SPDX-License-Identifier: MIT

/// What a program may cost to read. Each limit is checked before the memory or the time is spent.
public struct TorchExportLimits: Sendable, Equatable {
    /// Bytes of the program's text.
    public var maxProgramBytes = 256 << 20
    /// Nodes, arguments, names and numbers of the program, all together. The largest vision networks have 100,000.
    public var maxItems = 4_000_000
    /// Nodes, those of graphs within the graph included.
    public var maxNodes = 100_000
    /// Bytes of one name.
    public var maxNameBytes = 4096
    /// Dimensions of one tensor.
    public var maxRank = 16
    /// Elements of one value.
    public var maxElements = 1 << 31
    /// Values that one node gives: the parts of a split.
    public var maxResults = 65_536
    /// Bytes that folding of constants may give, all together.
    public var maxFoldedBytes = 4 << 30
    /// Steps that the folding of constants may take, all together.
    public var maxFoldedWork = 1 << 36

    /// The defaults.
    public init() {}
}
