// SPDX-License-Identifier: MIT

import Models

extension ModelDescription {
    /// What holds for a weights file that stands in no repository, from its architecture only: photos are prepared as the
    /// network's library does it.
    ///
    /// - Parameter options: What the user says wins.
    public init(
        defaultsFor architecture: Architecture, name: String, options: GraphModelOptions = GraphModelOptions()
    ) {
        let shape = architecture.inputShape
        let isDigit = shape[0] == 1
        let size = options.size ?? (shape[1], shape[2])
        self.init(
            schema: 1,
            name: name,
            architecture: architecture.name,
            description: nil,
            input: Input(
                width: size.width, height: size.height, channels: shape[0], preprocessing: isDigit ? .digit : .photo,
                color: options.color,
                resize: options.resize ?? Self.resize(for: architecture, size: size, options), scale: options.scale,
                mean: options.perChannel(\.mean, shape[0]) ?? architecture.photo?.mean ?? [0.1307],
                std: options.perChannel(\.std, shape[0]) ?? architecture.photo?.std ?? [0.3081]),
            output: nil,
            labels: options.labels(classes: architecture.classes),
            versions: [:])
    }

    /// The library's way, in the ratio of its sides where the input has another size; both sides at once where the input is no
    /// square.
    private static func resize(
        for architecture: Architecture, size: (height: Int, width: Int), _ options: GraphModelOptions
    ) -> Input.Resize? {
        guard let photo = architecture.photo else { return nil }
        let interpolation = options.interpolation ?? (photo.isBicubic ? .bicubic : nil)
        guard let shortSide = photo.shortSide else {
            return interpolation.map { Input.Resize(mode: .stretch, interpolation: $0) }
        }
        return Input.Resize(mode: .shortSide, size: shortSide, interpolation: interpolation)
            .scaled(from: (photo.side, photo.side), to: size)
    }
}
