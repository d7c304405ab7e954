// SPDX-License-Identifier: MIT

extension MobileConfiguration {
    /// The networks. Where timm and TensorFlow trained the same one, timm's stands first.
    ///
    /// - Source: `timm.models.efficientnet`, `timm.models.mobilenetv3`; their default weights' data configurations.
    public static let all: [MobileConfiguration] =
        efficientNets + lites + edges + version2 + version2Bases + mobileNetV2 + mobileNetV3

    private static let efficientNetStages = [
        ["ds_r1_k3_s1_e1_c16_se0.25"], ["ir_r2_k3_s2_e6_c24_se0.25"], ["ir_r2_k5_s2_e6_c40_se0.25"],
        ["ir_r3_k3_s2_e6_c80_se0.25"], ["ir_r3_k5_s1_e6_c112_se0.25"], ["ir_r4_k5_s2_e6_c192_se0.25"],
        ["ir_r1_k3_s1_e6_c320_se0.25"],
    ]

    private typealias Scale = (
        name: String, width: Double, depth: Double, photo: PhotoPreparation, tensorFlow: PhotoPreparation
    )

    private static func imageNet(_ side: Int, _ shortSide: Int?) -> PhotoPreparation {
        .imageNet(side, shortSide: shortSide, isBicubic: true)
    }

    private static func both(
        _ scales: [Scale], _ make: (Scale, String, PhotoPreparation) -> MobileConfiguration
    ) -> [MobileConfiguration] {
        scales.flatMap { [make($0, $0.name, $0.photo), make($0, "tf_" + $0.name, $0.tensorFlow)] }
    }

    private static let efficientNets = both([
        Scale("efficientnet_b0", 1.0, 1.0, imageNet(224, 256), imageNet(224, 256)),
        Scale("efficientnet_b1", 1.0, 1.1, .halves(240, shortSide: 266), imageNet(240, 272)),
        Scale("efficientnet_b2", 1.1, 1.2, imageNet(256, 292), imageNet(260, 292)),
        Scale("efficientnet_b3", 1.2, 1.4, imageNet(288, 329), imageNet(300, 331)),
        Scale("efficientnet_b4", 1.4, 1.8, imageNet(320, 365), imageNet(380, 412)),
        Scale("efficientnet_b5", 1.6, 2.2, imageNet(448, nil), imageNet(456, 488)),
        Scale("efficientnet_b6", 1.8, 2.6, imageNet(528, 560), imageNet(528, 560)),
        Scale("efficientnet_b7", 2.0, 3.1, imageNet(600, 632), imageNet(600, 632)),
        Scale("efficientnet_b8", 2.2, 3.6, imageNet(672, 704), .halves(672, shortSide: 704)),
        Scale("efficientnet_l2", 4.3, 5.3, imageNet(800, 832), imageNet(475, 507)),
    ]) { scale, name, photo in
        MobileConfiguration(
            name: name, kind: .efficientNet, stages: efficientNetStages, width: scale.width, depths: [scale.depth],
            photo: photo)
    }

    private static let lites = both([
        Scale("efficientnet_lite0", 1.0, 1.0, imageNet(224, 256), .halves(224, shortSide: 256)),
        Scale("efficientnet_lite1", 1.0, 1.1, imageNet(240, 272), .halves(240, shortSide: 272)),
        Scale("efficientnet_lite2", 1.1, 1.2, imageNet(260, 292), .halves(260, shortSide: 292)),
        Scale("efficientnet_lite3", 1.2, 1.4, imageNet(300, 331), .halves(300, shortSide: 331, isBicubic: false)),
        Scale("efficientnet_lite4", 1.4, 1.8, imageNet(380, 412), .halves(380, shortSide: 413, isBicubic: false)),
    ]) { scale, name, photo in
        MobileConfiguration(
            name: name, kind: .lite,
            stages: [
                ["ds_r1_k3_s1_e1_c16"], ["ir_r2_k3_s2_e6_c24"], ["ir_r2_k5_s2_e6_c40"], ["ir_r3_k3_s2_e6_c80"],
                ["ir_r3_k5_s1_e6_c112"], ["ir_r4_k5_s2_e6_c192"], ["ir_r1_k3_s1_e6_c320"],
            ], width: scale.width, depths: [scale.depth], photo: photo)
    }

    private static let edges = both([
        Scale("efficientnet_es", 1.0, 1.0, imageNet(224, 256), .halves(224, shortSide: 256)),
        Scale("efficientnet_em", 1.0, 1.1, imageNet(240, 272), .halves(240, shortSide: 272)),
        Scale("efficientnet_el", 1.2, 1.4, imageNet(300, 331), .halves(300, shortSide: 331)),
    ]) { scale, name, photo in
        MobileConfiguration(
            name: name, kind: .edge,
            stages: [
                ["er_r1_k3_s1_e4_c24_fc24_noskip"], ["er_r2_k3_s2_e8_c32"], ["er_r4_k3_s2_e8_c48"],
                ["ir_r5_k5_s2_e8_c96"], ["ir_r4_k5_s1_e8_c144"], ["ir_r2_k5_s2_e8_c192"],
            ], width: scale.width, depths: [scale.depth], photo: photo)
    }

    private static let smallStages = [
        ["cn_r2_k3_s1_e1_c24_skip"], ["er_r4_k3_s2_e4_c48"], ["er_r4_k3_s2_e4_c64"], ["ir_r6_k3_s2_e4_c128_se0.25"],
        ["ir_r9_k3_s1_e6_c160_se0.25"], ["ir_r15_k3_s2_e6_c256_se0.25"],
    ]
    /// Of timm's own small one, which is older than the published code.
    private static let rwStages =
        [["er_r2_k3_s1_e1_c24"]] + smallStages[1..<5] + [["ir_r15_k3_s2_e6_c272_se0.25"]]
    private static let mediumStages = [
        ["cn_r3_k3_s1_e1_c24_skip"], ["er_r5_k3_s2_e4_c48"], ["er_r5_k3_s2_e4_c80"], ["ir_r7_k3_s2_e4_c160_se0.25"],
        ["ir_r14_k3_s1_e6_c176_se0.25"], ["ir_r18_k3_s2_e6_c304_se0.25"], ["ir_r5_k3_s1_e6_c512_se0.25"],
    ]
    private static let largeStages = [
        ["cn_r4_k3_s1_e1_c32_skip"], ["er_r7_k3_s2_e4_c64"], ["er_r7_k3_s2_e4_c96"], ["ir_r10_k3_s2_e4_c192_se0.25"],
        ["ir_r19_k3_s1_e6_c224_se0.25"], ["ir_r25_k3_s2_e6_c384_se0.25"], ["ir_r7_k3_s1_e6_c640_se0.25"],
    ]
    private static let extraLargeStages = [
        ["cn_r4_k3_s1_e1_c32_skip"], ["er_r8_k3_s2_e4_c64"], ["er_r8_k3_s2_e4_c96"], ["ir_r16_k3_s2_e4_c192_se0.25"],
        ["ir_r24_k3_s1_e6_c256_se0.25"], ["ir_r32_k3_s2_e6_c512_se0.25"], ["ir_r8_k3_s1_e6_c640_se0.25"],
    ]

    private static func second(
        _ name: String, _ stages: [[String]], stem: Int, width: Double = 1, depths: [Double] = [1],
        features: Int = 1280, _ photo: PhotoPreparation
    ) -> MobileConfiguration {
        MobileConfiguration(
            name: name, kind: .version2, stages: stages, width: width, depths: depths, stem: stem, features: features,
            photo: photo)
    }

    private static let version2 = [
        second("efficientnetv2_rw_t", smallStages, stem: 24, width: 0.8, depths: [0.9], imageNet(224, 224)),
        second("efficientnetv2_rw_s", rwStages, stem: 24, features: 1792, imageNet(288, 288)),
        second(
            "efficientnetv2_rw_m", rwStages, stem: 24, width: 1.2, depths: [1.2, 1.2, 1.2, 1.2, 1.6, 1.6],
            features: 1792, imageNet(320, 320)),
        second("efficientnetv2_s", smallStages, stem: 24, imageNet(288, 288)),
        second("tf_efficientnetv2_s", smallStages, stem: 24, .halves(300, shortSide: 300)),
        second("efficientnetv2_m", mediumStages, stem: 24, imageNet(320, 320)),
        second("tf_efficientnetv2_m", mediumStages, stem: 24, .halves(384, shortSide: nil)),
        second("efficientnetv2_l", largeStages, stem: 32, imageNet(384, 384)),
        second("tf_efficientnetv2_l", largeStages, stem: 32, .halves(384, shortSide: nil)),
        second("efficientnetv2_xl", extraLargeStages, stem: 32, imageNet(384, 384)),
        second("tf_efficientnetv2_xl", extraLargeStages, stem: 32, .halves(384, shortSide: nil)),
    ]

    private static let version2Bases = [
        ("tf_efficientnetv2_b0", 1.0, 1.0, imageNet(192, 219)), ("tf_efficientnetv2_b1", 1.0, 1.1, imageNet(192, 217)),
        ("tf_efficientnetv2_b2", 1.1, 1.2, imageNet(208, 233)),
        ("tf_efficientnetv2_b3", 1.2, 1.4, PhotoPreparation.halves(240, shortSide: nil)),
    ].map { name, width, depth, photo in
        MobileConfiguration(
            name: name, kind: .version2Base,
            stages: [
                ["cn_r1_k3_s1_e1_c16_skip"], ["er_r2_k3_s2_e4_c32"], ["er_r2_k3_s2_e4_c48"],
                ["ir_r3_k3_s2_e4_c96_se0.25"], ["ir_r5_k3_s1_e6_c112_se0.25"], ["ir_r8_k3_s2_e6_c192_se0.25"],
            ], width: width, depths: [depth], photo: photo)
    }

    private static let mobileNetV2 = [
        ("mobilenetv2_035", 0.35, 1.0), ("mobilenetv2_050", 0.5, 1.0), ("mobilenetv2_075", 0.75, 1.0),
        ("mobilenetv2_100", 1.0, 1.0), ("mobilenetv2_110d", 1.1, 1.2), ("mobilenetv2_120d", 1.2, 1.4),
        ("mobilenetv2_140", 1.4, 1.0),
    ].map { name, width, depth in
        MobileConfiguration(
            name: name, kind: .mobileNetV2,
            stages: [
                ["ds_r1_k3_s1_c16"], ["ir_r2_k3_s2_e6_c24"], ["ir_r3_k3_s2_e6_c32"], ["ir_r4_k3_s2_e6_c64"],
                ["ir_r3_k3_s1_e6_c96"], ["ir_r3_k3_s2_e6_c160"], ["ir_r1_k3_s1_e6_c320"],
            ], width: width, depths: [depth], photo: imageNet(224, 256))
    }

    private static let v3Large = [
        ["ds_r1_k3_s1_e1_c16_nre"], ["ir_r1_k3_s2_e4_c24_nre", "ir_r1_k3_s1_e3_c24_nre"],
        ["ir_r3_k5_s2_e3_c40_se0.25_nre"],
        ["ir_r1_k3_s2_e6_c80", "ir_r1_k3_s1_e2.5_c80", "ir_r2_k3_s1_e2.3_c80"], ["ir_r2_k3_s1_e6_c112_se0.25"],
        ["ir_r3_k5_s2_e6_c160_se0.25"], ["cn_r1_k1_s1_c960"],
    ]
    private static let v3Small = [
        ["ds_r1_k3_s2_e1_c16_se0.25_nre"], ["ir_r1_k3_s2_e4.5_c24_nre", "ir_r1_k3_s1_e3.67_c24_nre"],
        ["ir_r1_k5_s2_e4_c40_se0.25", "ir_r2_k5_s1_e6_c40_se0.25"], ["ir_r2_k5_s1_e3_c48_se0.25"],
        ["ir_r3_k5_s2_e6_c96_se0.25"], ["cn_r1_k1_s1_c576"],
    ]
    private static let v3LargeMinimal = [
        ["ds_r1_k3_s1_e1_c16"], ["ir_r1_k3_s2_e4_c24", "ir_r1_k3_s1_e3_c24"], ["ir_r3_k3_s2_e3_c40"],
        ["ir_r1_k3_s2_e6_c80", "ir_r1_k3_s1_e2.5_c80", "ir_r2_k3_s1_e2.3_c80"], ["ir_r2_k3_s1_e6_c112"],
        ["ir_r3_k3_s2_e6_c160"], ["cn_r1_k1_s1_c960"],
    ]
    private static let v3SmallMinimal = [
        ["ds_r1_k3_s2_e1_c16"], ["ir_r1_k3_s2_e4.5_c24", "ir_r1_k3_s1_e3.67_c24"],
        ["ir_r1_k3_s2_e4_c40", "ir_r2_k3_s1_e6_c40"], ["ir_r2_k3_s1_e3_c48"], ["ir_r3_k3_s2_e6_c96"],
        ["cn_r1_k1_s1_c576"],
    ]

    private static func third(
        _ name: String, _ stages: [[String]], width: Double = 1, depth: Double = 1, _ photo: PhotoPreparation
    ) -> MobileConfiguration {
        MobileConfiguration(
            name: name, kind: .mobileNetV3, stages: stages, width: width, depths: [depth], stem: 16,
            features: name.contains("small") ? 1024 : 1280, photo: photo)
    }

    private static let mobileNetV3 = [
        third("mobilenetv3_large_075", v3Large, width: 0.75, .imageNet(224, shortSide: 256)),
        third("tf_mobilenetv3_large_075", v3Large, width: 0.75, tensorFlow),
        third("mobilenetv3_large_100", v3Large, imageNet(224, 256)),
        third("tf_mobilenetv3_large_100", v3Large, tensorFlow),
        third(
            "mobilenetv3_large_150d", v3Large, width: 1.5, depth: 1.2,
            .halves(256, shortSide: 269, isBicubic: false)),
        third("mobilenetv3_small_050", v3Small, width: 0.5, imageNet(224, 256)),
        third("mobilenetv3_small_075", v3Small, width: 0.75, imageNet(224, 256)),
        third("tf_mobilenetv3_small_075", v3Small, width: 0.75, tensorFlow),
        third("mobilenetv3_small_100", v3Small, imageNet(224, 256)),
        third("tf_mobilenetv3_small_100", v3Small, tensorFlow),
        third("tf_mobilenetv3_large_minimal_100", v3LargeMinimal, tensorFlow),
        third("tf_mobilenetv3_small_minimal_100", v3SmallMinimal, tensorFlow),
    ]

    private static let tensorFlow = PhotoPreparation.halves(224, shortSide: 256, isBicubic: false)
}
