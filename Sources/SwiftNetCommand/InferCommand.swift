// SPDX-License-Identifier: MIT

import ArgumentParser
import Checkpoints
import CommandSupport
import Images
import Inference
import SystemCalls

/// `swiftnet infer`: says what is on images.
struct InferCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "infer", _superCommandName: SwiftNetCommand.name,
        abstract: "Say what is on images.",
        discussion: """
            Prints a line per image, in the order of the arguments: name, label, confidence. A folder stands for the \
            PNG, JPEG, WebP, HEIC and AVIF images in it, '-' for one image from standard input.

            EXAMPLES
              swiftnet infer digit.png
              swiftnet infer --json --top 3 scans/ | jq .label
              swiftnet infer --show-prepared seen.png digit.jpg
              swiftnet infer --server 10.0.0.5:8000,10.0.0.6:8000 -r scans/
              swiftnet infer --weights mnist_cnn.pt - < digit.png
            """)

    @OptionGroup var modelOptions: ModelOptions
    @OptionGroup var precisionOptions: PrecisionOptions
    @OptionGroup var imageOptions: ImageOptions
    @OptionGroup var serverOptions: ServerOptions

    @Option(help: ArgumentHelp("Show the K likeliest classes.", valueName: "K"))
    var top: Int = 1

    @Flag(help: "Print one line of JSON per image.")
    var json = false

    @Flag(name: .shortAndLong, help: "Go down into folders within folders.")
    var recursive = false

    @Option(
        help: ArgumentHelp(
            "How often a rotation model looks at a photo: 1 time, or in its 4 turns, which is surer.",
            valueName: "1|4"))
    var views: Int = 1

    @Option(
        help: ArgumentHelp(
            "Write what the network sees of the one image as a PNG.",
            valueName: "file.png"),
        completion: .file())
    var showPrepared: String?

    @Option(
        help: ArgumentHelp(
            "Write the numbers of all outputs as numpy has them, and no lines: of one image under the outputs' names, of "
                + "several under IMAGE/OUTPUT. For networks that answer with maps or with several outputs, too.",
            valueName: "file.npz"),
        completion: .file())
    var output: String?

    @Flag(help: "Replace the files of --output and --show-prepared if they exist.")
    var force = false

    @Option(help: ArgumentHelp("Threads to use. Default: as many as this process may run at once.", valueName: "N"))
    var threads: Int?

    @Argument(
        help: ArgumentHelp("Images, folders of images, or '-' for standard input.", valueName: "file|dir|-"),
        completion: .file())
    var files: [String]

    mutating func validate() throws {
        if top < 1 { throw ValidationError("--top must be 1 or more, not \(top).") }
        if let threads, !(1...256).contains(threads) {
            throw ValidationError("--threads must be 1 to 256, not \(threads).")
        }
        if serverOptions.server != nil {
            if modelOptions.weights != nil || modelOptions.version != nil {
                throw ValidationError("--weights and --version are for this program's models; --server has its own.")
            }
            let flags = modelOptions.graphFlags
            if precisionOptions.precision != nil || flags.size != nil || flags.labels != nil
                || flags.architecture != nil || imageOptions.maxPixels != ImageLimits().maxPixels
            {
                throw ValidationError(
                    "--precision, --size, --labels, --architecture and --max-pixels are for this program's models; "
                        + "--server has its own settings.")
            }
            if showPrepared != nil {
                throw ValidationError("--show-prepared shows what this program sees, without --server.")
            }
            if output != nil {
                throw ValidationError("--output writes what this program's network answers, without --server.")
            }
        }
        if ViewCount(rawValue: views) == nil { throw ValidationError("--views must be 1 or 4, not \(views).") }
        if files.isEmpty { throw ValidationError("Expected at least one image, folder or '-'.") }
        if files.count(where: { $0 == "-" }) > 1 {
            throw ValidationError("Standard input, '-', can be read only once.")
        }
    }

    func run() throws {
        try Failure.reporting {
            if let servers = serverOptions.server { return try run(on: servers) }
            let source = try modelOptions.source(precision: precisionOptions.precision)
            let inputs = InputFiles(files, recursive: recursive, limits: imageOptions.limits)
            let usable = threads ?? CoreCount.current().usable
            let first = usable > 1 ? imagePrefetch(of: inputs, source) : nil
            let model = try modelOptions.load(source)
            try model.checkTakesPictures()
            if views == 4 { try model.checkFourViews() }
            for note in inputs.notes { writeStandardError("swiftnet: \(Printable.line(note))\n") }
            let count = inputs.items.count
            var predictor = BatchPredictor(
                model, threads: usable, limits: imageOptions.limits, views: ViewCount(rawValue: views) ?? .one)
            predictor.first = first
            let progress = ProgressBar(total: count, isShown: count > 1)
            defer { progress.finish() }
            if let showPrepared { try writePrepared(of: inputs, model, to: showPrepared) }
            if let output { return try writeOutputs(of: inputs, model, to: output, threads: usable) }
            var failures: [any Error] = []
            try predictor.run(count: count, read: { try inputs.read($0) }) { index, answer, milliseconds in
                let name = inputs.items[index].name
                switch answer {
                case .success(let prediction):
                    try progress.interrupted {
                        try writeStandardOutput(report(prediction, name: name, milliseconds: milliseconds) + "\n")
                    }
                case .failure(let error):
                    failures.append(error)
                    if json, let line = (error as? InferenceError)?.json(file: name) {
                        try progress.interrupted { try writeStandardOutput(line + "\n") }
                    }
                    progress.interrupted { writeStandardError("swiftnet: \(Failure.message(error, about: name))\n") }
                }
                progress.advance()
            }
            if let first = failures.first { throw count == 1 ? Failure.exitCode(for: first) : Failure.someFailed }
        }
    }

    /// Begins with the one image while the model is loaded; nil where there are more, or where that is not to be read yet.
    private func imagePrefetch(of inputs: InputFiles, _ source: ModelSource) -> ImagePrefetch? {
        guard inputs.items.count == 1, showPrepared == nil, output == nil, let input = source.input,
            input.preprocessing != .tensors, case .source(.file(let path, _, _)) = inputs.items[0],
            (try? FileSystem.kind(of: path)) == .file
        else { return nil }
        return try? ImagePrefetch(for: input, limits: imageOptions.limits) { try inputs.read(0) }
    }

    /// Writes all outputs for all images, or nothing if one fails.
    private func writeOutputs(of inputs: InputFiles, _ model: LoadedModel, to path: String, threads: Int) throws {
        let predictor = try Predictor(model, threads: threads, limits: imageOptions.limits)
        var archive = NPZWriter(try OutputFile(path, existing: force ? .replace : .refuse))
        for (index, item) in inputs.items.enumerated() {
            do {
                let outputs = try predictor.tensors(of: inputs.read(index))
                let folder = inputs.items.count == 1 ? "" : item.nameBelow + "/"
                for (name, tensor) in outputs { try archive.add(folder + name, tensor) }
            } catch {
                writeStandardError("swiftnet: \(Failure.message(error, about: item.name))\n")
                throw Failure.exitCode(for: error)
            }
        }
        try archive.finish()
    }

    /// Writes the prepared picture; one that can't be prepared is left to the answer's message.
    private func writePrepared(of inputs: InputFiles, _ model: LoadedModel, to path: String) throws {
        guard inputs.items.count == 1, inputs.items[0].name != "-" else {
            throw ValidationError("--show-prepared takes one image file, not \(inputs.items.count).")
        }
        let predictor = try Predictor(model, limits: imageOptions.limits)
        guard let picture = try? predictor.prepared(inputs.read(0)) else { return }
        try OutputFile.write(ImageEncoder.png(picture), to: path, existing: force ? .replace : .keepIfSame)
    }

    private func report(_ prediction: Prediction, name: String, milliseconds: Double) -> String {
        if json { return prediction.json(file: PathText.shown(name), top: top, milliseconds: milliseconds) }
        let classes = prediction.top(top).map { "\(Printable.line($0.label))  \(Percent.text($0.score))" }
        return "\(Printable.line(name)): " + classes.joined(separator: "  ")
    }
}
