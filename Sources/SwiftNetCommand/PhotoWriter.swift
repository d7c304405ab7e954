// SPDX-License-Identifier: MIT

import Images
import Inference
import SystemCalls

/// Puts one photo after the other upright, where it is wanted.
struct PhotoWriter {
    /// Where photos go.
    enum Target: Equatable {
        /// Into a folder, under their names.
        case folder(String)
        /// Where they were.
        case inPlace
    }

    let target: Target
    /// False for a rehearsal.
    let writes: Bool
    let partialBlocks: PartialBlocks
    let minConfidence: Float
    let limits: ImageLimits

    /// Turns and writes one photo, if the model is sure of it.
    ///
    /// - Parameters:
    ///   - path: Where the photo lies.
    ///   - rotation: What the model says; nil counts as unsure.
    ///   - read: Gives the photo's bytes.
    /// - Throws: `ImageError` or `SystemError`; then nothing was written.
    func treat(_ path: String, _ rotation: Rotation?, read: () throws -> [UInt8]) throws -> PhotoOutcome {
        guard let rotation, rotation.confidence >= minConfidence else {
            return .unsure(confidence: rotation?.confidence ?? 0)
        }
        if rotation.isUpright && target == .inPlace { return .upright(confidence: rotation.confidence) }
        let turned = try rotation.upright(try read(), partialBlocks: partialBlocks, limits: limits)
        if writes { try write(turned.bytes, of: path) }
        return rotation.isUpright
            ? .upright(confidence: rotation.confidence)
            : .turned(degrees: rotation.modelDegree, change: turned.change, confidence: rotation.confidence)
    }

    private func write(_ bytes: [UInt8], of path: String) throws {
        switch target {
        case .inPlace:
            try write(bytes, to: path, existing: .replace)
        case .folder(let folder):
            let name = path.split(separator: "/").last.map(String.init) ?? path
            let destination = folder + (folder.hasSuffix("/") ? "" : "/") + name
            do {
                try write(bytes, to: destination, existing: .refuse)
            } catch let error as SystemError {
                if !error.isAboutExistingFile { throw error }
                throw InputFiles.Fault(description: "\(destination) exists already; it stays as it is")
            }
        }
    }

    private func write(_ bytes: [UInt8], to path: String, existing: FileWriter.Existing) throws {
        let file = try FileWriter(path, existing: existing)
        try file.write(bytes)
        try file.finish()
    }
}

/// What became of one photo.
enum PhotoOutcome: CustomStringConvertible {
    case upright(confidence: Float)
    /// Turned counter-clockwise.
    case turned(degrees: Int, change: TurnedFile.Change, confidence: Float)
    case unsure(confidence: Float)

    var description: String {
        switch self {
        case .upright(let confidence): "upright  \(Percent.text(confidence))"
        case .turned(let degrees, let change, let confidence):
            "turned \(Self.direction(degrees)), \(Self.text(change))  \(Percent.text(confidence))"
        case .unsure(let confidence): "unsure, left as it is  \(Percent.text(confidence))"
        }
    }

    private static func direction(_ degrees: Int) -> String {
        switch degrees {
        case 90: "left by 90 degrees"
        case 270: "right by 90 degrees"
        default: "by \(degrees) degrees"
        }
    }

    private static func text(_ change: TurnedFile.Change) -> String {
        switch change {
        case .none: "unchanged"
        case .orientationOnly: "by its EXIF orientation"
        case .lossless: "without loss"
        case .trimmed: "trimmed"
        case .reencoded: "encoded again"
        }
    }
}

/// How many photos had which outcome.
struct RotationSummary: CustomStringConvertible {
    let isRehearsal: Bool
    private var turned = 0
    private var encodedAgain = 0
    private var trimmed = 0
    private var upright = 0
    private var unsure = 0
    private var failed = 0
    private(set) var firstFailure: (any Error)?

    init(isRehearsal: Bool) {
        self.isRehearsal = isRehearsal
    }

    mutating func count(_ outcome: Result<PhotoOutcome, any Error>) {
        switch outcome {
        case .success(.turned(_, let change, _)):
            turned += 1
            if change == .reencoded { encodedAgain += 1 }
            if change == .trimmed { trimmed += 1 }
        case .success(.upright): upright += 1
        case .success(.unsure): unsure += 1
        case .failure(let error):
            failed += 1
            firstFailure = firstFailure ?? error
        }
    }

    var description: String {
        var parts = ["\(turned) \(isRehearsal ? "to turn" : "turned")"]
        if encodedAgain > 0 { parts[0] += " (\(encodedAgain) encoded again)" }
        if trimmed > 0 { parts[0] += " (\(trimmed) trimmed)" }
        return (parts + ["\(upright) upright", "\(unsure) unsure", "\(failed) failed"]).joined(separator: ", ")
    }
}
