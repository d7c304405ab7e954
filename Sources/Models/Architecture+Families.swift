// SPDX-License-Identifier: MIT

import Layers
import Tensors

extension Architecture {
    /// PyTorch's MNIST example.
    public static let mnistCNN = Architecture(name: "mnist-cnn", inputShape: [1, 28, 28], classes: 10) {
        try MNISTNet($0)
    }

    /// 784-128-10.
    public static let mnistMLP = Architecture(name: "mnist-mlp", inputShape: [1, 28, 28], classes: 10) {
        try MNISTMLP($0)
    }

    /// An EfficientNet.
    public static func efficientNet(_ configuration: EfficientNetConfiguration) -> Architecture {
        Architecture(
            name: configuration.name, family: configuration.family.rawValue, photo: configuration.photo,
            classes: configuration.classes
        ) {
            try EfficientNet(configuration, $0)
        }
    }

    /// All networks that are known. Where weights fit several, the first one is taken.
    static let families: [ArchitectureFamily] = digits + efficientNets + torchvision + timm

    private static let digits = [
        ArchitectureFamily(landmarks: ["conv1.weight", "fc2.weight"], head: "fc2.weight") { _ in [mnistCNN] },
        ArchitectureFamily(landmarks: ["fc1.weight", "fc2.weight"], head: "fc2.weight") { _ in [mnistMLP] },
    ]

    private static let efficientNets = EfficientNetConfiguration.Family.allCases.map { family in
        let (landmark, head) =
            family == .torchvision
            ? ("features.0.0.weight", "classifier.1.weight") : ("_conv_stem.weight", "_fc.weight")
        return ArchitectureFamily(landmarks: [landmark, head], head: head) { sizes in
            EfficientNetConfiguration.scales.indices.map {
                efficientNet(EfficientNetConfiguration(variant: $0, family: family, classes: sizes.classes))
            }
        }
    }

    private static let usual = PhotoPreparation.imageNet(224, shortSide: 256)

    private static let torchvision: [ArchitectureFamily] = [
        ArchitectureFamily(ResNetConfiguration.all, landmark: "layer1.0.conv1.weight", head: "fc.weight") {
            ($0.name, $0.name == "resnext101_64x4d" ? .imageNet(224, shortSide: 232) : usual)
        } make: {
            try ResNet($0, classes: $1, $2)
        },
        ArchitectureFamily(VGGConfiguration.all, landmark: "features.0.weight", head: "classifier.6.weight") {
            ($0.name, usual)
        } make: {
            try VGG($0, classes: $1, $2)
        },
        ArchitectureFamily(
            MobileNetV3Configuration.all, landmark: "features.0.0.weight", head: "classifier.3.weight"
        ) {
            ($0.name, usual)
        } make: {
            try MobileNetV3($0, classes: $1, $2)
        },
        ArchitectureFamily(
            EfficientNetV2Configuration.all, landmark: "features.0.0.weight", head: "classifier.1.weight"
        ) {
            ($0.name, $0.photo)
        } make: {
            try EfficientNetV2($0, classes: $1, $2)
        },
        ArchitectureFamily(RegNetConfiguration.all, landmark: "stem.0.weight", head: "fc.weight") {
            ($0.name, usual)
        } make: {
            try RegNet($0, classes: $1, $2)
        },
        ArchitectureFamily(DenseNetConfiguration.all, landmark: "features.conv0.weight", head: "classifier.weight") {
            ($0.name, usual)
        } make: {
            try DenseNet($0, classes: $1, $2)
        },
        ArchitectureFamily([true, false], landmark: "features.0.weight", head: "classifier.1.weight") { isFirst in
            (isFirst ? "squeezenet1_0" : "squeezenet1_1", usual)
        } make: {
            try SqueezeNet(isFirst: $0, classes: $1, $2)
        },
        ArchitectureFamily(["alexnet"], landmark: "features.0.weight", head: "classifier.6.weight") {
            ($0, usual)
        } make: {
            try AlexNet(classes: $1, $2)
        },
        ArchitectureFamily(["mobilenet_v2"], landmark: "features.0.0.weight", head: "classifier.1.weight") {
            ($0, usual)
        } make: {
            try MobileNetV2(classes: $1, $2)
        },
        ArchitectureFamily(ShuffleNetV2Configuration.all, landmark: "stage2.0.branch1.0.weight", head: "fc.weight") {
            ($0.name, .imageNet(224, shortSide: $0.shortSide))
        } make: {
            try ShuffleNetV2($0, classes: $1, $2)
        },
        ArchitectureFamily(
            ConvNeXtConfiguration.torchvision, landmark: "features.1.0.layer_scale", head: "classifier.2.weight"
        ) {
            ($0.name, $0.photo)
        } make: {
            try ConvNeXt($0, classes: $1, $2)
        },
        transformers(
            VisionTransformerConfiguration.torchvision, family: "", head: "heads.head.weight",
            patches: "conv_proj.weight", positions: "encoder.pos_embedding"),
    ]

    private static let timm: [ArchitectureFamily] = [
        ArchitectureFamily(
            MobileConfiguration.all, landmark: "conv_stem.weight", head: "classifier.weight", family: "timm"
        ) {
            ($0.name, $0.photo)
        } make: {
            try MobileNetwork($0, classes: $1, $2)
        },
        ArchitectureFamily(
            ConvNeXtConfiguration.timm, landmark: "stages.0.blocks.0.conv_dw.weight", head: "head.fc.weight",
            family: "timm"
        ) {
            ($0.name, $0.photo)
        } make: {
            try ConvNeXt($0, classes: $1, $2)
        },
        transformers(
            VisionTransformerConfiguration.timm, family: "timm", head: "head.weight",
            patches: "patch_embed.proj.weight", positions: "pos_embed"),
    ]

    /// Networks whose weights belong to one size of pictures, since they have a row for the position of each patch.
    private static func transformers(
        _ configurations: [VisionTransformerConfiguration], family: String, head: String, patches: String,
        positions: String
    ) -> ArchitectureFamily {
        ArchitectureFamily(landmarks: [head, patches, positions], head: head) { sizes in
            let rows = sizes.rows
            return configurations.compactMap { configuration in
                let side = rows == nil ? sizes.side ?? 224 : rows.flatMap(configuration.side)
                guard let side, side % configuration.patch == 0, side > 0 else { return nil }
                return Architecture(
                    name: configuration.name(side: side), family: family, photo: configuration.photo(side: side),
                    classes: sizes.classes
                ) {
                    try VisionTransformer(configuration, classes: sizes.classes, side: side, $0)
                }
            }
        } rows: {
            $0.tensor(named: positions).flatMap { $0.shape.rank == 3 ? $0.shape[1] : nil }
        }
    }
}
