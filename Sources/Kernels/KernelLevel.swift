// SPDX-License-Identifier: MIT

import KernelsPortable

#if KERNELS_HAS_VECTOR_LEVELS
import KernelsAVX2
import KernelsAVX512
#endif

/// An instruction set that the kernels are compiled for.
public enum KernelLevel: String, Sendable, CaseIterable {
    /// What every processor of the architecture has: SSE2 on x86-64, NEON on arm64.
    case portable
    /// AVX2 with fused multiply-add.
    case avx2
    /// AVX-512 F, BW, CD, DQ and VL.
    case avx512

    /// The kernels of this level; nil if the package was built without them.
    var table: KernelTable? {
        switch self {
        case .portable: KernelsPortable.makeKernelTable()
        #if KERNELS_HAS_VECTOR_LEVELS
        case .avx2: KernelsAVX2.makeKernelTable()
        case .avx512: KernelsAVX512.makeKernelTable()
        #else
        case .avx2, .avx512: nil
        #endif
        }
    }
}

/// A level of kernels that was asked for and can't be had.
public enum KernelError: Error, Equatable, Sendable, CustomStringConvertible {
    case unknownLevel(String)
    case unsupportedLevel(KernelLevel)
    case levelNotBuilt(KernelLevel)

    /// One line: what, where, what was expected.
    public var description: String {
        switch self {
        case .unknownLevel(let name):
            let known = KernelLevel.allCases.map(\.rawValue).joined(separator: ", ")
            return "SWIFTNET_ISA is '\(name)', expected one of \(known)"
        case .unsupportedLevel(let level):
            return "SWIFTNET_ISA is '\(level.rawValue)', but this processor lacks it"
        case .levelNotBuilt(let level):
            return "SWIFTNET_ISA is '\(level.rawValue)', but this program was built with the portable kernels only"
        }
    }
}
