// SPDX-License-Identifier: MIT

import Checkpoints
import Inference
import SystemCalls

/// What a person may do about a refusal, behind the message that says what is wrong.
enum Hint {
    /// What to do next; nil where the message says it.
    static func text(for error: any Error) -> String? {
        switch error {
        case let error as InferenceError: text(for: error)
        case let error as SystemError: text(for: error)
        case CheckpointError.unknownFormat: "networks are .onnx and .pt2 files, weights .pth and .safetensors"
        default: nil
        }
    }

    private static func text(for error: InferenceError) -> String? {
        switch error {
        case .noRepository: "name one with --weights DIR or SWIFTNET_WEIGHTS"
        case .unknownModel(_, let known, _):
            known.isEmpty ? "'swiftnet add NAME FILE' adds one" : "'swiftnet models' tells more of them"
        default: nil
        }
    }

    private static func text(for error: SystemError) -> String? {
        if error.isAboutMissingFile { return "is the path right?" }
        if error.isAboutPermission { return "may this user do that?" }
        if error.isAboutAddressInUse { return "another program listens there; --bind names another address" }
        return nil
    }
}
