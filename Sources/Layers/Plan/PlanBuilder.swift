// SPDX-License-Identifier: MIT

import Kernels
import Tensors

/// Turns a graph into steps: first drafts that say what they read and write, then places for the values.
struct PlanBuilder {
    /// A step whose values have no places yet.
    struct Draft {
        var summary: StepSummary
        var reads: [Int]
        var writes: [Int]
        /// Whether it works on vectors, so that a batch is but more rows.
        var isRowwise: Bool
        /// The value that the output may take the place of, if nothing reads that one later.
        var inPlace: Int?
        /// Whether `make` gives a `PixelStep`.
        var writesPixels = false
        /// Whether `make` gives a `GemmStep` that can write some columns alone.
        var isPointwise = false
        var make: (_ slot: (Int) -> Slot) -> any Step
    }

    let graph: Graph
    let result: Int
    let kernels: KernelTable
    private(set) var drafts: [Draft] = []
    var weights = WeightsLayout()
    let order = WeightsOrder()
    /// How the steps want the numbers of an input image. They leave those of a result in the same order.
    var layout = Session.Layout.channelsLast
    /// Floats of each value for one image; the graph's nodes first, then the values that steps need among themselves.
    private var counts: [Int]
    /// Values that are other values under another shape.
    private var aliases: [Int: Int] = [:]
    /// For values whose rows' sums a step writes: the value that holds the sums.
    private var rowSums: [Int: Int] = [:]
    /// For values that stand for others times a factor for each channel: the value that holds the factors.
    private var scales: [Int: Int] = [:]
    let consumers: [[Int]]

    init(graph: Graph, result: Int, kernels: KernelTable) {
        self.graph = graph
        self.result = result
        self.kernels = kernels
        counts = graph.nodes.map(\.shape.elementCount)
        consumers = graph.consumers()
        for group in graph.fused(result: result) { append(group) }
        finishResult()
    }

    func node(_ index: Int) -> Graph.Node { graph.nodes[index] }

    /// The value that really holds a node's numbers.
    func resolved(_ index: Int) -> Int { aliases[index].map(resolved) ?? index }

    /// Number of values' places needed so far.
    var valueCount: Int { counts.count }

    func count(of value: Int) -> Int { counts[value] }

    mutating func newValue(count: Int) -> Int {
        counts.append(count)
        return counts.count - 1
    }

    mutating func append(_ draft: Draft) { drafts.append(draft) }

    /// Takes back the last step.
    mutating func removeLastDraft() -> Draft { drafts.removeLast() }

    private mutating func append(_ group: FusedNode) {
        let node = node(group.root)
        switch node.operation {
        case .input: break
        case .conv2d(let conv): appendConvolution(conv, group)
        case .linear(let linear): appendLinear(linear, group)
        case .batchNorm2d(let norm): appendBatchNorm(norm, group)
        case .maxPool2d, .avgPool2d, .adaptiveAvgPool2d: appendPooling(group)
        case .activation, .add, .scaleChannels, .softmax: appendElementwise(group)
        case .flatten: appendFlatten(group)
        }
    }

    /// The factors that a reader of `value` must multiply its channels by.
    func scale(of value: Int) -> Int? { scales[value] }

    /// Leaves a multiplication of channels to the 1x1 convolution that alone reads it, if that has no more weights than
    /// there are values to multiply.
    ///
    /// - Returns: Whether it did.
    mutating func deferScale(of group: FusedNode, input: Int, factors: Int) -> Bool {
        let shape = node(group.root).shape
        guard group.result != result, group.activation == .none, consumers[group.result].count == 1,
            case .conv2d(let conv) = node(consumers[group.result][0]).operation, conv.groups == 1,
            conv.window.geometry(over: shape).isPointwise, conv.outChannels <= shape[1] * shape[2]
        else { return false }
        aliases[group.result] = input
        scales[group.result] = factors
        return true
    }

    /// Asks the step that writes `value` for the sums of its rows; if a step was asked, returns where they are.
    func rowSums(of value: Int) -> Int? { rowSums[value] }

    /// Notes that a step writes the sums of its output's rows if a global mean is all that is taken of them besides the
    /// use as an image.
    mutating func reserveRowSums(of value: Int, rows: Int, channels: Int) -> Int? {
        let wantsMean = consumers[value].contains { reader in
            if case .adaptiveAvgPool2d = node(reader).operation { return node(reader).shape.elementCount == channels }
            return false
        }
        guard wantsMean else { return nil }
        let sums = newValue(count: rows * channels)
        rowSums[value] = sums
        return sums
    }

    /// A vector in PyTorch's order of channels first. Free if the image is one pixel, or one channel, or if linear layers
    /// alone read it: they reorder their weights.
    private mutating func appendFlatten(_ group: FusedNode) {
        let source = node(group.root).inputs[0]
        let shape = node(source).shape
        let readers = consumers[group.root]
        let linearOnly =
            group.root != result
            && readers.allSatisfy {
                if case .linear = node($0).operation { return true }
                return false
            }
        if shape.isOrderedAlike || linearOnly {
            aliases[group.root] = resolved(source)
        } else {
            appendChannelsFirst(from: resolved(source), shape: shape, to: group.root)
        }
    }

    private mutating func appendChannelsFirst(from source: Int, shape: Shape, to target: Int) {
        let channels = shape[0]
        append(
            Draft(
                summary: summary(
                    target, operation: "channels first", input: shape, output: node(min(target, result)).shape,
                    algorithm: "transpose", reason: "the result is ordered as PyTorch orders it"),
                reads: [source], writes: [target], isRowwise: false, inPlace: nil,
                make: { slot in ChannelsFirstStep(output: slot(target), input: slot(source), channels: channels) }))
    }

    /// Makes the last step write a value of its own in PyTorch's order, where the caller can be given it.
    private mutating func finishResult() {
        let value = resolved(result)
        let shape = node(result).shape
        if shape.rank == 3 && !shape.isOrderedAlike && layout == .channelsLast {
            let ordered = newValue(count: shape.elementCount)
            if let last = drafts.last, last.writesPixels, last.writes == [value], consumers[value].isEmpty {
                append(channelsFirstStrips(removeLastDraft(), shape: shape, to: ordered))
            } else {
                appendChannelsFirst(from: value, shape: shape, to: ordered)
            }
        } else if !drafts.contains(where: { $0.writes.contains(value) }) {
            let copy = newValue(count: counts[value])
            append(
                Draft(
                    summary: summary(
                        result, operation: "copy", input: shape, output: shape, algorithm: "copy",
                        reason: "the network returns its input"),
                    reads: [value], writes: [copy], isRowwise: true, inPlace: nil,
                    make: { slot in ActivationStep(output: slot(copy), input: slot(value), activation: .none) }))
        }
    }

    /// One step of two: what the last one writes is turned while it lies in a cache.
    private func channelsFirstStrips(_ producer: Draft, shape: Shape, to target: Int) -> Draft {
        let hidden = producer.writes[0]
        var draft = producer
        draft.writes = [target]
        draft.writesPixels = false
        draft.isPointwise = false
        draft.summary.operation += "; channels first"
        draft.summary.algorithm += ", transpose"
        draft.make = { slot in
            // The image before it is turned has no place.
            let step = producer.make { $0 == hidden ? Slot(region: .image, offset: 0, count: 0) : slot($0) }
            guard let step = step as? any PixelStep else {
                preconditionFailure("a step of another kind than its draft says")
            }
            return ChannelsFirstStripsStep(
                output: slot(target), producer: step, height: shape[1], width: shape[2], channels: shape[0])
        }
        return draft
    }

    /// The value that the caller is given.
    var finalValue: Int { drafts.last.map { $0.writes[0] } ?? resolved(result) }

    func summary(
        _ index: Int, operation: String, input: Shape, output: Shape, algorithm: String, reason: String,
        multiplyAdds: Int = 0, executedMultiplyAdds: Int? = nil, weightFloats: Int = 0
    ) -> StepSummary {
        StepSummary(
            name: index < graph.nodes.count ? node(index).name : "output", operation: operation, inputShape: input,
            outputShape: output, algorithm: algorithm, reason: reason, multiplyAdds: multiplyAdds,
            executedMultiplyAdds: executedMultiplyAdds ?? multiplyAdds, weightBytes: weightFloats * 4)
    }
}

extension Shape {
    /// Whether channels-first and channels-last are the same order of numbers.
    var isOrderedAlike: Bool { rank != 3 || self[0] == 1 || self[1] * self[2] == 1 }
}

extension FusedNode {
    /// For example "conv2d + batch_norm + add + silu".
    func operation(_ name: String) -> String {
        var parts = [name]
        if batchNorm != nil { parts.append("batch_norm") }
        if residual != nil { parts.append("add") }
        if activation != .none { parts.append("\(activation)") }
        return parts.joined(separator: " + ")
    }
}
