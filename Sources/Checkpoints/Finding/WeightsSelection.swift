// SPDX-License-Identifier: MIT

/// Which part of a file is wanted, and under which names.
public struct WeightsSelection: Sendable, Equatable {
    /// The place of the weights, keys joined by dots: `ema.state_dict`. Found by itself where nil.
    public var key: String?
    /// The member of a tar that holds the checkpoint. Found by itself where nil.
    public var member: String?
    /// Leaves prefixes such as `module.` on the names.
    public var keepsPrefixes = false
    /// Turns quantised tensors into 32-bit floating-point numbers; they are left out otherwise.
    public var dequantises = false
    /// A file without weights is no error.
    var allowsNothing = false

    /// Finds the weights by itself, and removes prefixes.
    public init(key: String? = nil, member: String? = nil, keepsPrefixes: Bool = false, dequantises: Bool = false) {
        self.key = key
        self.member = member
        self.keepsPrefixes = keepsPrefixes
        self.dequantises = dequantises
    }
}
