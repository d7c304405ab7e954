// SPDX-License-Identifier: MIT

/// What a look over a tensor's values tells.
public struct TensorStatistics: Sendable, Equatable {
    /// Smallest value that is a number; nil if there is none.
    public var minimum: Double?
    /// Largest value that is a number; nil if there is none.
    public var maximum: Double?
    /// Mean of the finite values; nil if there is none.
    public var mean: Double?
    /// Values that are not a number.
    public var nanCount = 0
    /// Values that are infinite.
    public var infinityCount = 0
    /// Values so small that they have lost digits, and slow some processors down.
    public var denormalCount = 0
}

extension Tensor {
    /// Looks over all values, as Float32.
    public func statistics() -> TensorStatistics {
        var result = TensorStatistics()
        var (sum, count) = (0.0, 0)
        for value in floats() {
            if value.isNaN {
                result.nanCount += 1
                continue
            }
            result.minimum = min(result.minimum ?? Double(value), Double(value))
            result.maximum = max(result.maximum ?? Double(value), Double(value))
            if value.isInfinite {
                result.infinityCount += 1
            } else {
                if value.isSubnormal { result.denormalCount += 1 }
                sum += Double(value)
                count += 1
            }
        }
        if count > 0 { result.mean = sum / Double(count) }
        return result
    }
}
