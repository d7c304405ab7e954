// SPDX-License-Identifier: MIT

extension StateDict {
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
    }
}
