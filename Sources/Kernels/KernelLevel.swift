// SPDX-License-Identifier: MIT

import Int8KernelsPortable
import KernelInterface
import KernelsPortable

#if KERNELS_HAS_VECTOR_LEVELS
import Int8KernelsAVX2
import Int8KernelsVNNI
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
        case .portable: KernelsPortable.makeKernelTable(int8: int8)
        #if KERNELS_HAS_VECTOR_LEVELS
        case .avx2: KernelsAVX2.makeKernelTable(int8: int8)
        case .avx512: KernelsAVX512.makeKernelTable(int8: int8)
        #else
        case .avx2, .avx512: nil
        #endif
        }
    }

    /// The kernels of integers that go with this level: VNNI is a feature of its own, which not every processor with AVX-512 has.
    private var int8: Int8Kernels {
        #if KERNELS_HAS_VECTOR_LEVELS
        switch self {
        case .portable: Int8KernelsPortable.makeInt8Kernels()
        case .avx512 where ProcessorFeatures.current.contains(.vnni): Int8KernelsVNNI.makeInt8Kernels()
        case .avx2, .avx512: Int8KernelsAVX2.makeInt8Kernels()
        }
        #else
        Int8KernelsPortable.makeInt8Kernels()
        #endif
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
