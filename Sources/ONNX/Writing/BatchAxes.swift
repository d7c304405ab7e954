// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// Where the batch stands in the values of a graph that was made for a batch of one, so that its file can leave the batch free.
///
/// A value without a place does not depend on the batch: weights, and what is made of them.
struct BatchAxes {
    /// A place of the batch.
    struct Place: Equatable {
        /// The axis.
        var axis: Int
        /// Rows along the axis that each image of the batch has.
        var rows = 1
    }

    private var places: [Graph.ValueID: Place] = [:]

    /// Follows the batch from the inputs, where it is the first axis.
    ///
    /// - Returns: Nil where an input is made for more than one image, or an operator would mix the images of a batch.
    init?(_ graph: Graph) {
        for input in graph.inputs {
            let shape = graph.fact(input).shape
            guard shape.rank > 0, shape[0] == 1 else { return nil }
            places[input] = Place(axis: 0)
        }
        for node in graph.nodes {
            let inputs = node.inputs.map { (shape: graph.fact($0).shape, place: places[$0]) }
            guard inputs.contains(where: { $0.place != nil }) else { continue }
            let shape = graph.fact(node.outputs[0]).shape
            guard let place = Self.place(node.op, inputs, shape) else { return nil }
            for output in node.outputs { places[output] = place }
        }
    }

    /// The batch's place in a value, if it depends on it.
    subscript(id: Graph.ValueID) -> Place? { places[id] }

    private typealias Input = (shape: Shape, place: Place?)

    /// The batch's place in what a node writes.
    private static func place(_ op: any Operator, _ inputs: [Input], _ output: Shape) -> Place? {
        switch op {
        case is Binary: return broadcastPlace(inputs, output.rank)
        case is MatMul: return matMulPlace(inputs, output.rank)
        case let concat as Concat:
            guard let first = inputs[0].place, first.axis != concat.axis else { return nil }
            return inputs.allSatisfy { $0.place == first } ? first : nil
        default: break
        }
        // Weights, bounds and scales are of no image.
        guard let place = inputs[0].place, inputs.dropFirst().allSatisfy({ $0.place == nil }) else { return nil }
        switch op {
        case is Convolution, is BatchNormalization, is Pool, is AdaptivePool: return place.axis == 0 ? place : nil
        case is Linear: return place.axis < inputs[0].shape.rank - 1 ? place : nil
        case is Unary: return place
        case let quantize as QuantizeLinear: return quantizationPlace(quantize.quantization, inputs)
        case let dequantize as DequantizeLinear: return quantizationPlace(dequantize.quantization, inputs)
        case is Reshape: return reshapedPlace(place, inputs[0].shape, output)
        case let transpose as Transpose:
            return transpose.permutation.firstIndex(of: place.axis).map { Place(axis: $0, rows: place.rows) }
        case let softmax as Softmax: return softmax.axis != place.axis ? place : nil
        case let norm as LayerNormalization: return place.axis < norm.axis ? place : nil
        case let split as Split: return split.axis != place.axis ? place : nil
        case let reduce as Reduce:
            guard !reduce.axes.contains(place.axis) else { return nil }
            let gone = reduce.keepDimensions ? 0 : reduce.axes.count { $0 < place.axis }
            return Place(axis: place.axis - gone, rows: place.rows)
        default: return nil
        }
    }

    /// Values that are broadcast to one shape: the batch stands at the same axis from the end in all that have it, and the others
    /// have one number there for all images.
    private static func broadcastPlace(_ inputs: [Input], _ rank: Int) -> Place? {
        var result: Place?
        for case (let shape, let place?) in inputs {
            let moved = Place(axis: place.axis + rank - shape.rank, rows: place.rows)
            guard result == nil || result == moved else { return nil }
            result = moved
        }
        guard let result else { return nil }
        for (shape, place) in inputs where place == nil {
            let axis = result.axis - (rank - shape.rank)
            guard axis < 0 || shape[axis] == 1 else { return nil }
        }
        return result
    }

    private static func matMulPlace(_ inputs: [Input], _ rank: Int) -> Place? {
        let (left, right) = (inputs[0], inputs[1])
        guard left.shape.rank > 1, right.shape.rank > 1 else { return nil }
        // The rows of the left and the columns of the right are no matter of the other; what is summed over can't be the batch.
        if let place = left.place, right.place == nil, place.axis == left.shape.rank - 2 {
            return Place(axis: rank - 2, rows: place.rows)
        }
        if let place = right.place, left.place == nil, place.axis == right.shape.rank - 1 {
            return Place(axis: rank - 1, rows: place.rows)
        }
        guard let place = broadcastPlace(inputs, rank), place.axis < rank - 2 else { return nil }
        return place
    }

    private static func quantizationPlace(_ quantization: Quantization, _ inputs: [Input]) -> Place? {
        let isOneScale = inputs[1].shape.elementCount == 1 && inputs[1].shape.rank <= 1
        return isOneScale || quantization.blockSize == 0 && quantization.axis != inputs[0].place?.axis
            ? inputs[0].place : nil
    }

    /// The elements stay in sequence: the batch goes to an axis before which as many of them are counted.
    private static func reshapedPlace(_ place: Place, _ old: Shape, _ new: Shape) -> Place? {
        guard old.elementCount > 0, old[place.axis] == place.rows else { return nil }
        let outer = old.dimensions[..<place.axis].reduce(1, *)
        let axis = (0..<new.rank).first { new.dimensions[..<$0].reduce(1, *) == outer }
        // What an image has along the axis and within it must not be cut otherwise for a larger batch.
        return axis.map { Place(axis: $0, rows: new[$0]) }
    }
}
