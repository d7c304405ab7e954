// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// Builds the parts of an EfficientNet from the names that its family gives the weights.
package struct EfficientNetParts {
    let configuration: EfficientNetConfiguration
    let weights: StateDict

    package init(configuration: EfficientNetConfiguration, weights: StateDict) {
        self.configuration = configuration
        self.weights = weights
    }

    private var isTorchvision: Bool { configuration.family == .torchvision }
    private var stages: [EfficientNetConfiguration.Stage] { EfficientNetConfiguration.stages }
    private var stemChannels: Int { configuration.channels(32) }
    private var headChannels: Int { configuration.channels(1280) }

    func stem() throws -> ConvolutionNorm {
        let (conv, norm) = isTorchvision ? ("features.0.0", "features.0.1") : ("_conv_stem", "_bn0")
        return try convolution(3, stemChannels, kernel: 3, stride: 2, conv: weights[conv], norm: weights[norm])
    }

    func head() throws -> ConvolutionNorm {
        let (conv, norm) = isTorchvision ? ("features.8.0", "features.8.1") : ("_conv_head", "_bn1")
        return try convolution(
            configuration.channels(320), headChannels, kernel: 1, conv: weights[conv], norm: weights[norm])
    }

    func classifier() throws -> Linear {
        try Linear(headChannels, configuration.classes, weights: weights[isTorchvision ? "classifier.1" : "_fc"])
    }

    func blocks() throws -> [MBConvBlock] {
        var blocks: [MBConvBlock] = []
        for (number, stage) in stages.enumerated() {
            for index in 0..<configuration.repeats(stage.repeats) {
                let isFirst = index == 0
                let sizes = MBConvBlock.Configuration(
                    inChannels: configuration.channels(isFirst ? stage.inChannels : stage.outChannels),
                    outChannels: configuration.channels(stage.outChannels), expansion: stage.expansion,
                    kernel: stage.kernel, stride: isFirst ? stage.stride : 1)
                let name = isTorchvision ? "features.\(number + 1).\(index)" : "_blocks.\(blocks.count)"
                blocks.append(try block(sizes, weights[name]))
            }
        }
        return blocks
    }

    /// Where the weights of a block's layers are found.
    private struct BlockKeys {
        let expand: (conv: StateDict, norm: StateDict)
        let depthwise: (conv: StateDict, norm: StateDict)
        let reduce: StateDict
        let expandExcitation: StateDict
        let project: (conv: StateDict, norm: StateDict)
    }

    private func efficientNetPyTorchKeys(_ weights: StateDict) -> BlockKeys {
        BlockKeys(
            expand: (weights["_expand_conv"], weights["_bn0"]),
            depthwise: (weights["_depthwise_conv"], weights["_bn1"]),
            reduce: weights["_se_reduce"], expandExcitation: weights["_se_expand"],
            project: (weights["_project_conv"], weights["_bn2"]))
    }

    /// A block without expansion numbers its parts from the depthwise convolution.
    private func torchvisionKeys(_ weights: StateDict, _ sizes: MBConvBlock.Configuration) -> BlockKeys {
        let first = sizes.expansion == 1 ? 0 : 1
        let weights = weights["block"]
        func part(_ number: Int) -> (StateDict, StateDict) { (weights["\(number).0"], weights["\(number).1"]) }
        return BlockKeys(
            expand: part(0), depthwise: part(first), reduce: weights["\(first + 1).fc1"],
            expandExcitation: weights["\(first + 1).fc2"], project: part(first + 2))
    }

    /// One block, from the weights below its name.
    package func block(_ sizes: MBConvBlock.Configuration, _ weights: StateDict) throws -> MBConvBlock {
        let keys = isTorchvision ? torchvisionKeys(weights, sizes) : efficientNetPyTorchKeys(weights)
        let expanded = sizes.expandedChannels
        return MBConvBlock(
            expand: sizes.expansion == 1
                ? nil
                : try convolution(
                    sizes.inChannels, expanded, kernel: 1, conv: keys.expand.conv, norm: keys.expand.norm),
            depthwise: try convolution(
                expanded, expanded, kernel: sizes.kernel, stride: sizes.stride, groups: expanded,
                conv: keys.depthwise.conv, norm: keys.depthwise.norm),
            squeezeExcitation: SqueezeExcitation(
                reduce: try Conv2d(expanded, sizes.squeezedChannels, kernelSize: 1, weights: keys.reduce),
                expand: try Conv2d(sizes.squeezedChannels, expanded, kernelSize: 1, weights: keys.expandExcitation)),
            project: try convolution(
                expanded, sizes.outChannels, kernel: 1, conv: keys.project.conv, norm: keys.project.norm),
            hasResidual: sizes.stride == 1 && sizes.inChannels == sizes.outChannels)
    }

    private func convolution(
        _ inChannels: Int, _ outChannels: Int, kernel: Int, stride: Int = 1, groups: Int = 1, conv: StateDict,
        norm: StateDict
    ) throws -> ConvolutionNorm {
        let symmetric = Padding(integerLiteral: (kernel - 1) / 2)
        return ConvolutionNorm(
            convolution: try Conv2d(
                inChannels, outChannels, kernelSize: Size2d(integerLiteral: kernel),
                stride: Size2d(integerLiteral: stride), padding: isTorchvision ? symmetric : .same, groups: groups,
                bias: false, weights: conv),
            norm: try BatchNorm2d(outChannels, eps: configuration.eps, weights: norm))
    }
}
