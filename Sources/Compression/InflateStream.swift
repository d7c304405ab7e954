// SPDX-License-Identifier: MIT

import CZlib

/// A deflate stream that is unpacked step by step.
package final class InflateStream {
    /// What stands around the deflated bytes.
    package enum Wrapper {
        /// Nothing, as in zip archives.
        case none
        /// A header and a checksum, which is verified.
        case gzip
        /// That of gzip or of zlib, whichever the first bytes say.
        case gzipOrZlib
    }

    /// What one step did.
    package struct Step {
        /// Packed bytes that were used.
        package let taken: Int
        /// Bytes that were unpacked.
        package let given: Int
        /// The stream is at its end.
        package let isComplete: Bool
    }

    // zlib keeps the address: the record must not move.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    /// Begins; nil where zlib has no memory.
    package init?(_ wrapper: Wrapper) {
        stream.initialize(to: z_stream())
        // What zlib's manual adds to the window's bits for each wrapper.
        let windowBits =
            switch wrapper {
            case .none: -MAX_WBITS
            case .gzip: MAX_WBITS + 16
            case .gzipOrZlib: MAX_WBITS + 32
            }
        guard inflateInit2_(stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            return nil
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Unpacks as much as input and output allow, at most 1 GiB of each; nil where the stream is damaged, or where nothing
    /// can be done with the input.
    package func unpack(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Step? {
        let most = 1 << 30
        let (inputCount, outputCount) = (min(input.count, most), min(output.count, most))
        stream.pointee.next_in = input.baseAddress.map {
            UnsafeMutablePointer(mutating: $0.assumingMemoryBound(to: UInt8.self))
        }
        stream.pointee.avail_in = UInt32(inputCount)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(outputCount)
        let status = inflate(stream, Z_NO_FLUSH)
        let step = Step(
            taken: inputCount - Int(stream.pointee.avail_in), given: outputCount - Int(stream.pointee.avail_out),
            isComplete: status == Z_STREAM_END)
        guard status == Z_OK || status == Z_STREAM_END, step.taken + step.given > 0 else { return nil }
        return step
    }

    /// Begins anew behind the end of a stream; tells whether it could.
    package func restart() -> Bool { inflateReset(stream) == Z_OK }
}
