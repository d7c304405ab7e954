// SPDX-License-Identifier: MIT

import SystemCalls

/// Whose products of matrices a plan takes: the packed kernel of its level, or OpenBLAS.
public struct MatrixProducts: Sendable {
    /// The library, if products may be done by it.
    public let library: OpenBLAS?
    /// Whether the library does all products that it can, rather than those that it does faster.
    public let isForced: Bool
    /// Why, for one who looks at a plan.
    public let reason: String

    /// `packed` or `openblas`.
    public var name: String { library == nil ? "packed" : "openblas" }

    /// By the packed kernel only.
    public static func packed(because reason: String) -> MatrixProducts {
        MatrixProducts(library: nil, isForced: true, reason: reason)
    }

    /// The choice for kernels of a level in this process: what the environment variable `SWIFTNET_GEMM` names, `packed`,
    /// `openblas` or `auto`.
    ///
    /// - Parameters:
    ///   - isVectorLevel: Whether the kernels were compiled for a processor with wide vectors: they are faster than the library.
    /// - Throws: ``MatrixProductsError`` if the variable names something else, or a library that can't be had.
    public static func selection(isVectorLevel: Bool) throws(MatrixProductsError) -> MatrixProducts {
        try select(named: ProcessEnvironment.value("SWIFTNET_GEMM"), isVectorLevel: isVectorLevel) { OpenBLAS.shared }
    }

    /// Chooses.
    ///
    /// - Parameters:
    ///   - open: Opens the library; not called if it isn't needed.
    package static func select(
        named name: String?, isVectorLevel: Bool, open: () -> Result<OpenBLAS, OpenBLASError>
    ) throws(MatrixProductsError) -> MatrixProducts {
        switch name ?? "auto" {
        case "packed":
            return .packed(because: "SWIFTNET_GEMM is 'packed'")
        case "openblas":
            switch open() {
            case .success(let library):
                return MatrixProducts(library: library, isForced: true, reason: "SWIFTNET_GEMM is 'openblas'")
            case .failure(let error): throw .unavailable(error)
            }
        case "auto" where isVectorLevel:
            return .packed(because: "the kernels of this level are faster than OpenBLAS")
        case "auto":
            switch open() {
            case .success(let library):
                return MatrixProducts(
                    library: library, isForced: false,
                    reason: "OpenBLAS has wider vectors than the portable kernels")
            case .failure(let error):
                return .packed(because: "\(error) to be faster")
            }
        case let other: throw .unknownName(other)
        }
    }
}

extension MatrixProducts: CustomStringConvertible {
    /// One line: who does the products, and why.
    public var description: String {
        guard let library else { return "matrix products by the packed kernel: \(reason)" }
        return "matrix products by OpenBLAS (\(library.processor))\(isForced ? "" : " where that is faster"): \(reason)"
    }
}

/// A choice of matrix products that can't be had.
public enum MatrixProductsError: Error, Equatable, Sendable, CustomStringConvertible {
    case unknownName(String)
    case unavailable(OpenBLASError)

    /// One line: what, where, what was expected.
    public var description: String {
        switch self {
        case .unknownName(let name): "SWIFTNET_GEMM is '\(name)', expected one of auto, packed, openblas"
        case .unavailable(let error): "SWIFTNET_GEMM is 'openblas', but \(error)"
        }
    }
}
