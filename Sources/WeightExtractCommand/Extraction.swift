// SPDX-License-Identifier: MIT

import Checkpoints
import CommandSupport
import Inference
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

    private func selection(key: String?) -> WeightsSelection {
        WeightsSelection(
            key: key, member: options.member, keepsPrefixes: options.keepPrefix, dequantises: options.dequantize)
    }

    private func read(key: String?) throws -> ExtractionReport {
        var contents = try CheckpointContents.open(
            path: options.input, limits: limits, selection: selection(key: key), discardable: true)
        if !options.list { contents.keepOnly(whatFits: writerOptions.format) }
        return ExtractionReport(input: options.input, contents: contents, recognised: try recognised(contents))
    }

    /// Reads, and unless only a list is wanted, writes.
    func run() throws -> ExtractionReport {
        var report = try read(key: options.key)
        guard !options.list else { return report }
        try requireWeights(report)
        if let model = options.install {
            // Weights that are not whole make no model.
            guard !report.isPartial else { throw CheckpointError.noWeights(found: report.partialText) }
            let place = try Installation(
                model: model, repository: options.weights, labels: options.labels.map(LabelsFile.names), report: report)
            try place.prepare()
            do {
                try write(to: place.path, report: &report)
                report.installed = (model, try place.record(report))
            } catch {
                place.abandon()
                throw error
            }
        } else {
            let path = try outputPath()
            try checkPaths(outputs: [path])
            try write(to: path, report: &report)
        }
        return report
    }

    /// Writes every place that holds weights to a file of its own.
    func runAll() throws -> [ExtractionReport] {
        let places = try CheckpointContents.places(
            path: options.input, limits: limits, selection: selection(key: nil), discardable: true)
        guard !places.isEmpty else { return [try run()] }
        let stem = try outputPath(forAll: true)
        let paths = places.map { place in
            // A place's name becomes part of a file's.
            let name = String(place.map { $0 == "/" || $0 == "\\" || $0.isWhitespace ? "_" : $0 })
            return "\(stem).\(name.isEmpty ? "root" : name).\(writerOptions.format.rawValue)"
        }
        guard Set(paths).count == paths.count else { throw InstallationError.onePlaceForTwo(stem) }
        try checkPaths(outputs: paths)
        var reports = try places.map { try read(key: $0) }
        for index in reports.indices {
            try requireWeights(reports[index])
            try write(to: paths[index], report: &reports[index])
        }
        return reports
    }

    private func requireWeights(_ report: ExtractionReport) throws {
        guard report.contents.weights.isEmpty, !report.summary.unsupported.isEmpty else { return }
        throw CheckpointError.noWeights(found: report.partialText)
    }

    private var writerOptions: WeightsWriter.Options {
        let isSafetensors = options.output?.hasSuffix(".safetensors") == true
        return WeightsWriter.Options(
            format: options.format ?? (isSafetensors ? .safetensors : .pytorch), floatType: options.dtype?.elementType)
    }

    /// `model.pth` beside the input, never the input itself; for several files, what all their names begin with.
    private func outputPath(forAll: Bool = false) throws -> String {
        if options.output == "-" { return "/dev/stdout" }
        if forAll {
            var path = options.output ?? (options.input == "-" ? "model" : options.input)
            while path.count > 1, path.hasSuffix("/") { path.removeLast() }
            let name = path.split(separator: "/").last ?? ""
            guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return path }
            return String(path.dropLast(name.distance(from: dot, to: name.endIndex)))
        }
        // Beside a pipe is no place for files.
        let kind = options.input == "-" ? FileKind.other : try FileSystem.kind(of: options.input)
        let folder = kind == .other ? "" : options.input.lastIndex(of: "/").map { String(options.input[...$0]) } ?? ""
        return options.output ?? folder + "model." + writerOptions.format.rawValue
    }

    /// Asks, before the work, whether all that is to be written may be: nothing takes the place of the input, nor the report
    /// that of the weights.
    private func checkPaths(outputs: [String]) throws {
        func place(_ path: String) -> String { FileSystem.canonical(path) ?? path }
        let input = place(options.input)
        if let output = outputs.first(where: { place($0) == input }) {
            throw InstallationError.wouldReplaceInput(output)
        }
        if let report = options.report {
            if place(report) == input { throw InstallationError.wouldReplaceInput(report) }
            if outputs.contains(where: { place($0) == place(report) }) {
                throw InstallationError.onePlaceForTwo(report)
            }
            try OutputFile.check(report, existing: options.existingFiles)
        }
        do {
            for output in outputs { try OutputFile.check(output, existing: options.existingFiles) }
        } catch let error as OutputError where options.output == nil {
            throw InstallationError.defaultPlace(error)
        }
    }

    private func write(to path: String, report: inout ExtractionReport) throws {
        let contents = report.contents
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

    /// The network that the weights belong to, or that the user names; nil where they belong to none that is known.
    private func recognised(_ contents: CheckpointContents) throws -> RecognisedArchitecture? {
        let weights = try contents.outline()
        if let name = options.architecture { return try RecognisedArchitecture(named: name, in: weights) }
        return try? RecognisedArchitecture(in: weights, contents.summary, path: options.input)
    }
}
