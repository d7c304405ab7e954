// SPDX-License-Identifier: MIT

import JSON
import Protobuf
import Text

/// The messages of the photo service: `Protos/photo_service.proto`.
package enum PhotoMessages {
    /// The longest path that is looked at, in bytes.
    private static let maxPathBytes = 1024

    /// The image of a `BytesImage`. Base64 of one, which may be a data URL, is decoded: no image consists of its letters.
    ///
    /// - Throws: `ProtobufError`.
    package static func image(of message: ArraySlice<UInt8>) throws -> [UInt8] {
        let content = try message.withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            var content: [UInt8] = []
            while let field = try reader.next() {
                if field.number == 1 { content = Array(try field.bytes()) }
            }
            return content
        }
        var payload = content[...]
        if payload.starts(with: "data:".utf8), let comma = payload.firstIndex(of: ASCII.comma) {
            payload = payload[(comma + 1)...]
        }
        return base64Decoded(payload) ?? content
    }

    /// The path of a `ModelPath`.
    ///
    /// - Throws: `ProtobufError`.
    package static func path(of message: ArraySlice<UInt8>) throws -> ByteText {
        try message.withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            var path: ByteText = ""
            while let field = try reader.next() {
                if field.number == 1 { path = ByteText(try field.string(limit: maxPathBytes)) }
            }
            return path
        }
    }

    /// The version that a `SelectedModelVersion` names; 0, which none has, if it names none.
    ///
    /// - Throws: `ProtobufError`.
    package static func version(of message: ArraySlice<UInt8>) throws -> Int {
        try message.withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            var version = 0
            while let field = try reader.next() {
                if field.number == 1 { version = try field.int32() }
            }
            return version
        }
    }

    /// An `InferenceResult`.
    package static func result(modelDegree: Int, exifDegree: Int, confidence: Float) -> [UInt8] {
        var result = ProtobufWriter()
        result.write(1, int64: modelDegree)
        if exifDegree != 0 { result.write(2, int64: exifDegree) }
        result.write(3, float: confidence)
        result.write(4, bool: true)
        return result.bytes
    }

    /// A `ModelVersionInfo`.
    package static func info(_ version: ModelVersion, isUsing: Bool) -> [UInt8] {
        var info = ProtobufWriter()
        info.write(1, int64: version.number)
        info.write(2, string: String(version.number))
        if let accuracy = version.trainAccuracy { info.write(3, float: Float(accuracy)) }
        if let accuracy = version.testAccuracy { info.write(4, float: Float(accuracy)) }
        info.write(5, string: version.file)
        if isUsing { info.write(6, bool: true) }
        return info.bytes
    }
}

/// A version of a model that the repository holds, whether it is served or not.
package struct ModelVersion: Equatable, Sendable {
    /// Its number, from 1 up.
    package let number: Int
    /// The name of its file.
    package let file: String
    /// Shares of right answers, 0 to 1, where they are known.
    package let trainAccuracy: Double?
    package let testAccuracy: Double?

    package init(number: Int, file: String, trainAccuracy: Double? = nil, testAccuracy: Double? = nil) {
        self.number = number
        self.file = file
        self.trainAccuracy = trainAccuracy
        self.testAccuracy = testAccuracy
    }
}
