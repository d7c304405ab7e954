// SPDX-License-Identifier: MIT

import Checkpoints
import Inference
import Layers
import Models
import Tensors
import TestSupport
import Testing

/// What the library's first page, the article "How a run works" and Documentation/Models.md show, word for word: `Tools/check-docs code` compares.
@Suite("the code of the articles")
struct ArticleTests {
    @Test("a picture is answered in three lines")
    func answers() throws {
        let picture = packageFolder + "/Examples/digit.png"
        let model = try LoadedModel("mnist", in: .standard())
        let prediction = try Predictor(model).predict(contentsOf: picture)
        print(prediction.label, prediction.confidence)
        #expect(prediction.label == "7")
    }

    @Test("a network is planned once and run on batches, whose answers don't depend on each other")
    func run() throws {
        let path = packageFolder + "/Weights/mnist/1/model.pth"
        let weights = try Checkpoint.open(path: path).stateDict
        let plan = try Plan(MNISTNet(weights), input: [1, 28, 28])
        for step in plan.summaries { print(step.name, step.operation, step.algorithm, step.multiplyAdds) }
        #expect(plan.summaries.first?.operation == "conv2d 3x3 + relu")
        #expect(plan.summaries.map(\.multiplyAdds).reduce(0, +) == plan.multiplyAdds)

        var generator = SeededGenerator(seed: 21)
        let pixels = (0..<(16 * 784)).map { _ in Float.random(in: -0.4...2.8, using: &generator) }
        let session = try Session(plan, threads: 2)
        let logits = try session.run(Tensor(pixels, shape: [16, 1, 28, 28]))
        let first = plan.probabilities(ofLogits: Array(logits.floats().prefix(10)))
        #expect(logits.shape == [16, 10])
        #expect(abs(first.reduce(0, +) - 1) < 1e-6)

        let alone = try Session(plan).run(Tensor(Array(pixels.prefix(784)), shape: [1, 1, 28, 28]))
        #expect(alone.floats() == Array(logits.floats().prefix(10)))
    }

    @Test("a network of two inputs answers tensors by their names")
    func tensors() throws {
        let folder = try TemporaryFolder()
        var file = ModelBuilder()
        file.input("left", ["n", 3, 8, 8])
        file.input("right", ["n", 3])
        file.node("GlobalAveragePool", ["left"], ["pooled"])
        file.node("Flatten", ["pooled"], ["means"])
        file.node("Sub", ["means", "right"], ["difference"])
        file.output("difference")
        let path = try folder.write(file.bytes, to: "pair.onnx")
        let images = Tensor([Float](repeating: 2, count: 384), shape: [2, 3, 8, 8])
        let numbers = Tensor([0, 1, 2, 3, 4, 5], shape: [2, 3])
        let model = try LoadedModel(weights: path, name: "pair")
        let answers = try Predictor(model).outputs(of: ["left": images, "right": numbers])
        for (name, tensor) in answers { print(name, tensor.shape) }
        #expect(answers.map(\.name) == ["difference"] && answers.map(\.tensor.shape) == [[2, 3]])
        #expect(answers[0].tensor.floats() == [2, 1, 0, -1, -2, -3])
    }

    @Test("a plan for another size shares what the first one packed")
    func anotherSize() throws {
        let network = try AnySize()
        let smaller = try Plan(network, input: [1, 32, 32])
        let larger = try Plan(network, input: [1, 64, 48], sharing: smaller)
        #expect(larger.weights.bytes.count < smaller.weights.bytes.count)
        let answer = try Session(larger).run(Tensor([Float](repeating: 1, count: 64 * 48), shape: [1, 1, 64, 48]))
        #expect(answer.shape == [1, 8])
    }
}

/// A convolution and the mean of each channel: for pictures of any size.
private struct AnySize: Network {
    let conv: Conv2d

    init() throws {
        let filters = (0..<72).map { Float($0 % 7) - 3 }
        conv = try Conv2d(
            1, 8, kernelSize: 3, padding: 1,
            weights: StateDict([
                ("weight", Tensor(filters, shape: [8, 1, 3, 3])),
                ("bias", Tensor([Float](repeating: 0, count: 8), shape: [8])),
            ]))
    }

    func forward(_ input: Value) -> Value { Flatten()(AdaptiveAvgPool2d(1)(ReLU()(conv(input)))) }
}
