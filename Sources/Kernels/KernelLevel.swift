// SPDX-License-Identifier: MIT

import Int8KernelsPortable
import KernelInterface
import KernelsPortable

#if KERNELS_HAS_VECTOR_LEVELS
import Int8KernelsAVX2
import Int8KernelsVBMI
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

    /// The kernels of integers that go with this level: VNNI and VBMI are features of their own, which not every processor with AVX-512
    /// has.
    private var int8: Int8Kernels {
        switch self {
        case .portable: Int8KernelsPortable.makeInt8Kernels()
        #if KERNELS_HAS_VECTOR_LEVELS
        case .avx2: Int8KernelsAVX2.makeInt8Kernels()
        #else
        case .avx2: Int8KernelsPortable.makeInt8Kernels()
        #endif
        case .avx512: Int8Kernels.available[0]
        }
    }
}

extension Int8Kernels {
    /// All that this processor can run, the widest first.
    public static var available: [Int8Kernels] {
        #if KERNELS_HAS_VECTOR_LEVELS
        let features = ProcessorFeatures.current
        return [
            features.isSuperset(of: [.avx512, .vnni, .vbmi]) ? Int8KernelsVBMI.makeInt8Kernels() : nil,
            features.isSuperset(of: [.avx512, .vnni]) ? Int8KernelsVNNI.makeInt8Kernels() : nil,
            features.contains(.avx2) ? Int8KernelsAVX2.makeInt8Kernels() : nil,
            Int8KernelsPortable.makeInt8Kernels(),
        ].compactMap(\.self)
        #else
        return [Int8KernelsPortable.makeInt8Kernels()]
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
