// SPDX-License-Identifier: MIT

import BLAS
import Checkpoints
import Client
import Fleet
import Graphs
import Images
import Inference
import Kernels
import Models
import ONNX
import Protobuf
import SwiftNet
import SystemCalls
import TorchExport

/// What a person may do about a refusal, behind the message that says what is wrong.
///
/// Every case of every kind of error is here, so that the compiler asks for a new one's.
enum Hint {
    /// What to do next; nil where the message says it.
    static func text(for error: any Error) -> String? {
        switch error {
        case let error as SystemError: error.advice
        case let error as CheckpointError: error.advice
        case let error as InferenceError: error.advice
        case let error as ImageError: text(for: error)
        case let error as ModelError: text(for: error)
        case let error as ONNXError: text(for: error)
        case let error as TorchExportError: text(for: error)
        case let error as TensorError: text(for: error)
        case let error as PlanError: text(for: error)
        case let error as KernelError: text(for: error)
        case let error as MatrixProductsError: text(for: error)
        case let error as ClientError: text(for: error)
        case let error as ReloadError: text(for: error)
        case is ProtobufError: damaged
        case is GraphError, is WiringError: "'swiftnet inspect FILE' shows the network as it came"
        default: nil
        }
    }

    private static let damaged = "is the file whole? Export it or download it again"

    private static func text(for error: ImageError) -> String? {
        switch error {
        case .truncated, .corrupt: "is the file whole? Copy it or download it again"
        case .tooManyPixels: "--max-pixels raises the limit"
        case .tooManyBytes: "save it smaller"
        case .unsupported: "convert it to PNG or JPEG"
        case .encodingFailed: "is there memory and room on the disk?"
        case .partialBlocks: "--trim cuts the rest off"
        case .extras: "--drop-extras writes the picture without it"
        case .empty, .unrecognised, .unread, .missingLibrary, .invalidDimensions: nil
        }
    }

    private static func text(for error: ModelError) -> String? {
        switch error {
        case .doesNotFit: "--architecture names another network, or none"
        case .unrecognised, .unknownArchitecture, .lookalike: nil
        }
    }

    private static func text(for error: ONNXError) -> String? {
        switch error {
        case .malformed, .tensor: damaged
        case .externalData: "files of weights stay beside the model, under the names that it has for them"
        case .limit: "such models are not run; export a smaller one"
        case .unsupported(let problems):
            problems.count > 3 ? nil : "the network as torch.export's .pt2 may have other operators"
        case .freeDimension: nil
        }
    }

    private static func text(for error: TorchExportError) -> String? {
        switch error {
        case .malformed: damaged
        case .limit: "such programs are not run; export a smaller one"
        case .unsupported(let problems):
            problems.count > 3 ? nil : "run_decompositions() before saving, or ONNX, may have other operators"
        case .notAProgram, .version, .freeDimension, .fixedSize: nil
        }
    }

    private static func text(for error: TensorError) -> String? {
        switch error {
        case .missingTensor, .shapeMismatch, .rankMismatch, .unusedTensors:
            "are these the weights of this network? 'swiftnet inspect FILE' lists them"
        case .notFinite: "take an earlier checkpoint"
        case .notFloatingPoint: "save the weights as floating-point numbers: model.float().state_dict()"
        case .invalidShape, .byteCount, .elementCount, .duplicateName: damaged
        }
    }

    private static func text(for error: PlanError) -> String? {
        switch error {
        case .unknownNode: "'swiftnet plan' lists them"
        case .foreignWeights: "start the server anew: all its processes must be of one program"
        case .unsuitedAlgorithm: nil
        }
    }

    private static func text(for error: KernelError) -> String? {
        switch error {
        case .unsupportedLevel: "without SWIFTNET_ISA the best that there is is taken"
        case .levelNotBuilt: "without SWIFTNET_ISA they are taken; 'SWIFTNET_KERNELS=all swift build' has all"
        case .unknownLevel: nil
        }
    }

    private static func text(for error: MatrixProductsError) -> String? {
        switch error {
        case .unavailable: "install libopenblas0-pthread, or leave SWIFTNET_GEMM out"
        case .unknownName: nil
        }
    }

    private static func text(for error: ClientError) -> String? {
        switch error {
        case .refused(_, 401, _), .refused(_, 403, _):
            "--api-key-file names a key's file, or SWIFTNET_API_KEY has the key"
        case .refused: "'curl SERVER/v2/models/NAME' tells of a model there"
        case .noAnswer: "does 'swiftnet serve' run there?"
        case .unexpected: "is that the address of 'swiftnet serve'?"
        case .badURL, .image: nil
        }
    }

    private static func text(for error: ReloadError) -> String? {
        switch error {
        case .noProcess, .noServer: "name the file that 'swiftnet serve --pid FILE' wrote; does the server run?"
        case .timeOut: "its log tells how far it is; --timeout waits longer"
        case .failed: "mend that, and reload again"
        }
    }
}
