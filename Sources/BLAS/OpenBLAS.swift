// SPDX-License-Identifier: MIT

import COpenBLAS
import SystemCalls

/// OpenBLAS's product of matrices, on the calling thread only.
///
/// The library chooses its instructions for the processor that it runs on, whatever this package was compiled for. It is opened
/// when it is first asked for: a process that never is pays nothing for it. Its threads are limited to one, for the whole
/// process: whoever wants a product on several threads shares out its rows.
public struct OpenBLAS: Sendable {
    /// output[m, n] += input[m, k] · weights[k, n], all row by row with the distances of rows given.
    ///
    /// - Source: `cblas_sgemm` of the BLAS standard.
    private typealias Sgemm =
        @convention(c) (
            CBLAS_ORDER, CBLAS_TRANSPOSE, CBLAS_TRANSPOSE, Int32, Int32, Int32, Float, UnsafePointer<Float>?, Int32,
            UnsafePointer<Float>?, Int32, Float, UnsafeMutablePointer<Float>?, Int32
        ) -> Void

    private let sgemm: Sgemm

    /// The processor that the library chose its instructions for, as it calls it: `Haswell`, `SkylakeX`, `Zen`, `NEOVERSEN1`.
    public let processor: String
    /// Threads that the library shares a product among: one.
    let threadCount: Int

    /// The library of this process, opened at the first use.
    public static let shared: Result<OpenBLAS, OpenBLASError> = Result { () throws(OpenBLASError) in
        try OpenBLAS(opening: libraryName)
    }

    /// What Debian's packages libopenblas0-pthread and libopenblas0-openmp have, and what is in other systems' packages.
    static let libraryName = "libopenblas.so.0"

    init(opening name: String) throws(OpenBLASError) {
        let library: DynamicLibrary
        do {
            // As it starts, the library starts its threads: then it is too late for a function to say how many.
            library = try DynamicLibrary(name, variable: ("OPENBLAS_NUM_THREADS", "1"))
        } catch {
            throw .cannotOpen(error.message)
        }
        func function<Function>(_ symbol: String, as type: Function.Type) throws(OpenBLASError) -> Function {
            guard let address = library.address(of: symbol) else { throw .missingFunction(symbol, library: name) }
            return unsafeBitCast(address, to: type)
        }
        let parallel = try function("openblas_get_parallel", as: (@convention(c) () -> Int32).self)()
        // Several of our threads call it, and the build for one thread has no locks.
        guard parallel != OPENBLAS_SEQUENTIAL else { throw .notThreadSafe(library: name) }
        // Whoever opened the library before may have left it more.
        try function("openblas_set_num_threads", as: (@convention(c) (Int32) -> Void).self)(1)
        threadCount = Int(try function("openblas_get_num_threads", as: (@convention(c) () -> Int32).self)())
        sgemm = try function("cblas_sgemm", as: Sgemm.self)
        let core = try function("openblas_get_corename", as: (@convention(c) () -> UnsafePointer<CChar>?).self)()
        processor = core.map { String(cString: $0) } ?? "unknown processor"
    }

    /// output[m, n] += input[m, k] · weights[k, n].
    ///
    /// The bits of a row may depend on `m` and on its place among the rows: callers cut rows into the same blocks always.
    ///
    /// - Parameters:
    ///   - outputStride: The distance of the output's rows; `inputStride` and `weightsStride` likewise.
    /// - Precondition: The sizes are positive and below 2^31; no row reaches into the next.
    @inline(__always)
    public func addProduct(
        _ output: UnsafeMutablePointer<Float>, _ outputStride: Int, _ input: UnsafePointer<Float>, _ inputStride: Int,
        _ weights: UnsafePointer<Float>, _ weightsStride: Int, m: Int, n: Int, k: Int
    ) {
        // A product that overwrites its output costs more: the library clears the output by a slow loop of its own.
        sgemm(
            CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(m), Int32(n), Int32(k), 1, input, Int32(inputStride),
            weights, Int32(weightsStride), 1, output, Int32(outputStride))
    }
}

/// OpenBLAS can't be had.
public enum OpenBLASError: Error, Equatable, Sendable, CustomStringConvertible {
    case cannotOpen(String)
    case missingFunction(String, library: String)
    case notThreadSafe(library: String)

    /// One line: what, where, what to do.
    public var description: String {
        let advice = "install the Debian package libopenblas0-pthread"
        return switch self {
        case .cannotOpen(let reason): "OpenBLAS can't be opened (\(reason)); \(advice)"
        case .missingFunction(let symbol, let library): "\(library) has no function '\(symbol)'; \(advice)"
        case .notThreadSafe(let library): "\(library) is OpenBLAS's build for a single thread; \(advice)"
        }
    }
}
