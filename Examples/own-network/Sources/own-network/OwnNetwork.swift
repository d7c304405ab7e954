// SPDX-License-Identifier: MIT

import SwiftNet

/// A small network for digits, as `train.py` wires it in PyTorch: 6,778 parameters.
struct Net: Network {
    let conv1, conv2: Conv2d
    let bn1, bn2: BatchNorm2d
    let fc: Linear

    init(_ weights: StateDict) throws {
        conv1 = try Conv2d(1, 12, kernelSize: 5, stride: 2, padding: 2, weights: weights["conv1"])
        bn1 = try BatchNorm2d(12, weights: weights["bn1"])
        conv2 = try Conv2d(12, 32, kernelSize: 3, stride: 2, padding: 1, weights: weights["conv2"])
        bn2 = try BatchNorm2d(32, weights: weights["bn2"])
        fc = try Linear(288, 10, weights: weights["fc"])
    }

    func forward(_ input: Value) -> Value {
        var x = ReLU()(bn1(conv1(input)))
        x = ReLU()(bn2(conv2(x)))
        return fc(Flatten()(MaxPool2d(2)(x)))
    }
}

/// `own-network WEIGHTS IMAGE...`: says which digit each picture shows.
@main
enum OwnNetwork {
    static func main() throws {
        guard CommandLine.arguments.count > 2 else {
            print("usage: own-network digits.pt digit.png...")
            return
        }
        // The state dict that torch.save wrote.
        let weights = try Checkpoint.open(path: CommandLine.arguments[1]).stateDict
        let model = try LoadedModel(Net(weights), preprocessor: .digit(), labels: (0...9).map(String.init))
        let predictor = try Predictor(model)

        for picture in CommandLine.arguments.dropFirst(2) {
            let prediction = try predictor.predict(contentsOf: picture)
            print("\(picture): \(prediction.label), probability \(prediction.confidence)")
        }
    }
}
