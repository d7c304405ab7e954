// SPDX-License-Identifier: MIT

extension Architecture {
    /// The architecture of a name, family and number of classes, for weights that are prepared already.
    ///
    /// - Returns: nil if there is none.
    public static func named(_ name: String, family: String, classes: Int) -> Architecture? {
        if let small = [mnistCNN, mnistMLP].first(where: { $0.name == name && $0.classes == classes }) { return small }
        guard let family = EfficientNetConfiguration.Family(rawValue: family), classes > 0 else { return nil }
        return EfficientNetConfiguration.scales.indices
            .map { efficientNet(EfficientNetConfiguration(variant: $0, family: family, classes: classes)) }
            .first { $0.name == name }
    }
}
