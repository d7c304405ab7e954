// SPDX-License-Identifier: MIT

import ArgumentParser
import CommandSupport
import Images
import Inference
import JSON
import ONNX
import Quantization
import SwiftNet
import SystemCalls
import Text

/// `swiftnet quantize`: a model in 8-bit integers, with the error that they bring.
struct QuantizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantize", _superCommandName: SwiftNetCommand.name,
        abstract: "Bring a model to 8-bit integers, and show what that costs.",
        discussion: """
            Half of the images chooses the ranges of all values, the other half measures how many answers change. Layers that \
            bring the most error stay in floats until no more than --bound percent of the answers do. The result is a file \
            in the model's version, a quarter of the size, which --precision int8 of the other commands takes. Where the \
            images lie in folders that bear the labels' names, right answers are counted too.

            EXAMPLES
              swiftnet quantize --model mnist --calibration digits/
              swiftnet quantize --model rotation --calibration photos/ --bound 0.5 --report error.json
              swiftnet infer --model rotation --precision int8 photo.jpg
            """)

    @OptionGroup var modelOptions: ModelOptions
    @OptionGroup var imageOptions: ImageOptions

    @Option(
        help: ArgumentHelp("Images like those that the model is used on; some hundreds are enough.", valueName: "dir"),
        completion: .directory)
    var calibration: String

    @Option(help: ArgumentHelp("Percent of the answers that may change.", valueName: "points"))
    var bound: Double = 1

    @Option(help: ArgumentHelp("Use so many of the images, evenly chosen.", valueName: "N"))
    var images: Int = 256

    @Option(help: ArgumentHelp("Threads to use. Default: as many as this process may run at once.", valueName: "N"))
    var threads: Int?

    @Option(
        help: ArgumentHelp("Also write the error of each layer as JSON.", valueName: "file"), completion: .file())
    var report: String?

    @Flag(help: "Replace the model's int8 file, and that of --report, if they exist.")
    var force = false

    mutating func validate() throws {
        if !(0...100).contains(bound) { throw ValidationError("--bound must be 0 to 100 percent, not \(bound).") }
        if !(Quantizer.leastImages...100_000).contains(images) {
            throw ValidationError("--images must be \(Quantizer.leastImages) to 100000, not \(images).")
        }
        if let threads, !(1...256).contains(threads) {
            throw ValidationError("--threads must be 1 to 256, not \(threads).")
        }
    }

    func run() throws {
        try Failure.reporting {
            let existing: OutputFile.Existing = force ? .replace : .refuse
            if let report { try OutputFile.check(report, existing: existing) }
            let repository = try modelOptions.repository()
            let model = try modelOptions.load()
            try model.checkTakesPictures()
            if !force, model.description.versions["\(model.version)"]?.files[.int8] != nil {
                throw InferenceError.precisionExists(.int8, model: model.description.name, version: model.version)
            }
            try repository.checkCanAdd(to: model.description.name, version: model.version)
            let (inputs, labels) = try read(model)
            let usable = threads ?? CoreCount.current().usable
            let quantizer = try Quantizer(model.readGraph(), inputs: inputs, threads: usable)
            let result = try quantizer.quantize(bound: bound) { writeStandardError("swiftnet: \($0)\n") }
            let bytes = try ONNXWriter.bytes(of: result.graph, name: model.description.name)
            let accuracy = accuracies(result, labels, model)
            let entry = try repository.add(
                bytes, as: .int8, to: model.description.name, version: model.version,
                details: details(result, accuracy), replaces: force)
            try writeStandardOutput(table(result))
            try writeStandardOutput(summary(result, accuracy, entry, bytes.count, model))
            if let report {
                try OutputFile.write(Array(json(result, accuracy).prettyText.utf8), to: report, existing: existing)
            }
        }
    }

    // MARK: Images

    /// The images as the network takes them, and the label of each where its folder bears one.
    private func read(_ model: LoadedModel) throws -> (inputs: [Tensor], labels: [Int?]) {
        let files = InputFiles([calibration], recursive: true, limits: imageOptions.limits)
        for note in files.notes { writeStandardError("swiftnet: \(Printable.line(note))\n") }
        let count = min(images, files.items.count)
        var (inputs, labels): ([Tensor], [Int?]) = ([], [])
        var failed: (count: Int, first: String) = (0, "")
        let progress = ProgressBar(total: count, isShown: true)
        defer { progress.finish() }
        for index in 0..<count {
            let place = index * files.items.count / count
            let name = files.items[place].name
            do {
                inputs.append(try model.preprocessor.tensor(of: files.read(place), limits: imageOptions.limits))
                let folder = name.split(separator: "/").dropLast().last.map(String.init)
                labels.append(model.description.labels.firstIndex { $0 == folder })
            } catch {
                if failed.count == 0 { failed.first = Failure.message(error, about: name) }
                failed.count += 1
            }
            progress.advance()
        }
        if failed.count > 0 {
            progress.interrupted {
                writeStandardError("swiftnet: \(failed.count) of \(count) images are left out: \(failed.first)\n")
            }
        }
        return (inputs, labels)
    }

    // MARK: Results

    private struct Accuracies {
        let float: Double
        let int8: Double
        let count: Int
    }

    /// Shares of right answers on the images held out, if these have labels.
    private func accuracies(_ result: Quantizer.Result, _ labels: [Int?], _ model: LoadedModel) -> Accuracies? {
        let held = labels.indices.filter { $0 % 2 == 1 }.map { labels[$0] }
        let known = zip(held, zip(result.floatClasses, result.classes)).compactMap { label, classes in
            label.map { (label: $0, float: classes.0, int8: classes.1) }
        }
        guard known.count == held.count, !known.isEmpty else { return nil }
        return Accuracies(
            float: Double(known.count { $0.label == $0.float }) / Double(known.count),
            int8: Double(known.count { $0.label == $0.int8 }) / Double(known.count), count: known.count)
    }

    private func details(_ result: Quantizer.Result, _ accuracy: Accuracies?) -> ModelDescription.PrecisionFile {
        let inFloat = result.layers.count { $0.form == .floats }
        return ModelDescription.PrecisionFile(
            file: "model.int8.onnx", agreement: rounded(1 - result.changedAnswers / 100, 10000),
            testAccuracy: accuracy.map { rounded($0.int8, 10000) },
            testSet: "\(result.imagesMeasured) calibration images held out",
            notes: "\(inFloat) of \(result.layers.count) layers in f32, \(rounded(result.signalToNoise, 10)) dB")
    }

    private func rounded(_ value: Double, _ steps: Double) -> Double { (value * steps).rounded() / steps }

    /// The layer's, and that of what stands behind it if that is another.
    private func precision(_ layer: Quantizer.LayerError) -> String {
        switch layer.form {
        case .integers: "int8"
        case .product: "int8, then f32"
        case .floats: "f32"
        }
    }

    private func table(_ result: Quantizer.Result) -> String {
        var rows = [["layer", "precision", "signal to noise", "share of the error"]]
        for layer in result.layers {
            rows.append([
                Printable.line(layer.name), precision(layer), "\(rounded(layer.signalToNoise, 10)) dB",
                "\(rounded(layer.share * 100, 10)) %",
            ])
        }
        return "\(Table(rows))\n"
    }

    private func summary(
        _ result: Quantizer.Result, _ accuracy: Accuracies?, _ entry: ModelRepository.Entry, _ bytes: Int,
        _ model: LoadedModel
    ) -> String {
        let before = model.description.versions["\(model.version)"]?.bytes
        let right = accuracy.map {
            "right answers    \(Percent.text(Float($0.int8))) (f32: \(Percent.text(Float($0.float)))) of \($0.count)\n"
        }
        return """
            changed answers  \(result.changedAnswers) % of \(result.imagesMeasured) images held out
            \(right ?? "")signal to noise  \(rounded(result.signalToNoise, 10)) dB
            layers in f32    \(result.layers.count { $0.form == .floats }) of \(result.layers.count), \
            activations of \(result.layers.count { $0.form == .product }) more
            equalised        \(result.equalizedPairs) pairs of layers
            file             \(Printable.line(entry.path)), \(ByteCount.text(bytes))\(before.map { " (f32: \(ByteCount.text($0)))" } ?? "")
            next: swiftnet infer\(modelOptions.weights.map { " --weights \(Printable.line($0))" } ?? "") --model \(entry.description.name) --version \(entry.version) --precision int8 IMAGE ...\n
            """
    }

    private func json(_ result: Quantizer.Result, _ accuracy: Accuracies?) -> JSONValue {
        var fields: [(String, JSONValue)] = [
            ("changed_answers_percent", .number(result.changedAnswers)),
            ("images_measured", .integer(result.imagesMeasured)),
            ("signal_to_noise_db", number(result.signalToNoise)),
            ("equalized_pairs", .integer(result.equalizedPairs)),
        ]
        if let accuracy {
            fields += [("accuracy_f32", .number(accuracy.float)), ("accuracy_int8", .number(accuracy.int8))]
        }
        let layers = result.layers.map { layer -> JSONValue in
            .object([
                ("name", .string(layer.name)), ("precision", .string(precision(layer))),
                ("signal_to_noise_db", number(layer.signalToNoise)), ("share_of_error", .number(layer.share)),
            ])
        }
        return .object(fields + [("layers", .array(layers))])
    }

    /// JSON has no infinity: a layer without any error has none.
    private func number(_ value: Double) -> JSONValue { value.isFinite ? .number(value) : .null }
}
