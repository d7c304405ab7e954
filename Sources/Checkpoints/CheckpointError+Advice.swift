// SPDX-License-Identifier: MIT

extension CheckpointError {
    /// What a person may do about it; nil where the description says it.
    package var advice: String? {
        switch self {
        case .unknownFormat(let bytes):
            bytes.isEmpty ? nil : "networks are .onnx and .pt2 files, weights .pth, .pt and .safetensors"
        case .truncated, .malformed, .checksumMismatch, .headerDisagreement, .missingEntry, .storageLength,
            .invalidTensor,
            .overlappingEntries, .clashingNames, .sizeOverflow:
            "is the file whole? Download it or save it again; what no program of PyTorch wrote is not trusted"
        case .unsupportedOpcode: "load it in Python and save it again with torch.save"
        case .encryptedEntry: "unpack it with its password first"
        case .unsafeEntry: "unpack what you trust yourself, and name that file"
        case .memberChoice(let candidates):
            candidates.isEmpty ? "name the file that training saved" : nil
        case .noWeights: "'weight-extract --list FILE' shows what is in it; save model.state_dict() in Python"
        case .keyNotFound: "'weight-extract --list FILE' shows the names"
        case .verificationFailed: "is the disk sound? Write it again, or to another place"
        case .unsupportedFormat, .limitExceeded, .missingShards, .ambiguousWeights: nil
        }
    }
}
