// SPDX-License-Identifier: MIT

import ArgumentParser
import Checkpoints
import CommandSupport
import Inference
import JSON
import Release
import SystemCalls
import Tensors

/// The program's start.
@main
enum Program {
    static func main() {
        // Swift's own arguments have lost what is no UTF-8.
        WeightExtractCommand.main(ProcessEnvironment.arguments)
    }
}

/// `weight-extract`: a training checkpoint in, only its weights out.
struct WeightExtractCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weight-extract",
        abstract: "Takes the weights out of a checkpoint, whatever its format, and runs nothing that it contains.",
        discussion: """
            Reads PyTorch's zip archives, legacy streams and tars, TorchScript, programs of torch.export (.pt2), pickled state
            dicts and safetensors, also within a zip, tar or tar.gz; folders of shards by their index; - is standard input. The
            file's name does not matter. Writes model.pth beside the input unless told otherwise.
            A file that exists is kept unless --force; pipes and devices are written through.

            EXAMPLES
              weight-extract checkpoint.tar
              weight-extract --list model.pt
              weight-extract -o model.safetensors --dtype f16 checkpoint.pth

            Exit codes: 0 done, or there already with the same contents; 1 could not write, 3 some weights were not taken (--partial accepts that), 64 wrong usage, 65 the file is not sound or has no weights, 66 no such file.
            """,
        version: "weight-extract \(Release.version)")

    @Argument(help: ArgumentHelp("The checkpoint.", valueName: "file"), completion: .file())
    var input: String

    @Option(
        name: [.short, .long],
        help: "Write here; - is standard output. A name that ends in .safetensors chooses that format.",
        completion: .file())
    var output: String?

    @Option(help: "Write this kind of file: pth or safetensors.")
    var format: WeightsWriter.Format?

    @Option(help: ArgumentHelp("Convert floating-point weights to f32, f16 or bf16.", valueName: "type"))
    var dtype: FloatType?

    @Option(help: ArgumentHelp("Take the weights at this place: keys joined by dots.", valueName: "a.b"))
    var key: String?

    @Option(help: ArgumentHelp("Read this member of a zip or tar.", valueName: "name"))
    var member: String?

    @Flag(help: "Leave prefixes such as 'module.' on the names.")
    var keepPrefix = false

    @Flag(help: "Write every network of the file, each to NAME.PLACE.pth.")
    var all = false

    @Flag(help: "Exit code 0 even where some weights can't be taken.")
    var partial = false

    @Flag(help: "Turn quantised weights into f32.")
    var dequantize = false

    @Flag(help: "Only look: list the tensors and write nothing.")
    var list = false

    @Flag(help: "Read the written file back and compare every tensor; verify the checksums of what is dropped too.")
    var verify = false

    @Option(help: ArgumentHelp("Also write the report as JSON.", valueName: "file"), completion: .file())
    var report: String?

    @Option(
        help: ArgumentHelp(
            "Place the weights as the next version of this model in the repository, or as a new model, and run them once.",
            valueName: "model"))
    var install: String?

    @Option(
        help: ArgumentHelp(
            "With --install: names of the classes, a line each, in the order of the answers. Default: those that the checkpoint "
                + "keeps.", valueName: "file"),
        completion: .file())
    var labels: String?

    @Option(
        help: ArgumentHelp(
            "The model repository. Default: $SWIFTNET_WEIGHTS, share/swiftnet beside the program, or the package's own "
                + "Weights.", valueName: "folder"),
        completion: .directory)
    var weights: String?

    @Option(
        help: ArgumentHelp(
            "The network, for weights that fit several: tf_efficientnet_b0, deit_tiny_patch16_224.", valueName: "name"))
    var architecture: String?

    @Option(
        help: ArgumentHelp(
            "Change a limit of the reader, as in maxOpcodes=50000000. May be repeated.", valueName: "name=value"))
    var limit: [LimitSetting] = []

    @Flag(help: "Replace files that exist, and write through links.")
    var force = false

    @Flag(name: [.short, .long], help: "Print nothing but errors.")
    var quiet = false

    func validate() throws {
        if list, output != nil || install != nil || verify || dtype != nil || format != nil {
            throw ValidationError(
                "--list writes nothing: it goes with none of --output, --format, --dtype, --install, --verify.")
        }
        if all, list || install != nil || key != nil || output == "-" {
            throw ValidationError(
                "--all writes several files: it goes with none of --list, --install, --key, --output -.")
        }
        if all, input == "-" {
            throw ValidationError("--all reads the file several times: it can't be standard input.")
        }
        if verify, output == "-" {
            throw ValidationError("--verify reads the output back: it can't be standard output.")
        }
        if weights != nil, install == nil { throw ValidationError("--weights is for a model that --install adds.") }
        if labels != nil, install == nil { throw ValidationError("--labels is for a model that --install adds.") }
        if install != nil, output != nil { throw ValidationError("--install chooses the place: leave --output out.") }
        if install != nil, format == .safetensors { throw ValidationError("--install writes a .pth file.") }
        if let output, output.hasSuffix(".safetensors"), format == .pytorch {
            throw ValidationError("--format pth contradicts the name '\(output)'.")
        }
    }

    /// What may be where something is written.
    var existingFiles: OutputFile.Existing { force ? .replace : .keepIfSame }

    func run() throws {
        do {
            let extraction = try Extraction(options: self)
            let reports = try all ? extraction.runAll() : [extraction.run()]
            if let path = self.report {
                let json = all ? JSONValue.array(reports.map(\.json)) : reports[0].json
                try OutputFile.write(Array(json.prettyText.utf8), to: path, existing: existingFiles)
            }
            for report in reports where !quiet {
                let text = list ? report.listing : report.text
                if output == "-" { writeStandardError(text) } else { try writeStandardOutput(text) }
            }
            if !partial, let report = reports.first(where: \.isPartial) {
                writeStandardError("weight-extract: \(report.partialText)\n")
                throw ExitCode(3)
            }
        } catch let error as ExitCode {
            throw error
        } catch {
            let advice =
                (error as? CheckpointError)?.advice ?? (error as? SystemError)?.advice
                ?? (error as? InferenceError)?.advice
            var text = Printable.line("\(error)")
            let name = Printable.line(input)
            if error is CheckpointError, input != "-", !text.contains(name) { text = "\(name): \(text)" }
            writeStandardError("weight-extract: \(text)\(advice.map { "; \($0)" } ?? "")\n")
            throw exitCode(for: error)
        }
    }

    /// The codes of `sysexits.h` that scripts know.
    private func exitCode(for error: any Error) -> ExitCode {
        switch error {
        // What is missing may be the folder to write into instead.
        case let error as SystemError:
            ExitCode(error.isAboutMissingFile && [input, labels, weights].contains(error.subject) ? 66 : 1)
        case let error as InferenceError: ExitCode(error.isAboutMissingInput ? 66 : 65)
        case InstallationError.otherArchitecture: ExitCode(65)
        case is InstallationError, is OutputError: ExitCode(1)
        default: ExitCode(65)
        }
    }
}

extension WeightsWriter.Format: ExpressibleByArgument {}

/// The types that weights are converted to.
enum FloatType: String, ExpressibleByArgument, CaseIterable {
    case f32, f16, bf16

    var elementType: ElementType {
        switch self {
        case .f32: .float32
        case .f16: .float16
        case .bf16: .bfloat16
        }
    }
}

/// `name=value`.
struct LimitSetting: ExpressibleByArgument {
    let name: String
    let value: Int

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, CheckpointLimits.names.contains(String(parts[0])), let value = Int(parts[1]), value >= 0
        else {
            return nil
        }
        name = String(parts[0])
        self.value = value
    }

    static var defaultCompletionKind: CompletionKind { .list(CheckpointLimits.names.map { "\($0)=" }) }
}
