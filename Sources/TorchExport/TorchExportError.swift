// SPDX-License-Identifier: MIT

import Graphs

/// What can be wrong with a program of `torch.export`.
public enum TorchExportError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The archive holds something else than an exported program: what, and what to do.
    case notAProgram(reason: String)
    /// The program's text is not what PyTorch writes: why.
    case malformed(reason: String)
    /// A version of the format that is not read.
    case version(String)
    /// More of something than the limits let through.
    case limit(what: String, limit: Int)
    /// A dimension that the program leaves free and the caller has not bound.
    case freeDimension(input: String, shape: String)
    /// A size that the program was not exported for.
    case fixedSize(input: String, shape: String, wanted: String)
    /// All that would not run.
    case unsupported([UnsupportedNode])

    /// One line.
    public var description: String {
        switch self {
        case .notAProgram(let reason): "no program of torch.export: \(reason)"
        case .malformed(let reason): "not a valid program of torch.export: \(reason)"
        case .version(let version):
            "the program's format has version \(version); versions 5 to 8 are read: load and save it again with PyTorch 2.9 "
                + "or newer"
        case .limit(let what, let limit): "the program has more than \(limit) \(what)"
        case .freeDimension(let input, let shape):
            "input '\(input)' has the free shape \(shape): give its size with --size HxW"
        case .fixedSize(let input, let shape, let wanted):
            "input '\(input)' was exported with the shape \(shape), not for images of \(wanted): export it with that size, or "
                + "with dynamic_shapes"
        case .unsupported(let problems):
            problems.summary(of: "program")
                + (problems.count > 3 ? "; ... ('swiftnet inspect' lists them all)" : "")
        }
    }
}
