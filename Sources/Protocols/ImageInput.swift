// SPDX-License-Identifier: MIT

import HTTP
import JSON
import Text

/// The images of a request, however the client packed them.
package enum ImageInput: Equatable, Sendable {
    /// Encoded images; `isList` if the client sent a list, even of one.
    case encoded([[UInt8]], isList: Bool)
    /// Numbers of 0 to 255 with their shape.
    case numbers(NumberArray)

    /// Finds the images: a body that is an image, the files of a multipart form, or JSON with base64 or numbers under
    /// `image` or `images`.
    ///
    /// - Parameters:
    ///   - body: The decompressed body.
    ///   - contentType: The request's Content-Type.
    ///   - maxImages: The most images.
    /// - Throws: `RequestRefusal`, `JSONError` or `HTTPError`.
    package init(_ body: [UInt8], contentType: ByteText?, maxImages: Int) throws {
        var views: RequestedViews?
        try self.init(body, contentType: contentType, maxImages: maxImages, views: &views)
    }

    /// The same, and how many views a field of the form or a key of the JSON, `views`, asks for.
    package init(
        _ body: [UInt8], contentType: ByteText?, maxImages: Int, views: inout RequestedViews?
    ) throws {
        let type = contentType.flatMap(MediaType.init)
        if contentType != nil, type == nil { throw RequestRefusal(.badRequest, "the Content-Type is malformed") }
        switch type?.essence {
        case "multipart/form-data":
            guard let type else { fallthrough }
            self = .encoded(try Self.files(body, type, maxImages: maxImages, &views), isList: false)
        case "application/json": self = try Self.json(body, maxImages: maxImages, &views)
        // What clients send that state no type, or the one that curl states for them.
        case nil, "application/x-www-form-urlencoded", "text/plain":
            let isJSON = body.first { !($0 == 0x20 || $0 >= 0x09 && $0 <= 0x0D) } == UInt8(ascii: "{")
            self = isJSON ? try Self.json(body, maxImages: maxImages, &views) : try Self.single(body)
        case let essence? where essence.hasPrefix("image/") || essence == "application/octet-stream":
            self = try Self.single(body)
        default:
            throw RequestRefusal(.unsupportedMediaType, "expected an image, a multipart form or JSON")
        }
    }

    private static func single(_ body: [UInt8]) throws -> ImageInput {
        if body.isEmpty { throw RequestRefusal(.badRequest, "the request has no body; expected an image or JSON") }
        return .encoded([body], isList: false)
    }

    private static func files(
        _ body: [UInt8], _ type: MediaType, maxImages: Int, _ views: inout RequestedViews?
    ) throws -> [[UInt8]] {
        let parts = try MultipartForm(body, contentType: type).parts
        if let field = parts.first(where: { $0.name == "views" && $0.fileName == nil }) {
            views = try RequestedViews(ByteText(decoding: body[field.content]).number(maxDigits: 1))
        }
        let files = parts.filter { part in
            part.fileName != nil || part.contentType?.essence.hasPrefix("image/") ?? false
                || ["image", "images", "file"].contains(part.name)
        }
        if files.isEmpty { throw RequestRefusal(.badRequest, "the form has no file") }
        if files.count > maxImages { throw ModelInput.tooMany(maxImages) }
        if files.contains(where: \.content.isEmpty) { throw RequestRefusal(.badRequest, "a file of the form is empty") }
        return files.map { Array(body[$0.content]) }
    }

    private static func json(
        _ body: [UInt8], maxImages: Int, _ views: inout RequestedViews?
    ) throws -> ImageInput {
        var reader = JSONReader(body[...])
        var input: ImageInput?
        try reader.readObject { reader, name in
            if name == "views" {
                views = try RequestedViews(&reader)
                return
            }
            guard name == "images" || name == "image" else { return try reader.skipValue() }
            if input != nil { throw RequestRefusal(.badRequest, "give 'image' or 'images', not both") }
            input = try value(&reader, maxImages: maxImages, maxNumbers: body.count / 2 + 1)
        }
        try reader.finish()
        guard let input else { throw RequestRefusal(.badRequest, "expected the key 'images' or 'image'") }
        return input
    }

    private static func value(_ reader: inout JSONReader, maxImages: Int, maxNumbers: Int) throws -> ImageInput {
        switch reader.nextKind() {
        case .string, .object: return .encoded([try encoded(&reader)], isList: false)
        default: break
        }
        var probe = reader
        guard probe.take(UInt8(ascii: "[")), [.string, .object].contains(probe.nextKind()) else {
            return .numbers(try reader.readNumbers(maxCount: maxNumbers))
        }
        var images: [[UInt8]] = []
        try reader.readArray { reader in
            if images.count == maxImages { throw ModelInput.tooMany(maxImages) }
            images.append(try encoded(&reader))
        }
        return .encoded(images, isList: true)
    }

    /// Reads base64 as a string, which may be a data URL, or as `{"b64": "..."}`.
    static func encoded(_ reader: inout JSONReader) throws -> [UInt8] {
        var text: ByteText?
        if reader.nextKind() == .object {
            try reader.readObject { reader, name in
                guard name == "b64" else { throw RequestRefusal(.badRequest, "expected {\"b64\": \"...\"}") }
                text = try reader.readString()
            }
        } else {
            text = try reader.readString()
        }
        guard let text else { throw RequestRefusal(.badRequest, "expected {\"b64\": \"...\"}") }
        return try decoded(text)
    }

    /// Decodes base64, which may be a data URL.
    static func decoded(_ text: ByteText) throws -> [UInt8] {
        var payload = text.utf8[...]
        if text.hasPrefix("data:"), let comma = payload.firstIndex(of: UInt8(ascii: ",")) {
            payload = payload[payload.index(after: comma)...]
        }
        guard let bytes = base64Decoded(payload), !bytes.isEmpty else {
            throw RequestRefusal(.badRequest, "an image is not valid base64")
        }
        return bytes
    }
}

extension ImageInput {
    /// Whether the client sent a list of encoded images, even of one.
    package var isList: Bool {
        if case .encoded(_, isList: true) = self { true } else { false }
    }

    /// What a model is to answer. Numbers are one image or several, each of 28 x 28, 784, 28 x 28 x 1 or 1 x 28 x 28 for a
    /// model of 28 x 28 pixels.
    ///
    /// - Throws: ``RequestRefusal``.
    package func modelInput(_ model: ServedModel, maxImages: Int) throws -> ModelInput {
        try model.checkTakesPictures()
        switch self {
        case .encoded(let images, _): return .images(images)
        case .numbers(let numbers):
            let layout = RowLayout(model)
            let one = layout.order(of: numbers.shape, preferred: .channelsLast).map { (count: 1, order: $0) }
            guard let (count, order) = one ?? layout.batch(numbers.shape, preferred: .channelsLast) else {
                let axes = [layout.height, layout.width] + (layout.channels == 1 ? [] : [layout.channels])
                let size = axes.map(String.init).joined(separator: " x ")
                throw RequestRefusal(
                    .badRequest,
                    "expected 'images' to be \(size) or \(layout.count) numbers, or a list of such; got the shape "
                        + "\(numbers.shape)")
            }
            if count > maxImages { throw ModelInput.tooMany(maxImages) }
            let pixels = try ModelInput.pixels(numbers.values)
            return .pixels(layout.reordered(pixels, from: order, to: .channelsLast), count: count)
        }
    }
}
