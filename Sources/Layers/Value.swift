// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// What flows between layers while a network is wired: it has a shape, but no numbers.
///
/// `Network.forward` is called once, when a `Plan` is made; the values record what it does. The plan then runs on numbers
/// as often as one likes. A mistake in the wiring is kept and thrown by `Plan.init`; what is wired behind it counts no more.
public struct Value {
    let wiring: Wiring
    let id: Graph.ValueID

    /// Sizes without the batch: `[C, H, W]` for images, `[features]` for vectors.
    public var shape: Shape { Shape(Array(wiring.graph.fact(id).shape.dimensions.dropFirst())) }

    /// Residual addition: element by element.
    ///
    /// Both must have the same shape.
    public static func + (left: Value, right: Value) -> Value {
        guard left.shape == right.shape else {
            return left.fail(
                "add", "adds values of shapes \(left.shape) and \(right.shape): both must have the same shape")
        }
        return left.append(Binary(.add), with: [right], name: "add")
    }

    /// Multiplies every number by the same factor.
    public func scaled(by factor: Float) -> Value {
        append(Binary(.mul), constants: [("factor", Tensor([factor], shape: [1]))], name: "scale")
    }

    /// The channels of this image, then those of another of the same height and width: `torch.cat` along the channels.
    ///
    /// Shape: [C, H, W] and [D, H, W] → [C + D, H, W]; vectors likewise.
    public func concatenated(with other: Value) -> Value { append(Concat(axis: 1), with: [other], name: "cat") }

    /// Scales each channel of an image by one number: the excitation of squeeze-and-excitation.
    ///
    /// `right` must have shape [C, 1, 1] for a left side of [C, H, W].
    public static func * (left: Value, right: Value) -> Value {
        guard left.shape.rank == 3 && right.shape == [left.shape[0], 1, 1] else {
            return left.fail(
                "scale",
                "scales the channels of \(left.shape) by \(right.shape): takes an image [C, H, W] and [C, 1, 1]")
        }
        return left.append(Binary(.mul), with: [right], name: "scale")
    }
}

/// The record of a network's wiring. Lives while a plan is made.
final class Wiring {
    var graph = Graph()
    /// The first mistake.
    private(set) var mistake: WiringError?
    /// For each state dict that layers read, what they read of it.
    private var reads: [ObjectIdentifier: (contents: StateDict.Contents, names: Set<String>)] = [:]

    func keep(_ error: WiringError) {
        if mistake == nil { mistake = error }
    }

    /// Notes that a layer reads a weight.
    func note(_ tensor: Tensor) {
        guard let origin = tensor.origin else { return }
        reads[ObjectIdentifier(origin.contents), default: (origin.contents, [])].names.insert(origin.name)
    }

    /// - Throws: `TensorError.unusedTensors`.
    func checkReads(allowing allowed: UnusedWeights) throws {
        for read in reads.values { try read.contents.check(read: read.names, allowing: allowed) }
    }
}

/// A mistake in a network's wiring: layers that do not fit together.
public struct WiringError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The layer's name in the state dict, or what it does.
    public let layer: String
    /// What it got and what it expected.
    public let reason: String

    /// One line: the layer, what it got, what it expected, and the likely cause.
    public var description: String { "layer '\(layer)' \(reason)" }
}

extension Value {
    /// Keeps a mistake; the value stands for the one that the layer would have given.
    func fail(_ layer: String, _ reason: String) -> Value {
        wiring.keep(WiringError(layer: layer, reason: reason))
        return self
    }

    /// Records an operator whose first input is this value.
    ///
    /// - Parameters:
    ///   - others: Other values that it reads.
    ///   - constants: Weights that it reads after those.
    ///   - constantsFirst: Whether it reads the weights before everything else.
    func append(
        _ op: some Operator, with others: [Value] = [], constants: [(name: String, tensor: Tensor)] = [],
        constantsFirst: Bool = false, name: String
    ) -> Value {
        for other in others where other.wiring !== wiring {
            return fail(name, "reads a value of another network's wiring")
        }
        guard wiring.mistake == nil else { return self }
        for constant in constants { wiring.note(constant.tensor) }
        let weights = constants.map { wiring.graph.addConstant($0.name, $0.tensor) }
        do {
            let values = [id] + others.map(\.id)
            let outputs = try wiring.graph.add(op, constantsFirst ? weights + values : values + weights, name: name)
            return Value(wiring: wiring, id: outputs[0])
        } catch let GraphError.node(_, reason) {
            return fail(name, "does not fit: \(reason)")
        } catch {
            return fail(name, "does not fit: \(error)")
        }
    }
}
