// SPDX-License-Identifier: MIT

import Tensors

extension ONNXImportOptions {
    /// The shape of an input: free dimensions bound by their names, the first by the batch, an image's by the size that was
    /// asked for. An image is [N, C, H, W], or [N, H, W, C] with at most four channels.
    ///
    /// - Throws: `ONNXError.freeDimension` if one stays free.
    func boundShape(of input: ValueMessage) throws -> Shape {
        if let shape = shapes[input.name] { return shape }
        let shown =
            input.dimensions.map { dimensions in
                "[" + dimensions.map(Self.text).joined(separator: ", ") + "]"
            } ?? "of no known rank"
        let free = ONNXError.freeDimension(input: input.name, shape: shown)
        guard let dimensions = input.dimensions else { throw free }
        var sizes = dimensions.map { dimension -> Int? in
            switch dimension {
            case .size(let size): size
            case .free(let name): self.dimensions[name]
            }
        }
        if sizes.count > 0, sizes[0] == nil { sizes[0] = batch }
        if sizes.count == 4, let size {
            let channelsLast = (sizes[1] ?? .max) > 4 && (sizes[3] ?? .max) <= 4
            (sizes[channelsLast ? 1 : 2], sizes[channelsLast ? 2 : 3]) = (size.height, size.width)
        }
        let known = sizes.compactMap(\.self)
        guard known.count == sizes.count else { throw free }
        return try Shape(checking: known)
    }

    private static func text(_ dimension: ValueMessage.Dimension) -> String {
        switch dimension {
        case .size(let size): "\(size)"
        case .free(let name): name.isEmpty ? "?" : name
        }
    }
}
