// SPDX-License-Identifier: MIT

import Graphs

/// What can be wrong with an ONNX file.
public enum ONNXError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes are no ONNX model: why.
    case malformed(reason: String)
    /// More of something than the limits let through.
    case limit(what: String, limit: Int)
    /// A tensor's bytes: the tensor's name and why.
    case tensor(name: String, reason: String)
    /// Weights in another file: its place as the model gives it, and why it can't be read.
    case externalData(location: String, reason: String)
    /// A dimension that the file leaves free and the caller has not bound.
    case freeDimension(input: String, shape: String)
    /// All that would not run.
    case unsupported([UnsupportedNode])

    /// One line; several for what would not run.
    public var description: String {
        switch self {
        case .malformed(let reason): "not a valid ONNX model: \(reason)"
        case .limit(let what, let limit): "the ONNX model has more than \(limit) \(what)"
        case .tensor(let name, let reason): "tensor '\(name)': \(reason)"
        case .externalData(let location, let reason): "weights in '\(location)': \(reason)"
        case .freeDimension(let input, let shape):
            "input '\(input)' has the free shape \(shape): give its size with --size HxW"
        case .unsupported(let problems):
            problems.summary(of: "model")
                + (problems.count > 3 ? "; ... ('swiftnet inspect' lists them all)" : "")
        }
    }
}
