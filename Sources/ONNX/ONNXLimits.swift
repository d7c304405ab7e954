// SPDX-License-Identifier: MIT

/// What a file may cost to read. Each limit is checked before the memory or the time is spent.
public struct ONNXLimits: Sendable, Equatable {
    /// Nodes, attributes, names, tensors, and numbers in attributes, all together. The largest vision networks have 50,000.
    public var maxItems = 1_000_000
    /// Nodes of a graph, those of graphs within it and of functions included.
    public var maxNodes = 100_000
    /// Bytes of one name.
    public var maxNameBytes = 4096
    /// Dimensions of one tensor.
    public var maxRank = 16
    /// Elements of one value.
    public var maxElements = 1 << 31
    /// Bytes of typed fields that must be unpacked, all together; raw and external data stay where they are.
    public var maxUnpackedBytes = 4 << 30
    /// Bytes that folding of constants may give, all together.
    public var maxFoldedBytes = 4 << 30
    /// Steps that the folding of constants may take, all together.
    public var maxFoldedWork = 1 << 36
    /// Graphs within graphs, and functions within functions.
    public var maxDepth = 16
    /// Bytes of the metadata that are kept.
    public var maxMetadataBytes = 16 << 20

    /// The defaults.
    public init() {}
}
