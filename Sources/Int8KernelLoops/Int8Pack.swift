// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// packed: panels of columns; in each, for each word of each run, a word for each column. Columns beyond the last are zeros.

func pack(
    _ packed: UnsafeMutablePointer<Int32>, _ weight: UnsafePointer<Int8>, _ n: Int, _ runs: Int, _ length: Int
) {
    var target = packed
    for first in stride(from: 0, to: n, by: laneCount) {
        for run in 0..<runs {
            for depth in stride(from: 0, to: length, by: depthsInWord) {
                for column in first..<first + laneCount {
                    target.pointee =
                        column < n
                        ? word(weight + (column * runs + run) * length + depth, min(depthsInWord, length - depth)) : 0
                    target += 1
                }
            }
        }
    }
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

// packed: blocks of channels; in each, for each word of taps, the four vectors that a block's channels are.

func packDepthwise(_ packed: UnsafeMutablePointer<Int32>, _ weight: UnsafePointer<Int8>, _ channels: Int, _ taps: Int) {
    var target = packed
    for first in stride(from: 0, to: channels, by: blockLength) {
        for tap in stride(from: 0, to: taps, by: depthsInWord) {
            for vector in 0..<4 {
                for lane in 0..<laneCount {
                    let channel = first + Block.place(vector: vector, lane: lane)
                    target.pointee =
                        channel < channels
                        ? word(weight + channel * taps + tap, min(depthsInWord, taps - tap)) : 0
                    target += 1
                }
            }
        }
    }
}

func expand(
    _ output: UnsafeMutablePointer<Int32>, _ outputStride: Int, _ input: Bytes, _ inputStride: Int, _ rows: Int,
    _ length: Int
) {
    let step = laneCount * depthsInWord
    for row in 0..<rows {
        var target = output + row * outputStride
        var source = input + row * inputStride
        var left = length
        while left >= step {
            store(expanded(source), target)
            target += laneCount
            source += step
            left -= step
        }
        // Rows of a window on an image of three channels are no longer than this.
        while left >= 8 {
            expandEight(source, target)
            target += 8 / depthsInWord
            source += 8
            left -= 8
        }
        while left >= depthsInWord {
            target.pointee = word(source)
            target += 1
            source += depthsInWord
            left -= depthsInWord
        }
        switch left {
        case 1: target.pointee = Int32(source[0])
        case 2: target.pointee = Int32(source[0]) | Int32(source[1]) &<< 8
        case 3: target.pointee = Int32(source[0]) | Int32(source[1]) &<< 8 | Int32(source[2]) &<< 16
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
