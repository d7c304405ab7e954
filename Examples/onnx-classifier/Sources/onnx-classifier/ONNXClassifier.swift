// SPDX-License-Identifier: MIT

import SwiftNet

/// `onnx-classifier MODEL IMAGE...`: says what a network from an ONNX file sees on each picture.
@main
enum ONNXClassifier {
    static func main() throws {
        guard CommandLine.arguments.count > 2 else {
            print("usage: onnx-classifier digits.onnx digit.png...")
            return
        }
        // What the file does not say: how its training normalised pixels, and what its classes are called.
        var options = GraphModelOptions()
        options.mean = [0.1307]
        options.std = [0.3081]
        options.labels = (0...9).map(String.init)
        let model = try LoadedModel(weights: CommandLine.arguments[1], name: "digits", options: options)
        let predictor = try Predictor(model)

        for picture in CommandLine.arguments.dropFirst(2) {
            let prediction = try predictor.predict(contentsOf: picture)
            for (label, score) in prediction.top(3) { print("\(picture): \(label), probability \(score)") }
        }
    }
}
