// SPDX-License-Identifier: MIT

import Tensors

/// One kind of work on values: what it takes, what it gives, and what the result is.
///
/// An operator is a value type whose properties are its attributes. It knows nothing of speed: passes and lowering decide
/// how it is done.
public protocol Operator: Sendable {
    /// The field's name, as ONNX has it where it has one: "Conv", "LayerNormalization".
    var name: String { get }

    /// The attributes by name, for people who read a graph.
    var attributes: [(name: String, value: String)] { get }

    /// What the outputs are, given the inputs.
    ///
    /// Optional inputs stand at the end, and are left out where they are absent.
    ///
    /// - Throws: `GraphError.invalidInput` if the inputs do not fit the operator.
    func outputs(for inputs: [Fact]) throws -> [Fact]

    /// The outputs' numbers, computed slowly and obviously, sums in Double: the reference that kernels are tested against,
    /// what folds constants, and what runs where no kernel does the work.
    ///
    /// - Parameter inputs: Tensors of the facts that `outputs(for:)` accepted, row-major.
    /// - Throws: `GraphError.invalidInput` if the numbers do not fit: an index beyond its axis, for example.
    func evaluate(_ inputs: [Tensor]) throws -> [Tensor]
}

extension Operator {
    /// No attributes.
    public var attributes: [(name: String, value: String)] { [] }
}
