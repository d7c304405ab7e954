// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

/// activation(a + b), both of the same shape: a residual addition that no product before it could do.
struct FusedAdd: Operator {
    var activation = Activation.none

    var name: String { "Add" }
    var attributes: [(name: String, value: String)] { activation == .none ? [] : [("fused", "\(activation)")] }

    func outputs(for inputs: [Fact]) throws -> [Fact] {
        guard inputs.count == 2, inputs[0].shape == inputs[1].shape else {
            throw GraphError.invalidInput(operator: name, reason: "takes two values of one shape")
        }
        return [Fact(inputs[0].elementType, inputs[0].shape)]
    }

    func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let sum = try Binary(.add).evaluate(inputs)
        return try activation.function.map { try Unary($0).evaluate(sum) } ?? sum
    }
}

/// activation(x normalised): a batch norm that follows no convolution. Inputs as `BatchNormalization`'s.
struct FusedBatchNormalization: Operator {
    var normalization: BatchNormalization
    var activation = Activation.none

    var name: String { "BatchNormalization" }
    var attributes: [(name: String, value: String)] {
        normalization.attributes + (activation == .none ? [] : [("fused", "\(activation)")])
    }

    func outputs(for inputs: [Fact]) throws -> [Fact] { try normalization.outputs(for: inputs) }

    func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let result = try normalization.evaluate(inputs)
        return try activation.function.map { try Unary($0).evaluate(result) } ?? result
    }
}

/// The mean of an image's pixels from the sums of its rows.
///
/// Shape: [N, H, C] → [N, C, 1, 1].
struct MeanOfRowSums: Operator {
    /// Pixels of the image.
    var pixels: Int

    var name: String { "MeanOfRowSums" }

    func outputs(for inputs: [Fact]) throws -> [Fact] {
        guard inputs.count == 1, inputs[0].shape.rank == 3 else {
            throw GraphError.invalidInput(operator: name, reason: "takes sums [N, H, C]")
        }
        return [Fact(inputs[0].elementType, [inputs[0].shape[0], inputs[0].shape[2], 1, 1])]
    }

    func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let sum = try Reduce(.sum, axes: [1], keepDimensions: false).evaluate(inputs)[0]
        let mean = try Binary(.mul).evaluate([sum, Tensor([1 / Float(pixels)], shape: [1])])[0]
        return [try mean.reshaped(to: Shape(mean.shape.dimensions + [1, 1]))]
    }
}

/// The same value with its axes in another order in memory: where an operator needs one.
struct Reorder: Operator {
    var order: AxisOrder

    var name: String { "Reorder" }
    var attributes: [(name: String, value: String)] { [("order", "\(order)")] }

    func outputs(for inputs: [Fact]) throws -> [Fact] {
        guard inputs.count == 1, inputs[0].shape.rank == order.rank else {
            throw GraphError.invalidInput(operator: name, reason: "takes a value of \(order.rank) dimensions")
        }
        return [Fact(inputs[0].elementType, inputs[0].shape)]
    }

    func evaluate(_ inputs: [Tensor]) throws -> [Tensor] { inputs }
}
