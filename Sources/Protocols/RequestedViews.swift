// SPDX-License-Identifier: MIT

import JSON
import Text

/// How many times a rotation model is to look at each image of a request.
package enum RequestedViews: Int, Sendable {
    /// Once, as it is.
    case one = 1
    /// In its four turns: surer, at four times the work of the network.
    case four = 4

    /// - Throws: ``RequestRefusal`` for another number.
    init(_ number: Int?) throws {
        guard let views = number.flatMap(Self.init(rawValue:)) else {
            throw RequestRefusal(.badRequest, "'views' must be 1 or 4")
        }
        self = views
    }

    /// Reads the number from JSON.
    ///
    /// - Throws: ``RequestRefusal`` or `JSONError`.
    init(_ reader: inout JSONReader) throws { try self.init(reader.readInt()) }

    /// Reads `views=4` from a target's query; nil where it says nothing of it.
    ///
    /// - Throws: ``RequestRefusal``.
    package static func inQuery(_ query: ByteText?) throws -> RequestedViews? {
        let prefix: ByteText = "views="
        let fields = query?.split(separator: UInt8(ascii: "&")) ?? []
        guard let field = fields.first(where: { $0.hasPrefix(prefix) }) else { return nil }
        return try Self(ByteText(decoding: field.utf8.dropFirst(prefix.utf8.count)).number(maxDigits: 1))
    }

    /// Checks that a model can look so often at what a request brings.
    ///
    /// - Throws: ``RequestRefusal``.
    package func check(_ input: ModelInput, _ model: ServedModel) throws {
        guard self == .four else { return }
        try check(model)
        guard case .images = input else {
            throw RequestRefusal(.badRequest, "four views take encoded images, not numbers")
        }
    }

    /// Checks that a model can look so often at an image.
    ///
    /// - Throws: ``RequestRefusal``.
    package func check(_ model: ServedModel) throws {
        guard self == .one || model.takesFourViews else {
            throw RequestRefusal(
                .badRequest,
                "the model '\(model.name)' can't look at four views; that takes the labels 0, 90, 180 and 270 and a "
                    + "square input")
        }
    }
}

extension ServedModel {
    /// Whether the model can look at an image in its four turns.
    var takesFourViews: Bool {
        task == .rotation && labels.count == 4 && Set(labels).count == 4
            && input.shape.suffix(2).first == input.shape.last
    }
}
