// SPDX-License-Identifier: MIT

import SystemCalls
import Tensors

/// Writes the weights of a checkpoint to a new file, in one pass that needs little memory.
package struct WeightsWriter {
    /// The kinds of files that are written.
    package enum Format: String, Sendable, CaseIterable {
        /// PyTorch's zip archive.
        case pytorch = "pth"
        /// Tensors behind a JSON header.
        case safetensors
    }

    package struct Options: Sendable {
        package var format = Format.pytorch
        /// The type for floating-point weights; nil leaves each as it is.
        package var floatType: ElementType?

        package init(format: Format = .pytorch, floatType: ElementType? = nil) {
            self.format = format
            self.floatType = floatType
        }
    }

    /// What was written.
    package struct Result: Sendable {
        /// Bytes of the file.
        package let fileBytes: Int
        /// Bytes of the tensors within.
        package let tensorBytes: Int
        /// Values of note, by name, for the tensors that have any.
        package let statistics: [(name: String, counts: UnusualValues)]
        /// The file was there already, with these bytes.
        package let isUnchanged: Bool
        /// What was written can be read back: it went neither to a pipe nor to a device.
        package let isRegular: Bool
    }

    private let contents: CheckpointContents
    private let plans: [TensorPlan]
    private let options: Options
    private let progress: (_ done: Int, _ total: Int) -> Void
    private var pass = TensorPass()
    private var written = 0
    private var statistics: [(name: String, counts: UnusualValues)] = []

    /// Writes the file `path`, which appears whole or not at all.
    ///
    /// The checksums of the weights are verified on the way.
    ///
    /// - Parameters:
    ///   - existing: What may be at the path already.
    ///   - progress: Called now and then with the tensor bytes written, and their total.
    /// - Throws: ``CheckpointError`` where the weights are damaged; `OutputError` where there is something to keep;
    ///   `SystemError` where the file cannot be written.
    package static func write(
        _ contents: CheckpointContents, to path: String, existing: OutputFile.Existing, options: Options,
        progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> Result {
        let plans = try TensorPlan.plans(for: contents.weights, floatType: options.floatType)
        var writer = WeightsWriter(contents: contents, plans: plans, options: options, progress: progress)
        let output = try OutputFile(path, existing: existing)
        switch options.format {
        case .pytorch: try writer.writeTorch(output, folder: output.isRegular ? folderName(path) : "archive")
        case .safetensors: try writer.writeSafetensors(output)
        }
        let outcome = try output.finish()
        return Result(
            fileBytes: output.offset, tensorBytes: writer.written, statistics: writer.statistics,
            isUnchanged: outcome == .unchanged, isRegular: output.isRegular)
    }

    private init(
        contents: CheckpointContents, plans: [TensorPlan], options: Options, progress: @escaping (Int, Int) -> Void
    ) {
        self.contents = contents
        self.plans = plans
        self.options = options
        self.progress = progress
    }

    /// PyTorch names the archive's folder after the file; a name that an archive should not have gives way.
    private static func folderName(_ path: String) -> String {
        let file = path.split(separator: "/").last.map { String($0) } ?? ""
        let stem = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
        return stem.isEmpty || !ArchiveNames.isPlain(stem) ? "archive" : stem
    }

    private mutating func writeTorch(_ output: OutputFile, folder: String) throws {
        var seen: Set<Int> = []
        let storages = plans.filter { seen.insert($0.storageIndex).inserted }
        let total = storages.reduce(0) { $0 + $1.byteCount }
        var archive = TorchArchiveWriter(output: output, folder: folder)
        try archive.add("data.pkl", TorchPickleWriter.pickle(of: plans))
        try archive.add(".format_version", Array("1".utf8))
        try archive.add(".storage_alignment", Array("64".utf8))
        try archive.add("byteorder", Array("little".utf8))
        for plan in storages {
            try archive.add("data/\(plan.storageIndex)", byteCount: plan.byteCount) { write in
                try stream(plan, total: total, write)
            }
        }
        try archive.add("version", Array("3\n".utf8))
        try archive.add(".data/serialization_id", Array(archive.serializationID.utf8))
        try archive.finish()
    }

    private mutating func writeSafetensors(_ output: OutputFile) throws {
        let file = SafetensorsWriter(plans)
        try output.write(file.header())
        let total = plans.reduce(0) { $0 + $1.byteCount }
        for plan in file.tensors { _ = try stream(plan, total: total) { try output.write($0) } }
    }

    /// Passes a tensor's elements on, verified, counted and converted; returns their checksum.
    private mutating func stream(
        _ plan: TensorPlan, total: Int, _ write: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> UInt32 {
        var counts = UnusualValues()
        let before = written
        let checksum = try pass.run(plan, counts: &counts) { piece in
            try write(piece)
            written += piece.count
            progress(written, total)
        }
        precondition(written - before == plan.byteCount, "a tensor is written whole")
        if !counts.isClean { statistics.append((plan.name, counts)) }
        return checksum
    }
}
