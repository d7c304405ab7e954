// SPDX-License-Identifier: MIT

import Layers
import Tensors
import TestSupport
import Testing

/// A ResNet in small: blocks of one convolution each, one after the other, and a linear layer.
private struct Blocks: Network {
    let blocks: [Conv2d]
    let fc: Linear
    /// Blocks that `forward` leaves out.
    var skipped = 0

    init(_ count: Int, skipped: Int = 0, _ weights: StateDict) throws {
        blocks = try (0..<count).map {
            try Conv2d(2, 2, kernelSize: 3, padding: 1, weights: weights["layer1"]["\($0)"]["conv1"])
        }
        fc = try Linear(2, 3, weights: weights["fc"])
        self.skipped = skipped
    }

    /// The weights of a network of so many blocks, with what a checkpoint has besides.
    static func weights(_ count: Int, prefix: String = "") throws -> StateDict {
        var random = RandomWeights(seed: 5)
        for block in 0..<count { random.convolution("\(prefix)layer1.\(block).conv1", [2, 2, 3, 3]) }
        random.convolution("\(prefix)fc", [3, 2])
        let counter = try Tensor(
            shape: [], elementType: .int64, storage: TensorStorage(byteCount: 8) { _ in })
        return try StateDict(random.stateDict().entries + [("\(prefix)layer1.0.bn1.num_batches_tracked", counter)])
    }

    func forward(_ input: Value) -> Value {
        var x = input
        for block in blocks.dropLast(skipped) { x = ReLU()(x + block(x)) }
        return fc(Flatten()(AdaptiveAvgPool2d(1)(x)))
    }
}

@Suite("weights that no layer reads")
struct UnusedWeightsTests {
    @Test("weights of a deeper network are refused by name in the wiring of a shallower one")
    func refusesAnotherNetworks() throws {
        let network = try Blocks(2, Blocks.weights(3))
        let names = ["layer1.2.conv1.weight", "layer1.2.conv1.bias"]
        #expect(throws: TensorError.unusedTensors(names: names, of: 8)) { try Plan(network, input: [2, 5, 5]) }
        let message = TensorError.unusedTensors(names: names, of: 8).description
        #expect(message.contains("2 of the 8 weights") && message.contains("'layer1.2.conv1.weight'"))
    }

    @Test("a layer that is made but not wired has read nothing")
    func refusesUnwiredLayers() throws {
        let network = try Blocks(3, skipped: 1, Blocks.weights(3))
        #expect(throws: TensorError.self) { try Plan(network, input: [2, 5, 5]) }
    }

    @Test("another network made of the same dictionary reads for itself only")
    func networksReadForThemselves() throws {
        let weights = try Blocks.weights(3)
        _ = try Plan(Blocks(3, weights), input: [2, 5, 5])
        #expect(throws: TensorError.self) { try Plan(Blocks(2, weights), input: [2, 5, 5]) }
    }

    @Test("all names count below a prefix, and counters do not")
    func prefixes() throws {
        let weights = try Blocks.weights(2, prefix: "module.")
        _ = try Plan(Blocks(2, weights["module"]), input: [2, 5, 5])
        #expect(
            throws: TensorError.unusedTensors(
                names: ["module.layer1.1.conv1.weight", "module.layer1.1.conv1.bias"], of: 6)
        ) {
            try Plan(Blocks(1, weights["module"]), input: [2, 5, 5])
        }
    }

    @Test(
        "what the caller allows may be left",
        arguments: [
            UnusedWeights.any, ["layer1.2"], ["layer1.2.conv1.weight", "layer1.2.conv1.bias"], ["layer1"],
        ])
    func allowed(_ allowed: UnusedWeights) throws {
        _ = try Plan(Blocks(2, Blocks.weights(3)), input: [2, 5, 5], allowUnused: allowed)
    }

    @Test(
        "what is allowed is a name or a prefix up to a dot", arguments: [["layer1.2.conv1.weight"], ["layer1.2.con"]])
    func notAllowed(_ allowed: [String]) throws {
        #expect(throws: TensorError.self) {
            try Plan(Blocks(2, Blocks.weights(3)), input: [2, 5, 5], allowUnused: .named(allowed))
        }
    }
}
