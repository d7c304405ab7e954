// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Runtime
import SystemCalls
import Tensors

/// Why a network can't be quantised.
public enum QuantizationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no convolution or linear layer.
    case nothingToQuantize
    /// Too few images to choose ranges and to measure.
    case tooFewImages(Int)
    /// The bound can't be held with enough layers in integers.
    case boundNotHeld(bound: Double, reached: Double, layersInFloat: Int, layers: Int)

    /// One line: what, where, what was expected.
    public var description: String {
        switch self {
        case .nothingToQuantize:
            return "the network has no convolution or linear layer that could run in 8-bit integers"
        case .tooFewImages(let count):
            return "\(count) images are too few: \(Quantizer.leastImages) or more are needed, some hundreds are better"
        case .boundNotHeld(let bound, let reached, let inFloat, let layers):
            return
                "with \(inFloat) of \(layers) layers in floats still \(reached) % of the answers differ, and the bound is \(bound): "
                + "the network is better left in floats, or calibrated on more images like those it is used on"
        }
    }
}

/// Brings a network in Float32 to 8-bit integers, and measures what that costs.
public struct Quantizer {
    /// What a layer's quantisation brings.
    public struct LayerError: Sendable {
        /// The layer's name.
        public let name: String
        /// Signal to noise of the answers with only this layer and its activation in integers, in decibels.
        public let signalToNoise: Double
        /// Part of the error of all layers, 0 to 1.
        public let share: Double
        /// What of it runs in integers.
        public internal(set) var form = Form.integers
    }

    /// What of a layer runs in integers.
    public enum Form: Sendable {
        /// All of it.
        case integers
        /// The product; what stands behind it, up to the next layer, stays in Float32.
        case product
        /// Nothing: it stays in Float32.
        case floats
    }

    /// The result.
    public struct Result: Sendable {
        /// The network with QuantizeLinear and DequantizeLinear around what runs in integers.
        public let graph: Graph
        /// Each layer, in the network's order.
        public let layers: [LayerError]
        /// Percent of the images held out whose class is another than in Float32.
        public let changedAnswers: Double
        /// Images held out.
        public let imagesMeasured: Int
        /// The classes of these images in Float32.
        public let floatClasses: [Int]
        /// Their classes as quantised.
        public let classes: [Int]
        /// Signal to noise of the answers, in decibels.
        public let signalToNoise: Double
        /// Pairs of layers whose channels were equalised.
        public let equalizedPairs: Int
    }

    /// The fewest images.
    public static let leastImages = 8

    private let network: QuantizableGraph
    private let equalized: QuantizableGraph?
    private let equalizedPairs: Int
    private let calibration: [Tensor]
    private let measured: [Tensor]
    private let threads: Int

    /// Takes a network and images as it takes them: one half to choose ranges by, the other half to measure.
    ///
    /// - Parameters:
    ///   - graph: A network of one input and one output.
    ///   - inputs: Shape: each the plan's input shape.
    /// - Throws: `QuantizationError`, `GraphError`, `TensorError`.
    public init(_ graph: Graph, inputs: [Tensor], threads: Int = 1) throws {
        guard inputs.count >= Self.leastImages else { throw QuantizationError.tooFewImages(inputs.count) }
        let canonical = try graph.canonical()
        network = QuantizableGraph(canonical)
        guard !network.layers.isEmpty else { throw QuantizationError.nothingToQuantize }
        calibration = inputs.indices.filter { $0 % 2 == 0 }.map { inputs[$0] }
        measured = inputs.indices.filter { $0 % 2 == 1 }.map { inputs[$0] }
        self.threads = threads
        let ranges = try Self.channelRanges(network, Array(calibration.prefix(32)), threads)
        let (graph, pairs) = try network.equalized(ranges)
        equalized = pairs > 0 ? QuantizableGraph(graph) : nil
        equalizedPairs = pairs
    }

    /// Quantises.
    ///
    /// - Parameters:
    ///   - bound: Percent of the answers that may change.
    ///   - progress: Is told what is done.
    /// - Throws: `QuantizationError.boundNotHeld`; what planning throws.
    public func quantize(bound: Double, progress: (String) -> Void = { _ in }) throws -> Result {
        let expected = try answers(of: network.graph, measured)
        progress("choosing ranges on \(calibration.count) images")
        var (chosen, pairs) = (network, 0)
        var scales = try self.scales(of: network)
        var graph = try network.quantized(
            layers: Set(network.layers), activations: Set(network.layers), scales: scales)
        if let equalized {
            let others = try self.scales(of: equalized)
            let other = try equalized.quantized(
                layers: Set(equalized.layers), activations: Set(equalized.layers), scales: others)
            let sample = Array(measured.prefix(32))
            let wanted = Array(expected.prefix(32))
            if try noise(of: other, sample, wanted) < noise(of: graph, sample, wanted) {
                (chosen, scales, graph, pairs) = (equalized, others, other, equalizedPairs)
            }
        }
        progress("measuring \(chosen.layers.count) layers")
        var layers = try measured(chosen, scales, expected)
        var touched = 0
        while true {
            let answers = try answers(of: graph, measured)
            let changed = Self.changed(expected, answers)
            if changed <= bound {
                return Result(
                    graph: graph, layers: layers.map(\.error), changedAnswers: changed, imagesMeasured: measured.count,
                    floatClasses: expected.map(Self.best), classes: answers.map(Self.best),
                    signalToNoise: Self.decibels(Self.power(expected), Self.noise(expected, answers)),
                    equalizedPairs: pairs)
            }
            progress("\(changed) % of the answers change with \(touched) layers in floats or with such activations")
            // A few at a time: more than half in floats is no integer network.
            for _ in 0..<max(1, layers.count / 40) {
                let order = layers.indices.filter { layers[$0].error.form != .floats }
                if let worst = order.max(by: { layers[$0].noise < layers[$1].noise }) { layers[worst].relax() }
            }
            touched = layers.count { $0.error.form != .integers }
            guard touched <= layers.count / 2 else {
                throw QuantizationError.boundNotHeld(
                    bound: bound, reached: changed, layersInFloat: layers.count / 2, layers: layers.count)
            }
            func kept(_ forms: [Form]) -> Set<Int> {
                Set(zip(chosen.layers, layers).filter { forms.contains($0.1.error.form) }.map(\.0))
            }
            graph = try chosen.quantized(
                layers: kept([.integers, .product]), activations: kept([.integers]), scales: scales)
        }
    }

    /// A layer, and the noise that it still brings.
    private struct MeasuredLayer {
        var error: LayerError
        /// With the form that it has.
        var noise: Double
        /// With its product only in integers.
        let noiseOfProduct: Double

        /// Leaves more of it in floats: the activation, if much of the noise comes from there, or all.
        mutating func relax() {
            let isActivation = error.form == .integers && noiseOfProduct < noise / 2
            (error.form, noise) = isActivation ? (.product, noiseOfProduct) : (.floats, 0)
        }
    }

    /// What each layer brings by itself.
    private func measured(
        _ network: QuantizableGraph, _ scales: [Graph.ValueID: ActivationScale], _ expected: [[Float]]
    ) throws -> [MeasuredLayer] {
        let sample = Array(measured.prefix(8))
        let wanted = Array(expected.prefix(8))
        let power = Self.power(wanted)
        let noises = try network.layers.map { layer in
            let graphs = try [[layer], []].map {
                try network.quantized(layers: [layer], activations: $0, scales: scales)
            }
            let all = try noise(of: graphs[0], sample, wanted)
            // Without anything behind it, both are the same.
            let isAlone = graphs[0].nodes.count == graphs[1].nodes.count
            return try (all: all, product: isAlone ? all : noise(of: graphs[1], sample, wanted))
        }
        let total = max(noises.reduce(0) { $0 + $1.all }, .leastNormalMagnitude)
        return zip(network.layers, noises).map { layer, noise in
            let error = LayerError(
                name: network.graph.nodes[layer].name, signalToNoise: Self.decibels(power, noise.all),
                share: noise.all / total)
            return MeasuredLayer(error: error, noise: noise.all, noiseOfProduct: noise.product)
        }
    }

    // MARK: Running

    private func scales(of network: QuantizableGraph) throws -> [Graph.ValueID: ActivationScale] {
        let observed = network.observed
        var ranges = [Graph.ValueID: ValueRange](uniqueKeysWithValues: observed.map { ($0, ValueRange()) })
        try observe(network, observed, calibration) { ranges[$0]?.extend($1) }
        try observe(network, observed, calibration) { ranges[$0]?.count($1) }
        return network.scales(ranges)
    }

    private func observe(
        _ network: QuantizableGraph, _ values: [Graph.ValueID], _ images: [Tensor],
        _ take: (Graph.ValueID, [Float]) -> Void
    ) throws {
        try Self.observe(network, values, images, threads, take)
    }

    private static func observe(
        _ network: QuantizableGraph, _ values: [Graph.ValueID], _ images: [Tensor], _ threads: Int,
        _ take: (Graph.ValueID, [Float]) -> Void
    ) throws {
        let inputs = values.filter(network.graph.inputs.contains)
        let written = values.filter { !network.graph.inputs.contains($0) }
        var graph = network.graph
        graph.outputs = written
        let session = try Session(Plan(graph), threads: threads)
        for image in images {
            for input in inputs { take(input, image.floats()) }
            for (value, tensor) in zip(written, try session.run(inputs: [image])) { take(value, tensor.floats()) }
        }
    }

    /// The largest magnitude of each channel of the layers' outputs.
    private static func channelRanges(
        _ network: QuantizableGraph, _ images: [Tensor], _ threads: Int
    ) throws -> [Graph.ValueID: [Float]] {
        let outputs = network.layers.map { network.graph.nodes[$0].outputs[0] }
            .filter { network.graph.fact($0).shape.rank == 4 }
        var result: [Graph.ValueID: [Float]] = [:]
        guard !outputs.isEmpty else { return result }
        try observe(network, outputs, images, threads) { id, values in
            let channels = network.graph.fact(id).shape[1]
            let plane = values.count / max(1, channels)
            var largest = result[id] ?? [Float](repeating: 0, count: channels)
            for channel in 0..<channels {
                for place in (channel * plane)..<((channel + 1) * plane) {
                    largest[channel] = max(largest[channel], abs(values[place]))
                }
            }
            result[id] = largest
        }
        return result
    }

    private func answers(of graph: Graph, _ images: [Tensor]) throws -> [[Float]] {
        let session = try Session(Plan(graph), threads: threads)
        return try images.map { try session.run(inputs: [$0])[0].floats() }
    }

    private func noise(of graph: Graph, _ images: [Tensor], _ expected: [[Float]]) throws -> Double {
        Self.noise(expected, try answers(of: graph, images))
    }

    private static func noise(_ expected: [[Float]], _ actual: [[Float]]) -> Double {
        var sum = 0.0
        for (left, right) in zip(expected, actual) {
            for index in left.indices {
                let difference = Double(left[index] - right[index])
                sum += difference * difference
            }
        }
        return sum
    }

    private static func power(_ answers: [[Float]]) -> Double {
        var sum = 0.0
        for answer in answers {
            for value in answer { sum += Double(value) * Double(value) }
        }
        return sum
    }

    private static func decibels(_ power: Double, _ noise: Double) -> Double {
        noise > 0 ? 10 * MathFunctions.log(power / noise) / MathFunctions.log(10) : .infinity
    }

    private static func best(_ values: [Float]) -> Int { values.indices.max { values[$0] < values[$1] } ?? 0 }

    /// Percent of the answers whose largest number stands elsewhere.
    private static func changed(_ expected: [[Float]], _ actual: [[Float]]) -> Double {
        let count = zip(expected, actual).count { best($0) != best($1) }
        return Double(count * 10000 / max(1, expected.count)) / 100
    }
}
