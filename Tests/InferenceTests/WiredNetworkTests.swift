// SPDX-License-Identifier: MIT

import Images
import Inference
import Layers
import Tensors
import TestSupport
import Testing

/// The mean of each channel, and a linear layer.
private struct Means: Network {
    let fc: Linear

    init(_ weights: StateDict) throws { fc = try Linear(3, 2, weights: weights["fc"]) }

    /// The second class is of pictures that are red rather than blue.
    init() throws {
        try self.init(
            StateDict([
                ("fc.weight", Tensor([0, 0, 0, 4, 0, -4], shape: [2, 3])), ("fc.bias", Tensor([0, 0], shape: [2])),
            ]))
    }

    func forward(_ input: Value) -> Value { fc(Flatten()(AdaptiveAvgPool2d(1)(input))) }
}

@Suite("networks that a program wires itself")
struct WiredNetworkTests {
    private func picture(red: UInt8, blue: UInt8) throws -> [UInt8] {
        let pixels = (0..<(8 * 8)).flatMap { _ in [red, UInt8(9), blue] }
        return try ImageEncoder.png(Image(width: 8, height: 8, format: .rgb8, pixels: pixels))
    }

    private func model(_ labels: [String] = ["blue", "red"]) throws -> LoadedModel {
        try LoadedModel(Means(), preprocessor: .photo(width: 4, height: 6), labels: labels)
    }

    @Test("they answer images with predictions")
    func predicts() throws {
        let predictor = try Predictor(model())
        #expect(try predictor.predict(picture(red: 200, blue: 10)).label == "red")
        let blue = try predictor.predict(picture(red: 10, blue: 200))
        #expect(blue.label == "blue" && blue.model == "network")
        #expect(abs(blue.scores.reduce(0, +) - 1) < 1e-6)
    }

    @Test("they answer the image in a file, which may be too long or missing")
    func predictsFiles() throws {
        let folder = try TemporaryFolder()
        let red = try picture(red: 200, blue: 10)
        let file = try folder.write(red, to: "red.png")
        #expect(try Predictor(model()).predict(contentsOf: file) == Predictor(model()).predict(red))
        #expect(throws: ImageError.self) {
            try Predictor(model(), limits: ImageLimits(maxBytes: 20)).predict(contentsOf: file)
        }
        #expect(try Predictor(model(), limits: ImageLimits(maxBytes: .max)).predict(contentsOf: file).label == "red")
        #expect {
            try Predictor(model()).predict(contentsOf: file + ".none")
        } throws: {
            "\($0)".contains("red.png.none")
        }
    }

    @Test("the preprocessor alone gives the network's input, channels first")
    func tensors() throws {
        let input = try Preprocessor.photo(width: 4, height: 6).tensor(of: picture(red: 255, blue: 0))
        #expect(input.shape == [1, 3, 6, 4])
        let expected = [(1 - 0.485) / 0.229, (9 / 255 - 0.456) / 0.224, (0 - 0.406) / 0.225]
        for (index, value) in input.floats().enumerated() {
            #expect(abs(Double(value) - expected[index / 24]) < 1e-6, "value \(index)")
        }
    }

    @Test("labels are counted")
    func countsLabels() throws {
        #expect(throws: InferenceError.wrongClassCount(path: "network", labels: 3, classes: 2)) {
            try model(["a", "b", "c"])
        }
    }

    @Test("inputs that contradict themselves are refused")
    func refusesInputs() {
        #expect(throws: InferenceError.self) { try Preprocessor.photo(width: 0, height: 6) }
        #expect(throws: InferenceError.self) { try Preprocessor.photo(width: 4, height: 6, std: [1, 0, 1]) }
        #expect(throws: InferenceError.self) { try Preprocessor.photo(width: 4, height: 6, mean: [0, 0]) }
        #expect(throws: InferenceError.self) { try Preprocessor.digit(std: -1) }
    }

    @Test("no other process can make their plan, and that is said")
    func staysInItsProcess() throws {
        let model = try model()
        #expect(throws: InferenceError.wiredByProgram(model: "network")) { try PreparedModels.layout(of: [model]) }
        #expect(throws: InferenceError.wiredByProgram(model: "network")) { try model.readGraph() }
    }
}
