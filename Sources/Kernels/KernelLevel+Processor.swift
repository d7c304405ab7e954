// SPDX-License-Identifier: MIT

#if arch(x86_64)
import _Builtin_intrinsics.intel.cpuid
#endif

extension KernelLevel {
    /// Whether this processor has the level's instructions, and the system keeps their registers.
    var isSupported: Bool {
        #if arch(x86_64)
        switch self {
        case .portable: true
        case .avx2: Processor.current.hasAVX2
        case .avx512: Processor.current.hasAVX512
        }
        #else
        self == .portable
        #endif
    }
}

#if arch(x86_64)
/// What the processor says of itself.
///
/// - Source: Intel 64 Software Developer's Manual, volume 2A, CPUID.
private struct Processor {
    let hasAVX2: Bool
    let hasAVX512: Bool

    static let current = Processor()

    private init() {
        let basic = Self.leaf(1)
        let extended = Self.leaf(7)
        // The system lists the registers that it keeps for each thread by the size of the area that it saves them to.
        let savesState = basic.ecx & 1 << 27 != 0
        let saved = savesState ? Int(Self.leaf(13).ebx) : 0
        func keeps(_ component: UInt32) -> Bool {
            let place = Self.leaf(13, component)
            return place.eax > 0 && saved >= Int(place.ebx) + Int(place.eax)
        }
        let fma: UInt32 = 1 << 12
        let avx: UInt32 = 1 << 28
        hasAVX2 = basic.ecx & fma != 0 && basic.ecx & avx != 0 && extended.ebx & 1 << 5 != 0 && keeps(2)
        // F, DQ, CD, BW, VL; and the mask registers and both parts of the 512-bit registers.
        let foundation: UInt32 = 1 << 16 | 1 << 17 | 1 << 28 | 1 << 30 | 1 << 31
        hasAVX512 = hasAVX2 && extended.ebx & foundation == foundation && keeps(5) && keeps(6) && keeps(7)
    }

    private static func leaf(_ number: UInt32, _ sub: UInt32 = 0) -> (eax: UInt32, ebx: UInt32, ecx: UInt32) {
        var (eax, ebx, ecx, edx): (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
        guard __get_cpuid_count(number, sub, &eax, &ebx, &ecx, &edx) == 1 else { return (0, 0, 0) }
        return (eax, ebx, ecx)
    }
}
#endif
