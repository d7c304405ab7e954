// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// packed: blocks of columns, then panels; in each, for each word of each run, a word for each column, those of a block in the order of
// its four vectors. Columns beyond the last are zeros.

func pack(
    _ packed: UnsafeMutablePointer<Int32>, _ weight: UnsafePointer<Int8>, _ n: Int, _ runs: Int, _ length: Int
) {
    var target = packed
    let wholeBlocks = n / blockLength * blockLength
    for first in stride(from: 0, to: wholeBlocks, by: blockLength) {
        packBlock(&target, weight, first, n, runs, length)
    }
    for first in stride(from: wholeBlocks, to: n, by: laneCount) {
        for run in 0..<runs {
            for depth in stride(from: 0, to: length, by: depthsInWord) {
                for column in first..<first + laneCount {
                    target.pointee = word(weight, column, n, run, runs, depth, length)
                    target += 1
                }
            }
        }
    }
}

// packed: blocks of channels as `pack` writes columns, the last filled up by zeros.

func packDepthwise(_ packed: UnsafeMutablePointer<Int32>, _ weight: UnsafePointer<Int8>, _ channels: Int, _ taps: Int) {
    var target = packed
    for first in stride(from: 0, to: channels, by: blockLength) {
        packBlock(&target, weight, first, channels, 1, taps)
    }
}

/// Writes the block of columns that begins with `first`, and moves `target` behind it.
@inline(__always)
private func packBlock(
    _ target: inout UnsafeMutablePointer<Int32>, _ weight: UnsafePointer<Int8>, _ first: Int, _ n: Int, _ runs: Int,
    _ length: Int
) {
    for run in 0..<runs {
        for depth in stride(from: 0, to: length, by: depthsInWord) {
            for vector in 0..<4 {
                for lane in 0..<laneCount {
                    let column = first + Block.place(vector: vector, lane: lane)
                    target.pointee = word(weight, column, n, run, runs, depth, length)
                    target += 1
                }
            }
        }
    }
}

/// The depths of a run from `depth` on, of a column; zero beyond the last of `n` columns.
@inline(__always)
private func word(
    _ weight: UnsafePointer<Int8>, _ column: Int, _ n: Int, _ run: Int, _ runs: Int, _ depth: Int, _ length: Int
) -> Int32 {
    guard column < n else { return 0 }
    return word(weight + (column * runs + run) * length + depth, min(depthsInWord, length - depth))
}

/// `count` signed depths as a word.
@inline(__always)
private func word(_ source: UnsafePointer<Int8>, _ count: Int) -> Int32 {
    let bits = Int32(32 / depthsInWord)
    let mask = depthsInWord == 4 ? Int32(0xFF) : 0xFFFF
    var word: Int32 = 0
    for depth in 0..<count { word |= (Int32(source[depth]) & mask) &<< (bits &* Int32(truncatingIfNeeded: depth)) }
    return word
}

func expand(
    _ output: UnsafeMutableRawPointer, _ outputStride: Int, _ input: Bytes, _ inputStride: Int, _ rows: Int,
    _ length: Int
) {
    let step = laneCount * depthsInWord
    for row in 0..<rows {
        var target = output + row * outputStride
        var source = input + row * inputStride
        var left = length
        while left >= step {
            target.storeBytes(of: expanded(source), as: Words.self)
            target += 4 * laneCount
            source += step
            left -= step
        }
        // Rows of small images are no longer than this.
        while left >= 8 {
            expandEight(source, target)
            target += 32 / depthsInWord
            source += 8
            left -= 8
        }
        while left >= depthsInWord {
            target.storeBytes(of: word(source), as: Int32.self)
            target += 4
            source += depthsInWord
            left -= depthsInWord
        }
        switch left {
        case 1: target.storeBytes(of: Int32(source[0]), as: Int32.self)
        case 2: target.storeBytes(of: Int32(source[0]) | Int32(source[1]) &<< 8, as: Int32.self)
        case 3:
            target.storeBytes(
                of: Int32(source[0]) | Int32(source[1]) &<< 8 | Int32(source[2]) &<< 16, as: Int32.self)
        default: break
        }
    }
}

/// Unsigned depths as a word.
@inline(__always)
private func word(_ source: Bytes) -> Int32 {
    depthsInWord == 4
        ? UnsafeRawPointer(source).loadUnaligned(as: Int32.self) : Int32(source[0]) | Int32(source[1]) &<< 16
}

#endif
