// SPDX-License-Identifier: MIT

import Checkpoints
import Models
import SystemCalls
import Tensors

/// One run of the command.
struct Extraction {
    let options: WeightExtractCommand
    private let limits: CheckpointLimits

    init(options: WeightExtractCommand) throws {
        self.options = options
        var limits = CheckpointLimits()
        for setting in options.limit { _ = limits.set(setting.name, to: setting.value) }
        self.limits = limits
    }

    /// Reads, and unless only a list is wanted, writes.
    func run() throws -> ExtractionReport {
        let selection = WeightsSelection(key: options.key, member: options.member, keepsPrefixes: options.keepPrefix)
        let contents = try CheckpointContents.open(
            path: options.input, limits: limits, selection: selection, discardable: true)
        var report = ExtractionReport(
            input: options.input, contents: contents, architecture: try architecture(contents))
        guard !options.list else { return report }
        guard !contents.weights.isEmpty else {
            throw CheckpointError.noWeights(found: "none of the weights has a type that can be written")
        }
        if let model = options.install {
            let folder = options.weights ?? ProcessEnvironment.value("SWIFTNET_WEIGHTS") ?? "Weights"
            let place = try Installation(model: model, repository: folder, architecture: report.architecture)
            try place.prepare()
            do {
                try write(contents, to: place.path, report: &report)
                try place.record(report)
            } catch {
                place.abandon()
                throw error
            }
        } else {
            let path = try outputPath()
            try checkPaths(output: path)
            try write(contents, to: path, report: &report)
        }
        return report
    }

    private var writerOptions: WeightsWriter.Options {
        let isSafetensors = options.output?.hasSuffix(".safetensors") == true
        return WeightsWriter.Options(
            format: options.format ?? (isSafetensors ? .safetensors : .pytorch), floatType: options.dtype?.elementType)
    }

    /// `model.pth` beside the input, never the input itself.
    private func outputPath() throws -> String {
        let folder = options.input.lastIndex(of: "/").map { String(options.input[...$0]) } ?? ""
        if options.output == "-" { return "/dev/stdout" }
        return options.output ?? folder + "model." + writerOptions.format.rawValue
    }

    /// Asks, before the work, whether all that is to be written may be: nothing takes the place of the input, nor the report
    /// that of the weights.
    private func checkPaths(output: String) throws {
        let places = [options.input, output, options.report].map { $0.flatMap { FileSystem.canonical($0) ?? $0 } }
        if places[1] == places[0] { throw InstallationError.wouldReplaceInput(output) }
        if let report = options.report {
            if places[2] == places[0] { throw InstallationError.wouldReplaceInput(report) }
            if places[2] == places[1] { throw InstallationError.onePlaceForTwo(output) }
            try OutputFile.check(report, existing: options.existingFiles)
        }
        do {
            try OutputFile.check(output, existing: options.existingFiles)
        } catch let error as OutputError where options.output == nil {
            throw InstallationError.defaultPlace(error)
        }
    }

    private func write(_ contents: CheckpointContents, to path: String, report: inout ExtractionReport) throws {
        let progress = ProgressLine(isShown: !options.quiet)
        defer { progress.finish() }
        if options.verify {
            try contents.verifyDropped()
            report.checksums.dropped.confirm()
        }
        let existing = options.install == nil ? options.existingFiles : .refuse
        let written: WeightsWriter.Result
        do {
            written = try WeightsWriter.write(contents, to: path, existing: existing, options: writerOptions) {
                progress.show($0, of: $1)
            }
        } catch let error as OutputError where options.output == nil {
            throw InstallationError.defaultPlace(error)
        }
        report.outputPath = path
        report.outputFormat = writerOptions.format
        report.floatType = writerOptions.floatType
        report.written = written
        report.checksums.weights.confirm()
        guard options.verify, written.isRegular else { return }
        try WeightsVerifier.verify(path, against: contents, options: writerOptions, limits: limits)
        report.isVerified = true
    }

    /// The network that the weights belong to; nil where they belong to none that is known.
    private func architecture(_ contents: CheckpointContents) throws -> Architecture? {
        try? Architecture.recognised(in: contents.outline())
    }
}

/// How far the writing is, on a terminal and for large files alone.
final class ProgressLine {
    private let isShown: Bool
    private var lastPercent = -1
    private static let leastBytes = 64 << 20

    init(isShown: Bool) {
        self.isShown = isShown && ProcessEnvironment.standardErrorIsTerminal
    }

    func show(_ done: Int, of total: Int) {
        guard isShown, total >= Self.leastBytes else { return }
        let percent = done / max(1, total / 100)
        guard percent != lastPercent else { return }
        lastPercent = percent
        writeStandardError("\rwriting \(min(100, percent)) % of \(Bytes.text(total))\u{1B}[K")
    }

    func finish() {
        if lastPercent >= 0 { writeStandardError("\r\u{1B}[K") }
    }
}

/// Numbers of bytes, for people.
enum Bytes {
    /// For example "16.3 MB".
    static func text(_ count: Int) -> String {
        let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")]
        for (size, unit) in units where abs(count) >= size {
            let tenths = (count + (count < 0 ? -1 : 1) * size / 20) / (size / 10)
            return "\(tenths / 10).\(abs(tenths % 10)) \(unit)"
        }
        return "\(count) bytes"
    }
}
