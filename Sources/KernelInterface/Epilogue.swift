// SPDX-License-Identifier: MIT

/// What becomes of a kernel's sums before they are written: output[r, c] = activation(sums[r, c] + bias[c] + residual[r, c]).
public struct Epilogue {
    /// A value for each column (an output channel); nil for none.
    public var bias: Input?
    /// A value for each of the output's, in places like the output's unless a call gives it strides of its own; nil for none. It may be the
    /// output itself.
    public var residual: Input?
    /// The function of the sum.
    public var activation: Activation

    /// Describes an epilogue.
    @inlinable
    public init(bias: Input? = nil, residual: Input? = nil, activation: Activation = .none) {
        self.bias = bias
        self.residual = residual
        self.activation = activation
    }
}
