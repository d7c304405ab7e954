// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// Few channels in, many out: squeezed by 1x1 convolutions, expanded by 1x1 and 3x3 ones side by side.
///
/// Shape: [3, H, W] → [classes].
///
/// - Source: `torchvision.models.squeezenet`; Iandola et al., "SqueezeNet".
struct SqueezeNet: Network {
    let features: [any Layer]
    let classifier: Conv2d

    /// - Parameter isFirst: Version 1.0, else 1.1.
    init(isFirst: Bool, classes: Int, _ weights: StateDict) throws {
        let fires = [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)]
        // Fires before which the image is halved.
        let pools: Set<Int> = isFirst ? [0, 3, 7] : [0, 2, 4]
        var layers: [any Layer] = [
            try isFirst
                ? Conv2d(3, 96, kernelSize: 7, stride: 2, weights: weights["features"]["0"])
                : Conv2d(3, 64, kernelSize: 3, stride: 2, weights: weights["features"]["0"]),
            ReLU(),
        ]
        var inChannels = isFirst ? 96 : 64
        for (index, (squeezed, expanded)) in fires.enumerated() {
            if pools.contains(index) { layers.append(MaxPool2d(3, stride: 2, ceilMode: true)) }
            layers.append(try Fire(inChannels, squeezed, expanded, weights["features"]["\(layers.count)"]))
            inChannels = 2 * expanded
        }
        features = layers
        classifier = try Conv2d(inChannels, classes, kernelSize: 1, weights: weights["classifier"]["1"])
    }

    func forward(_ input: Value) -> Value {
        var x = input
        for layer in features { x = layer(x) }
        return Flatten()(AdaptiveAvgPool2d(1)(ReLU()(classifier(x))))
    }
}

/// One squeeze and its two expansions.
struct Fire: Layer {
    let squeeze: Conv2d
    let expand1x1: Conv2d
    let expand3x3: Conv2d

    init(_ inChannels: Int, _ squeezed: Int, _ expanded: Int, _ weights: StateDict) throws {
        squeeze = try Conv2d(inChannels, squeezed, kernelSize: 1, weights: weights["squeeze"])
        expand1x1 = try Conv2d(squeezed, expanded, kernelSize: 1, weights: weights["expand1x1"])
        expand3x3 = try Conv2d(squeezed, expanded, kernelSize: 3, padding: 1, weights: weights["expand3x3"])
    }

    func callAsFunction(_ input: Value) -> Value {
        let x = ReLU()(squeeze(input))
        return ReLU()(expand1x1(x)).concatenated(with: ReLU()(expand3x3(x)))
    }
}
