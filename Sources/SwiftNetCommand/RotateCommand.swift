// SPDX-License-Identifier: MIT

import ArgumentParser
import Images
import Inference
import SwiftNet
import SystemCalls

/// `swiftnet rotate`: puts photos upright.
struct RotateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Put photos upright.",
        discussion: """
            Writes each photo that lies on a side or on its head as it should be seen. A JPEG is turned without a loss \
            and keeps its metadata; its EXIF orientation is reset. Where its size is no multiple of its blocks it is \
            encoded again, or cut with --trim. A photo that the model is unsure of is left as it is and listed, and so \
            is one that is seen upright already. A folder stands for the PNG and JPEG images in it.

            EXAMPLES
              swiftnet rotate --dry-run photos/
              swiftnet rotate --out upright/ photos/
              swiftnet rotate --in-place --min-confidence 0.95 *.jpg
            """)

    @OptionGroup var modelOptions: ModelOptions
    @OptionGroup var imageOptions: ImageOptions

    @Option(help: ArgumentHelp("Turn only photos whose answer is at least this probable.", valueName: "0 to 1"))
    var minConfidence: Float = 0.8

    @Option(
        help: ArgumentHelp(
            "Write photos to this folder under their names: those turned, and copies of those upright already. Files "
                + "that are there stay.", valueName: "dir"),
        completion: .directory)
    var out: String?

    @Flag(help: "Replace the photos that are turned, each in one step.")
    var inPlace = false

    @Flag(help: "Write nothing; say what would be done.")
    var dryRun = false

    @Flag(help: "Cut up to 15 rows or columns off a JPEG that can't be turned whole, rather than encode it again.")
    var trim = false

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
        if out != nil && inPlace { throw ValidationError("Choose one of --out and --in-place.") }
        if out == nil && !inPlace && !dryRun {
            throw ValidationError("Say where the photos go: --out DIR or --in-place; or try --dry-run.")
        }
        if files.isEmpty { throw ValidationError("Expected at least one photo or folder.") }
        if files.contains("-") { throw ValidationError("Photos are read from files, not from standard input.") }
    }

    func run() throws {
        try Failure.reporting {
            let model = try modelOptions.load(default: Self.defaultModel)
            guard Rotation.areDegrees(model.description.labels) else {
                throw ValidationError(
                    "Model '\(model.description.name)' tells no rotation; expected the labels 0, 90, 180 and 270.")
            }
            let inputs = InputFiles(files, limits: imageOptions.limits)
            let writer = PhotoWriter(
                target: inPlace ? .inPlace : .folder(out ?? ""), writes: !dryRun,
                partialBlocks: trim ? .trim : .reencode, minConfidence: minConfidence, limits: imageOptions.limits)
            if let out, !dryRun, (try? FileSystem.kind(of: out)) != .directory { try FileSystem.makeFolder(out) }
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
            model, threads: threads ?? CoreCount.current().usable, limits: imageOptions.limits)
        let progress = ProgressBar(total: count, isShown: count > 1)
        defer { progress.finish() }
        var summary = RotationSummary(isRehearsal: dryRun)
        try predictor.run(count: count, read: { try inputs.read($0) }) { index, answer, _ in
            let name = inputs.items[index].name
            let outcome = Result {
                try writer.treat(name, answer.get().rotation) { try inputs.read(index) }
            }
            summary.count(outcome)
            switch outcome {
            case .success(let outcome):
                try progress.interrupted { try writeStandardOutput("\(Failure.printable(name)): \(outcome)\n") }
            case .failure(let error):
                progress.interrupted { writeStandardError("swiftnet: \(Failure.message(error, about: name))\n") }
            }
            progress.advance()
        }
        return summary
    }
}
