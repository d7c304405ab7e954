// SPDX-License-Identifier: MIT

import CommandSupport
import Images
import Inference
import SystemCalls

/// Puts one photo after the other upright, where it is wanted.
struct PhotoWriter {
    /// Where photos go.
    enum Target: Equatable {
        /// Into a folder, under their names; `replaces` what has such a name.
        case folder(String, replaces: Bool)
        /// Where they were.
        case inPlace
    }

    /// A photo's file as it is.
    typealias Original = (bytes: [UInt8], attributes: FileAttributes?)

    let target: Target
    /// False for a rehearsal.
    let writes: Bool
    let options: TurningOptions
    let minConfidence: Float
    /// Whether a photo that the model is unsure of is copied to the folder, too.
    let takesUnsure: Bool

    /// Turns and writes one photo, if the model is sure of it.
    ///
    /// - Parameters:
    ///   - item: The photo.
    ///   - rotation: What the model says; nil counts as unsure.
    ///   - read: Gives the photo's file.
    /// - Throws: `ImageError`, `InputFiles.Fault`, `OutputError` or `SystemError`; then nothing was written.
    func treat(_ item: InputFiles.Item, _ rotation: Rotation?, read: () throws -> Original) throws -> PhotoOutcome {
        guard let rotation, rotation.confidence >= minConfidence else {
            if target != .inPlace, takesUnsure { try write(try read(), of: item) }
            return .unsure(confidence: rotation?.confidence ?? 0)
        }
        if rotation.isUpright {
            if target != .inPlace { try write(try read(), of: item) }
            return .upright(confidence: rotation.confidence)
        }
        let original = try read()
        let turned = try upright(original.bytes, rotation, name: item.name)
        try write((turned.bytes, original.attributes), of: item)
        return .turned(degrees: rotation.modelDegree, turned, confidence: rotation.confidence)
    }

    private func upright(_ bytes: [UInt8], _ rotation: Rotation, name: String) throws -> TurnedFile {
        do throws(ImageError) {
            return try rotation.upright(bytes, options: options)
        } catch {
            guard case .extras = error else { throw error }
            throw InputFiles.Fault(
                description:
                    "\(name): \(error); --exif-only changes only what it says of its orientation, --drop-extras "
                    + "writes the photo without the rest")
        }
    }

    private func write(_ file: Original, of item: InputFiles.Item) throws {
        switch target {
        case .inPlace:
            guard try FileSystem.kind(of: item.name) == .file else {
                throw InputFiles.Fault(description: "\(item.name): not a regular file, so it can't be replaced")
            }
            if writes { try write(file, to: item.name, existing: .replace) }
        case .folder(let folder, let replaces):
            let destination = PathText.joined(folder, item.nameBelow)
            if item.nameBelow.utf8.contains(UInt8(ascii: "/")), writes {
                try FileSystem.makeFolders(FileSystem.folder(of: destination))
            }
            let existing: OutputFile.Existing = replaces ? .replace : .keepIfSame
            if !writes { return try OutputFile.check(destination, existing: existing, makesFolder: true) }
            try write(file, to: destination, existing: existing)
        }
    }

    private func write(_ original: Original, to path: String, existing: OutputFile.Existing) throws {
        let file = try OutputFile(path, existing: existing)
        try file.write(original.bytes)
        if let attributes = original.attributes { file.keep(attributes) }
        _ = try file.finish()
    }
}

/// What became of one photo.
enum PhotoOutcome: CustomStringConvertible {
    case upright(confidence: Float)
    /// Turned counter-clockwise.
    case turned(degrees: Int, TurnedFile, confidence: Float)
    case unsure(confidence: Float)

    var description: String {
        switch self {
        case .upright(let confidence): "upright  \(Percent.text(confidence))"
        case .turned(let degrees, let file, let confidence):
            "turned \(Self.direction(degrees)), \(Self.text(file))  \(Percent.text(confidence))"
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

    private static func text(_ file: TurnedFile) -> String {
        let change =
            switch file.change {
            case .none: "unchanged"
            case .orientationOnly: "by its EXIF orientation"
            case .lossless: "without loss"
            case .trimmed: "trimmed"
            case .reencoded: "encoded again"
            }
        let losses = file.losses.map { loss in
            switch loss {
            case .extras(let bytes): "without the \(bytes) bytes that followed it"
            case .preview: "without its preview, which can't be turned"
            }
        }
        return ([change] + losses).joined(separator: ", ")
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
        case .success(.turned(_, let file, _)):
            turned += 1
            if file.change == .reencoded { encodedAgain += 1 }
            if file.change == .trimmed { trimmed += 1 }
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
