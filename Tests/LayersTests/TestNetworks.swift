// SPDX-License-Identifier: MIT

import Layers
import Tensors
import TestSupport

/// Random weights for the layers that tests wire, by name.
struct RandomWeights {
    private var entries: [(name: String, tensor: Tensor)] = []
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
    }

    private mutating func add(_ name: String, _ shape: Shape, _ change: (Float) -> Float = { $0 }) {
        let values = randomFloats(shape.elementCount, seed: seed &* 1000 &+ UInt64(entries.count))
        entries.append((name, Tensor(values.map(change), shape: shape)))
    }

    mutating func convolution(_ name: String, _ shape: Shape, bias: Bool = true) {
        add("\(name).weight", shape)
        if bias { add("\(name).bias", [shape[0]]) }
    }

    mutating func batchNorm(_ name: String, _ channels: Int) {
        add("\(name).weight", [channels]) { $0 + 1.5 }
        add("\(name).bias", [channels])
        add("\(name).running_mean", [channels])
        add("\(name).running_var", [channels]) { abs($0) + 0.1 }
    }

    func stateDict() throws -> StateDict { try StateDict(entries) }
}

/// relu(bn(conv(relu(bn(conv(x))))) + x), the block of a ResNet.
struct ResidualBlock: Network {
    let conv1: Conv2d
    let conv2: Conv2d
    let norm1: BatchNorm2d
    let norm2: BatchNorm2d
    /// Reads every value twice, so that nothing can be fused.
    let isSpoiled: Bool

    init(seed: UInt64, isSpoiled: Bool = false) throws {
        var random = RandomWeights(seed: seed)
        for name in ["1", "2"] {
            random.convolution("conv" + name, [6, 6, 3, 3])
            random.batchNorm("norm" + name, 6)
        }
        let weights = try random.stateDict()
        conv1 = try Conv2d(6, 6, kernelSize: 3, padding: 1, weights: weights["conv1"])
        conv2 = try Conv2d(6, 6, kernelSize: 3, padding: 1, weights: weights["conv2"])
        norm1 = try BatchNorm2d(6, weights: weights["norm1"])
        norm2 = try BatchNorm2d(6, weights: weights["norm2"])
        self.isSpoiled = isSpoiled
    }

    func forward(_ input: Value) -> Value {
        let hidden = step(ReLU(), step(norm1, step(conv1, input)))
        return ReLU()(step(norm2, step(conv2, hidden)) + input)
    }

    private func step(_ layer: some Layer, _ value: Value) -> Value {
        let result = layer(value)
        if isSpoiled { _ = Sigmoid()(result) }
        return result
    }
}

/// conv(x) + relu(conv(x)).
struct SharedConvolution: Network {
    let conv: Conv2d

    init(seed: UInt64) throws {
        var random = RandomWeights(seed: seed)
        random.convolution("conv", [4, 4, 1, 1])
        conv = try Conv2d(4, 4, kernelSize: 1, weights: try random.stateDict()["conv"])
    }

    func forward(_ input: Value) -> Value {
        let x = conv(input)
        return x + ReLU()(x)
    }
}

/// A little of everything: strided, depthwise and pointwise convolutions, squeeze-and-excitation, a flattened image.
struct Classifier: Network {
    let stem: Conv2d
    let depthwise: Conv2d
    let reduce: Conv2d
    let expand: Conv2d
    let project: Conv2d
    let fc1: Linear
    let fc2: Linear

    init(seed: UInt64) throws {
        var random = RandomWeights(seed: seed)
        random.convolution("stem", [20, 3, 3, 3])
        random.convolution("depthwise", [20, 1, 5, 5])
        random.convolution("reduce", [3, 20, 1, 1])
        random.convolution("expand", [20, 3, 1, 1])
        random.convolution("project", [20, 20, 1, 1])
        random.convolution("fc1", [19, 20 * 3 * 3])
        random.convolution("fc2", [5, 19])
        try self.init(weights: random.stateDict())
    }

    init(weights: StateDict) throws {
        stem = try Conv2d(3, 20, kernelSize: 3, stride: 2, padding: .same, weights: weights["stem"])
        depthwise = try Conv2d(20, 20, kernelSize: 5, padding: 2, groups: 20, weights: weights["depthwise"])
        reduce = try Conv2d(20, 3, kernelSize: 1, weights: weights["reduce"])
        expand = try Conv2d(3, 20, kernelSize: 1, weights: weights["expand"])
        project = try Conv2d(20, 20, kernelSize: 1, weights: weights["project"])
        fc1 = try Linear(20 * 3 * 3, 19, weights: weights["fc1"])
        fc2 = try Linear(19, 5, weights: weights["fc2"])
    }

    func forward(_ input: Value) -> Value {
        let x = SiLU()(stem(input))
        var y = SiLU()(depthwise(x))
        y = y * Sigmoid()(expand(SiLU()(reduce(AdaptiveAvgPool2d(1)(y)))))
        y = project(y) + x
        y = MaxPool2d(2)(y)
        return fc2(ReLU()(fc1(Flatten()(y))))
    }
}
