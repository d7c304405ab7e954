// SPDX-License-Identifier: MIT

import SwiftNet

/// A network of a user's own: a convolution, a mean, a linear layer.
struct Net: Network {
    let conv: Conv2d
    let fc: Linear

    init(_ weights: StateDict) throws {
        conv = try Conv2d(1, 2, kernelSize: 3, weights: weights["conv"])
        fc = try Linear(2, 2, weights: weights["fc"])
    }

    func forward(_ x: Value) -> Value {
        fc(Flatten()(AdaptiveAvgPool2d(1)(ReLU()(conv(x)))))
    }
}

@main
enum Consumer {
    static func main() throws {
        // The first filter adds nine pixels up, the second takes the middle one with the other sign: ReLU makes it 0.
        let filters: [Float] = Array(repeating: 1, count: 9) + [0, 0, 0, 0, -1, 0, 0, 0, 0]
        let weights = try StateDict([
            ("conv.weight", Tensor(filters, shape: [2, 1, 3, 3])), ("conv.bias", Tensor([0, 0], shape: [2])),
            ("fc.weight", Tensor([1, 5, 2, 7], shape: [2, 2])), ("fc.bias", Tensor([0.5, -1], shape: [2])),
        ])
        let session = try Session(Plan(Net(weights), input: [1, 4, 4]))
        let answer = try session.run(Tensor((0..<16).map(Float.init), shape: [1, 1, 4, 4])).floats()
        // Sums of the four windows: 45, 54, 81, 90; their mean is 67.5.
        guard answer == [68, 134] else { fatalError("the network answered \(answer), expected [68, 134]") }

        // The same network behind a predictor, which takes image files: here a picture of the same values, each divided by 255.
        let picture = try Image(width: 4, height: 4, format: .gray8, pixels: (0..<16).map(UInt8.init))
        let model = try LoadedModel(
            Net(weights), preprocessor: .photo(width: 4, height: 4, mean: [0], std: [1]), labels: ["low", "high"])
        let prediction = try Predictor(model).predict(ImageEncoder.png(picture))
        guard prediction.label == "low" else { fatalError("the prediction is \(prediction), expected 'low'") }
        print("consumer: \(answer) with \(session.plan.kernels.name) kernels")
    }
}
