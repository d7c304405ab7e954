// SPDX-License-Identifier: MIT

import Models

extension ModelDescription {
    /// What holds for a weights file that stands in no repository, from its architecture only.
    public init(defaultsFor architecture: Architecture, name: String) {
        let shape = architecture.inputShape
        let isDigit = shape[0] == 1
        self.init(
            schema: 1,
            name: name,
            architecture: architecture.name,
            description: nil,
            input: Input(
                width: shape[2], height: shape[1], channels: shape[0], preprocessing: isDigit ? .digit : .photo,
                resize: architecture.resizedShortSide.map { .init(mode: .shortSide, size: $0) },
                mean: isDigit ? [0.1307] : [0.485, 0.456, 0.406], std: isDigit ? [0.3081] : [0.229, 0.224, 0.225]),
            output: nil,
            labels: (0..<architecture.classes).map(String.init),
            versions: [:])
    }
}
