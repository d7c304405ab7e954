// SPDX-License-Identifier: MIT

import ONNX
import TestSupport

extension ModelBuilder {
    func model(folder: String? = nil, limits: ONNXLimits = ONNXLimits()) throws -> ONNXModel {
        try ONNXModel(bytes: bytes, folder: folder, limits: limits)
    }
}

/// The little-endian bytes of numbers.
func bytes<Number>(_ values: [Number]) -> [UInt8] { values.withUnsafeBytes(Array.init) }
