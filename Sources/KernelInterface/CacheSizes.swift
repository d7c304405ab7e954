// SPDX-License-Identifier: MIT

/// The caches that blocks and strips are made for: less than most cores have for themselves, so that there is room for the rest.
///
/// They are fixed, not asked of the processor: where blocks end decides how some sums are added up, and the bits of an answer are not to
/// depend on the machine's caches.
public enum CacheSizes {
    /// Floats in L1: 48 KB.
    @inlinable @inline(__always)
    public static var l1Floats: Int { 12_288 }

    /// Floats in L2: 1 MB.
    @inlinable @inline(__always)
    public static var l2Floats: Int { 262_144 }

    /// Bytes in L2.
    @inlinable @inline(__always)
    public static var l2Bytes: Int { l2Floats * 4 }
}
