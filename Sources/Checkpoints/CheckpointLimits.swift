// SPDX-License-Identifier: MIT

/// What a checkpoint may cost to read. Each limit is checked before the memory or the time is spent.
///
/// The defaults let through every checkpoint that training code writes today; an EfficientNet-B0 with its optimizer takes
/// 25,000 opcodes, 7,800 memo slots and a depth below 20.
public struct CheckpointLimits: Sendable, Equatable {
    /// Bytes of the input file.
    public var maxFileBytes = 1 << 40
    /// Entries of a zip or tar archive.
    public var maxArchiveEntries = 1_000_000
    /// Bytes of one entry's name.
    public var maxNameBytes = 4096
    /// Bytes that a compressed tar may unpack to.
    public var maxUnpackedBytes = 64 << 30
    /// Unpacked bytes for each compressed byte, beyond the first 64 MiB.
    public var maxCompressionRatio = 200
    /// Bytes of one pickle.
    public var maxPickleBytes = 512 << 20
    /// Instructions of one pickle.
    public var maxOpcodes = 10_000_000
    /// Values on a pickle's stack.
    public var maxStack = 1_000_000
    /// Slots of a pickle's memo.
    public var maxMemo = 4_000_000
    /// Containers within containers that a walk enters.
    public var maxDepth = 100
    /// Tensors of one file.
    public var maxTensors = 1_000_000
    /// Dimensions of one tensor.
    public var maxRank = 64
    /// Bytes that views may add to those of the file: tensors that are strided, expanded or byte-swapped, or that overlap.
    public var maxViewBytes = 8 << 30
    /// Bytes of a safetensors header.
    public var maxHeaderBytes = 100_000_000

    /// The defaults.
    public init() {}
}
