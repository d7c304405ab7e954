// SPDX-License-Identifier: MIT

extension StateDict {
    /// A weight that a network asks for is not there, or of another shape. Says no more: it is thrown where many networks are
    /// tried.
    public struct Mismatch: Error {}

    /// Notes the names and shapes that a network asks for. For use by one thread.
    public final class Recorder: @unchecked Sendable {
        // Sendable only so that a StateDict can carry it: it lives within one call that builds a network.

        /// What was asked for, in order.
        public private(set) var expected: [(name: String, shape: Shape)] = []

        init() {}

        func placeholder(name: String, shape: Shape) throws -> Tensor {
            expected.append((name, shape))
            return Tensor(placeholderOf: shape)
        }

        func compared(_ tensor: Tensor?, name: String, shape: Shape) throws -> Tensor {
            guard let tensor, tensor.shape == shape else { throw Mismatch() }
            expected.append((name, shape))
            return tensor
        }
    }
}
