// SPDX-License-Identifier: MIT

import ArgumentParser
import BLAS
import Checkpoints
import Client
import CommandSupport
import Graphs
import Images
import Inference
import Kernels
import Models
import ONNX
import Protobuf
import Serving
import SwiftNet
import SystemCalls
import TorchExport

/// The exit codes of the commands, as `sysexits.h` numbers them.
enum Failure {
    /// Some files failed.
    static let someFailed = ExitCode(1)
    /// Wrong usage.
    static let usage = ExitCode(64)
    /// Bad data.
    static let badData = ExitCode(65)
    /// Missing input.
    static let missingInput = ExitCode(66)

    /// The code that tells a program what kind of error ended a command.
    static func exitCode(for error: any Error) -> ExitCode {
        switch error {
        case let error as ExitCode: error
        case let error as FaultOfFile: exitCode(for: error.error)
        case let error as SystemError:
            error.isAboutMissingFile ? missingInput : error.isAboutFolder ? badData : someFailed
        case let error as InferenceError where error.code != nil: someFailed
        case let error as InferenceError: error.isAboutMissingInput ? missingInput : badData
        case let error as InputFiles.Fault: error.isAboutMissingInput ? missingInput : someFailed
        case is KernelError, is MatrixProductsError, is PlanError: usage
        case ModelServiceError.badVersion, ModelServiceError.noDigitModel: usage
        case ModelServiceError.noModels: missingInput
        case let error as ClientError: error.isAboutUsage ? usage : error.isAboutOneImage ? someFailed : unavailable
        case is CheckpointError, is GraphError, is ImageError, is ModelError, is ONNXError, is ProtobufError,
            is TensorError, is TorchExportError, is WiringError:
            badData
        default: someFailed
        }
    }

    /// A server does not answer, or refuses.
    static let unavailable = ExitCode(69)

    /// Runs a command's work; an error becomes one line on standard error and an exit code.
    static func reporting(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let code as ExitCode {
            throw code
        } catch let error as ValidationError {
            throw error
        } catch let error as FaultOfFile {
            writeStandardError("swiftnet: \(message(error.error, about: error.path))\n")
            throw exitCode(for: error)
        } catch {
            writeStandardError("swiftnet: \(line(error))\(hint(error))\n")
            throw exitCode(for: error)
        }
    }

    /// Does what reads a file; what is wrong within the file is told with its name.
    static func about<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch  where !(error is InferenceError) && exitCode(for: error) == badData {
            throw FaultOfFile(path: path, error: error)
        }
    }

    /// An error's message on one line, free of control characters that a file's name or content may have brought in.
    static func line(_ error: any Error) -> String { Printable.line("\(error)") }

    /// What may be done about an error, as it stands behind its message; empty if nothing is known.
    static func hint(_ error: any Error) -> String { Hint.text(for: error).map { "; \($0)" } ?? "" }

    /// An error's message and hint, with the name of the file that it is about unless the message names it itself.
    static func message(_ error: any Error, about name: String) -> String {
        let text = line(error) + hint(error)
        return text.contains(Printable.line(name)) && name != "-" ? text : "\(Printable.line(name)): \(text)"
    }
}

/// An error, and the file that it is about, which the error itself does not name.
struct FaultOfFile: Error {
    let path: String
    let error: any Error
}
