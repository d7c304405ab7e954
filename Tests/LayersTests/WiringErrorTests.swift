// SPDX-License-Identifier: MIT

import Layers
import Tensors
import TestSupport
import Testing

/// A network that is one closure.
private struct Wired: Network {
    let wiring: @Sendable (Value) -> Value

    func forward(_ input: Value) -> Value { wiring(input) }
}

/// A mistake, and what its message must say.
private struct Mistake: Sendable, CustomTestStringConvertible {
    let name: String
    let words: [String]
    var input: Shape = [3, 8, 8]
    let wire: @Sendable (StateDict) throws -> @Sendable (Value) -> Value

    var testDescription: String { name }

    /// A network of one layer.
    init(
        _ name: String, input: Shape = [3, 8, 8], _ words: String...,
        layer: @escaping @Sendable (StateDict) throws -> any Layer
    ) {
        self.name = name
        self.input = input
        self.words = words
        wire = { weights in
            let layer = try layer(weights)
            return { layer($0) }
        }
    }

    init(
        _ name: String, input: Shape = [3, 8, 8], _ words: String...,
        wire: @escaping @Sendable (StateDict) throws -> @Sendable (Value) -> Value
    ) {
        self.name = name
        self.input = input
        self.words = words
        self.wire = wire
    }
}

@Suite("mistakes in a network's wiring")
struct WiringErrorTests {
    private static func weights() throws -> StateDict {
        var random = RandomWeights(seed: 3)
        random.convolution("conv1", [4, 3, 3, 3])
        random.convolution("conv2", [4, 8, 3, 3])
        random.convolution("fc", [10, 7])
        random.convolution("in_proj", [12, 4])
        random.convolution("out_proj", [4, 4])
        random.batchNorm("bn1", 5)
        // PyTorch's own names for the product before the heads.
        return try StateDict(
            random.stateDict().entries.map { entry in
                (entry.name.hasPrefix("in_proj.") ? "in_proj_" + entry.name.dropFirst(8) : entry.name, entry.tensor)
            })
    }

    private static let mistakes = [
        Mistake("channels of the layer before", "layer 'conv2'", "[8, H, W]", "[4, 6, 6]") { weights in
            let first = try Conv2d(3, 4, kernelSize: 3, weights: weights["conv1"])
            let second = try Conv2d(8, 4, kernelSize: 3, weights: weights["conv2"])
            return { second(first($0)) }
        },
        Mistake("channels of the input", input: [1, 8, 8], "layer 'conv1'", "[3, H, W]", "[1, 8, 8]") { weights in
            try Conv2d(3, 4, kernelSize: 3, weights: weights["conv1"])
        },
        Mistake("channels last", input: [8, 8, 3], "layer 'conv1'", "channels last?") { weights in
            try Conv2d(3, 4, kernelSize: 3, weights: weights["conv1"])
        },
        Mistake("a convolution of what is flat", "layer 'conv1'", "[192]", "flattened before?") { weights in
            let layer = try Conv2d(3, 4, kernelSize: 3, weights: weights["conv1"])
            return { layer(Flatten()($0)) }
        },
        Mistake("a window larger than the image", input: [3, 2, 2], "layer 'conv1'", "does not fit") { weights in
            try Conv2d(3, 4, kernelSize: 3, weights: weights["conv1"])
        },
        Mistake("an empty image", input: [3, 0, 8], "layer 'conv1'", "does not fit") { weights in
            try Conv2d(3, 4, kernelSize: 3, weights: weights["conv1"])
        },
        Mistake("groups that divide nothing", "layer 'conv1'", "groups: 2", "divides both") { weights in
            try Conv2d(3, 4, kernelSize: 3, groups: 2, weights: weights["conv1"])
        },
        Mistake("no groups", "layer 'conv1'", "groups: 0") { weights in
            try Conv2d(3, 4, kernelSize: 3, groups: 0, weights: weights["conv1"])
        },
        Mistake("no channels", "layer 'conv1'", "-3 channels") { weights in
            try Conv2d(-3, 4, kernelSize: 3, weights: weights["conv1"])
        },
        Mistake("a kernel below 0", "layer 'conv1'", "[4, 3, -3, -3]") { weights in
            try Conv2d(3, 4, kernelSize: -3, weights: weights["conv1"])
        },
        Mistake("a stride of 0", "layer 'conv1'", "strides [0, 0]") { weights in
            try Conv2d(3, 4, kernelSize: 3, stride: 0, weights: weights["conv1"])
        },
        Mistake("a stride of 0 with TensorFlow's padding", "layer 'conv1'", "strides [0, 0]") { weights in
            try Conv2d(3, 4, kernelSize: 3, stride: 0, padding: .same, weights: weights["conv1"])
        },
        Mistake("a dilation beyond measure", "layer 'conv1'", "dilations") { weights in
            try Conv2d(
                3, 4, kernelSize: 3, padding: .same, dilation: [.max, .max], weights: weights["conv1"])
        },
        Mistake("channels of a batch norm", "layer 'bn1'", "[5, H, W]", "[4, 6, 6]") { weights in
            let (layer, norm) = (
                try Conv2d(3, 4, kernelSize: 3, weights: weights["conv1"]), try BatchNorm2d(5, weights: weights["bn1"])
            )
            return { norm(layer($0)) }
        },
        Mistake("no channels of a batch norm", "layer 'bn1'", "sizes [-5]") { weights in
            let norm = try BatchNorm2d(-5, weights: weights["bn1"])
            return { norm($0) }
        },
        Mistake("features", "layer 'fc'", "a vector [7]", "[192]") { weights in
            let layer = try Linear(7, 10, weights: weights["fc"])
            return { layer(Flatten()($0)) }
        },
        Mistake("a linear layer of an image", "layer 'fc'", "a vector [7]", "Flatten missing?") { weights in
            try Linear(7, 10, weights: weights["fc"])
        },
        Mistake("features below 0", "layer 'fc'", "sizes [10, -7]") { weights in
            try Linear(-7, 10, weights: weights["fc"])
        },
        Mistake("unequal shapes added", "layer 'add'", "[4, 6, 6]", "[3, 8, 8]", "the same shape") { weights in
            let layer = try Conv2d(3, 4, kernelSize: 3, weights: weights["conv1"])
            return { layer($0) + $0 }
        },
        Mistake("channels scaled by an image", "layer 'scale'", "[C, 1, 1]") { _ in { $0 * $0 } },
        Mistake("a pool larger than the image", "layer 'max_pool2d'", "does not fit") { _ in { MaxPool2d(9)($0) } },
        Mistake("a pool of nothing", "layer 'max_pool2d'", "window [0, 0]") { _ in { MaxPool2d(0)($0) } },
        Mistake("a pool of a vector", "layer 'avg_pool2d'", "[C, H, W]", "[192]") { _ in
            { AvgPool2d(2)(Flatten()($0)) }
        },
        Mistake("a pool into nothing", "layer 'adaptive_avg_pool2d'", "[0, 0]") { _ in { AdaptiveAvgPool2d(0)($0) } },
        Mistake("another number of elements", "layer 'reshape'", "[5, -1]", "192") { _ in { $0.reshaped(5, -1) } },
        Mistake("two open sizes", "layer 'reshape'", "-1") { _ in { $0.reshaped(-1, -1) } },
        Mistake("sizes that can't be counted", "layer 'reshape'", "192") { _ in { $0.reshaped(.max, .max) } },
        Mistake("axes that are not there", "layer 'permute'", "permutation") { _ in { $0.permuted(2, 3, .max) } },
        Mistake("places that are not there", "layer 'narrow'", "2..<4", "axis 0") { _ in
            { $0.narrowed(axis: 0, to: 2..<4) }
        },
        Mistake("groups to shuffle", "layer 'channel_shuffle'", "2 divides") { _ in { ChannelShuffle(2)($0) } },
        Mistake("heads that divide nothing", input: [5, 4], "layer 'out_proj'", "3 heads") { weights in
            try MultiheadAttention(4, heads: 3, weights: weights)
        },
        Mistake("no heads", input: [5, 4], "layer 'out_proj'", "0 heads") { weights in
            try MultiheadAttention(4, heads: 0, weights: weights)
        },
        Mistake("attention of an image", "layer 'out_proj'", "tokens [L, 4]") { weights in
            try MultiheadAttention(4, heads: 2, weights: weights)
        },
    ]

    @Test("are thrown with the layer, what it got and what it takes", arguments: mistakes)
    private func mistakeIsThrown(_ mistake: Mistake) throws {
        let error = #expect(throws: WiringError.self) {
            _ = try Plan(Wired(wiring: mistake.wire(Self.weights())), input: mistake.input, allowUnused: .any)
        }
        for word in mistake.words {
            #expect(error?.description.contains(word) == true, "\(error?.description ?? "nothing")")
        }
    }

    @Test("the first one is told, not what follows from it")
    func firstIsTold() throws {
        let weights = try Self.weights()
        let norm = try BatchNorm2d(5, weights: weights["bn1"])
        let fc = try Linear(7, 10, weights: weights["fc"])
        let error = #expect(throws: WiringError.self) {
            try Plan(Wired { fc(Flatten()(norm($0))) }, input: [3, 8, 8], allowUnused: .any)
        }
        #expect(error?.layer == "bn1")
    }

    @Test("weights of another shape, or that are not there, are told by their names")
    func weightsThatDoNotFit() throws {
        let weights = try Self.weights()
        #expect(
            throws: TensorError.shapeMismatch(name: "conv1.weight", expected: [8, 3, 3, 3], actual: [4, 3, 3, 3])
        ) { try Conv2d(3, 8, kernelSize: 3, weights: weights["conv1"]) }
        let error = #expect(throws: TensorError.self) { try Linear(7, 10, weights: weights["head"]) }
        #expect(error?.description.contains("no tensor 'head.weight'") == true)
    }

    @Test("one size that is left open is worked out")
    func openSize() throws {
        let plan = try Plan(Wired { $0.reshaped(-1, 16) }, input: [3, 8, 8])
        #expect(plan.outputShape == [12, 16])
    }
}
