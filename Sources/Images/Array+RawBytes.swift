// SPDX-License-Identifier: MIT

extension [UInt8] {
    /// Calls `body` with the array's bytes, and keeps the type of its error.
    func withRawBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(ImageError) -> Result
    ) throws(ImageError) -> Result {
        let result = withUnsafeBytes { bytes in
            Swift.Result { () throws(ImageError) -> Result in try body(bytes) }
        }
        return try result.get()
    }
}
