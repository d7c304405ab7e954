// SPDX-License-Identifier: MIT

#if arch(x86_64)
import _Builtin_intrinsics.intel.cpuid
#endif

/// Instructions beyond what every processor of the architecture has, each by its own bits: they are no total order.
struct ProcessorFeatures: OptionSet, Sendable {
    let rawValue: UInt32

    /// AVX2 and FMA.
    static let avx2 = ProcessorFeatures(rawValue: 1 << 0)
    /// AVX-512 F, BW, CD, DQ and VL.
    static let avx512 = ProcessorFeatures(rawValue: 1 << 1)
    /// Products of bytes and of 16-bit integers with sums of 32 bits, in the registers of AVX-512.
    static let vnni = ProcessorFeatures(rawValue: 1 << 2)
    /// Any of 128 bytes for each byte, in the registers of AVX-512.
    static let vbmi = ProcessorFeatures(rawValue: 1 << 3)

    #if !arch(x86_64)
    /// What this processor has.
    static let current: ProcessorFeatures = []
    #endif
}

extension KernelLevel {
    /// What the level's kernels were compiled for.
    var required: ProcessorFeatures {
        switch self {
        case .portable: []
        case .avx2: .avx2
        case .avx512: [.avx2, .avx512]
        }
    }

    /// Whether this processor has the level's instructions, and the system keeps their registers.
    var isSupported: Bool { ProcessorFeatures.current.isSuperset(of: required) }
}

#if arch(x86_64)
extension ProcessorFeatures {
    /// What this processor has, and whose registers the system keeps.
    ///
    /// - Source: Intel 64 Software Developer's Manual, volume 2A, CPUID.
    static let current: ProcessorFeatures = {
        let (basic, extended) = (leaf(1), leaf(7))
        // The system lists the registers that it keeps for each thread by the size of the area that it saves them to.
        let savesState = basic.ecx & 1 << 27 != 0
        let saved = savesState ? Int(leaf(13).ebx) : 0
        func keeps(_ component: UInt32) -> Bool {
            let place = leaf(13, component)
            return place.eax > 0 && saved >= Int(place.ebx) + Int(place.eax)
        }
        let fma: UInt32 = 1 << 12
        let avx: UInt32 = 1 << 28
        var features: ProcessorFeatures = []
        if basic.ecx & fma != 0 && basic.ecx & avx != 0 && extended.ebx & 1 << 5 != 0 && keeps(2) {
            features.insert(.avx2)
        }
        // F, DQ, CD, BW, VL; and the mask registers and both parts of the 512-bit registers.
        let foundation: UInt32 = 1 << 16 | 1 << 17 | 1 << 28 | 1 << 30 | 1 << 31
        if extended.ebx & foundation == foundation && keeps(5) && keeps(6) && keeps(7) {
            features.insert(.avx512)
            if extended.ecx & 1 << 11 != 0 { features.insert(.vnni) }
            if extended.ecx & 1 << 1 != 0 { features.insert(.vbmi) }
        }
        return features
    }()

    private static func leaf(_ number: UInt32, _ sub: UInt32 = 0) -> (eax: UInt32, ebx: UInt32, ecx: UInt32) {
        var (eax, ebx, ecx, edx): (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
        guard __get_cpuid_count(number, sub, &eax, &ebx, &ecx, &edx) == 1 else { return (0, 0, 0) }
        return (eax, ebx, ecx)
    }
}
#endif
