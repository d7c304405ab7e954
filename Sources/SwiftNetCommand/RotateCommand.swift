// SPDX-License-Identifier: MIT

import ArgumentParser
import CommandSupport
import Images
import Inference
import SwiftNet
import SystemCalls

/// `swiftnet rotate`: puts photos upright.
struct RotateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", _superCommandName: SwiftNetCommand.name,
        abstract: "Put photos upright.",
        discussion: """
            Writes each photo that lies on a side or on its head as it should be seen. A JPEG is turned without a loss \
            and keeps all that its file holds, what follows the picture too; its EXIF orientation is reset. Where its \
            size is no multiple of its blocks it is encoded again, or cut with --trim. Owner, permissions, times and \
            extended attributes stay. A photo that the model is unsure of is left as it is and listed, and so is one \
            that is seen upright already; --out gets copies of both. A folder stands for the PNG, JPEG, WebP, HEIC and \
            AVIF images in it. WebP, HEIC and AVIF are read, not written: those that lie wrong are refused.

            EXAMPLES
              swiftnet rotate --dry-run photos/
              swiftnet rotate -r --out upright/ photos/
              swiftnet rotate --in-place --min-confidence 0.95 *.jpg
            """)

    @OptionGroup var modelOptions: ModelOptions
    @OptionGroup var precisionOptions: PrecisionOptions
    @OptionGroup var imageOptions: ImageOptions

    @Option(help: ArgumentHelp("Turn only photos whose answer is at least this probable.", valueName: "0 to 1"))
    var minConfidence: Float = 0.8

    @Option(
        help: ArgumentHelp(
            "Write photos to this folder, which is made, under their names: those turned, and copies of the others. "
                + "Files that are there stay.", valueName: "dir"),
        completion: .directory)
    var out: String?

    @Flag(
        help: """
            Replace the photos that are turned, each in one step. A photo that has a second name (a hard link) stays as it was \
            under that one.
            """)
    var inPlace = false

    @Flag(help: "With --out: replace files that are there.")
    var force = false

    @Flag(help: "With --out: leave out photos that the model is unsure of.")
    var skipUnsure = false

    @Flag(help: "Write nothing; say what would be done.")
    var dryRun = false

    @Flag(help: "Change only the orientation that the EXIF data state, and no pixel.")
    var exifOnly = false

    @Flag(
        help: """
            Leave out of photos that are turned what follows the picture in a JPEG: a film, a gain map, a second view. \
            Else it is kept; where that can't be done the photo is refused.
            """)
    var dropExtras = false

    @Flag(help: "Cut up to 15 rows or columns off a JPEG that can't be turned whole, rather than encode it again.")
    var trim = false

    @Flag(name: .shortAndLong, help: "Go down into folders within folders.")
    var recursive = false

    @Option(
        help: ArgumentHelp(
            "How often the model looks at a photo: in its 4 turns, which is surer, or 1 time, which is faster.",
            valueName: "1|4"))
    var views: Int = 4

    @Option(help: ArgumentHelp("Threads to use. Default: as many as this process may run at once.", valueName: "N"))
    var threads: Int?

    @Argument(help: ArgumentHelp("Photos, or folders of photos.", valueName: "file|dir"), completion: .file())
    var files: [String]

    /// The model used where none is named.
    private static let defaultModel = "rotation"

    mutating func validate() throws {
        if !(0...1).contains(minConfidence) {
            throw ValidationError("--min-confidence must be 0 to 1, not \(minConfidence).")
        }
        if let threads, !(1...256).contains(threads) {
            throw ValidationError("--threads must be 1 to 256, not \(threads).")
        }
        if ViewCount(rawValue: views) == nil { throw ValidationError("--views must be 1 or 4, not \(views).") }
        if (force || skipUnsure) && out == nil {
            throw ValidationError("\(force ? "--force" : "--skip-unsure") is about the folder of --out.")
        }
        if out != nil && inPlace { throw ValidationError("Choose one of --out and --in-place.") }
        if out == nil && !inPlace && !dryRun {
            throw ValidationError("Say where the photos go: --out DIR or --in-place; or try --dry-run.")
        }
        if files.isEmpty { throw ValidationError("Expected at least one photo or folder.") }
        if files.contains("-") { throw ValidationError("Photos are read from files, not from standard input.") }
    }

    func run() throws {
        try Failure.reporting {
            let model = try modelOptions.load(
                default: Self.defaultModel, precision: precisionOptions.precision)
            try model.checkTakesPictures()
            guard Rotation.areDegrees(model.description.labels) else {
                throw ValidationError(
                    "Model '\(model.description.name)' tells no rotation; expected the labels 0, 90, 180 and 270.")
            }
            if views == 4 { try model.checkFourViews() }
            let limits = imageOptions.limits
            let inputs = InputFiles(files, recursive: recursive, excluding: out, limits: limits)
            for note in inputs.notes { writeStandardError("swiftnet: \(Printable.line(note))\n") }
            let writer = PhotoWriter(
                target: inPlace ? .inPlace : .folder(out ?? "", replaces: force), writes: !dryRun,
                options: TurningOptions(
                    method: exifOnly ? .orientation : .pixels, partialBlocks: trim ? .trim : .reencode,
                    extras: dropExtras ? .drop : .keep, limits: limits),
                minConfidence: minConfidence, takesUnsure: out != nil && !skipUnsure)
            if let out, !dryRun, (try? FileSystem.kind(of: out)) != .directory {
                try FileSystem.makeFolder(out)
                writeStandardError("swiftnet: made the folder \(Printable.line(out))\n")
            }
            let summary = try turn(inputs, model, writer)
            try writeStandardOutput("\(summary)\n")
            if let first = summary.firstFailure {
                throw inputs.items.count == 1 ? Failure.exitCode(for: first) : Failure.someFailed
            }
        }
    }

    private func turn(_ inputs: InputFiles, _ model: LoadedModel, _ writer: PhotoWriter) throws -> RotationSummary {
        let count = inputs.items.count
        let predictor = BatchPredictor(
            model, threads: threads ?? CoreCount.current().usable, limits: imageOptions.limits,
            views: ViewCount(rawValue: views) ?? .four)
        let progress = ProgressBar(total: count, isShown: count > 1)
        defer { progress.finish() }
        var summary = RotationSummary(isRehearsal: dryRun)
        try predictor.run(count: count, read: { try inputs.read($0) }) { index, answer, _ in
            let name = inputs.items[index].name
            let outcome = Result {
                try writer.treat(inputs.items[index], answer.get().rotation) { try inputs.readWithAttributes(index) }
            }
            summary.count(outcome)
            switch outcome {
            case .success(let outcome):
                try progress.interrupted { try writeStandardOutput("\(Printable.line(name)): \(outcome)\n") }
            case .failure(let error):
                progress.interrupted { writeStandardError("swiftnet: \(Failure.message(error, about: name))\n") }
            }
            progress.advance()
        }
        return summary
    }
}
