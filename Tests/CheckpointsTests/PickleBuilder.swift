// SPDX-License-Identifier: MIT

/// Pieces of pickles of protocol 2.
enum PickleBuilder {
    static func text(_ value: String) -> [UInt8] { [0x58] + le(UInt32(value.utf8.count)) + Array(value.utf8) }
    static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }

    /// Any whole number, as LONG1.
    static func int(_ value: Int) -> [UInt8] { [0x8A, 8] + le(Int64(value)) }
    static func tuple(_ items: [[UInt8]]) -> [UInt8] { [0x28] + items.flatMap { $0 } + [0x74] }
    static func list(_ items: [[UInt8]]) -> [UInt8] { [0x5D, 0x28] + items.flatMap { $0 } + [0x65] }
    static func dictionary(_ pairs: [(String, [UInt8])]) -> [UInt8] {
        [0x7D, 0x28] + pairs.flatMap { text($0.0) + $0.1 } + [0x75]
    }
    static func call(_ callable: [UInt8], _ arguments: [[UInt8]]) -> [UInt8] { callable + tuple(arguments) + [0x52] }

    /// The whole pickle.
    static func file(_ root: [UInt8]) -> [UInt8] { [0x80, 2] + root + [0x2E] }

    static func storage(_ key: String = "0", type: String = "FloatStorage", count: Int = 4) -> [UInt8] {
        tuple([text("storage"), global("torch", type), text(key), text("cpu"), int(count)]) + [0x51]
    }

    /// A tensor of PyTorch; the defaults are sound.
    static func tensor(
        _ storage: [UInt8] = storage(), offset: Int = 0, size: [Int] = [4], stride: [Int] = [1],
        function: String = "_rebuild_tensor_v2"
    ) -> [UInt8] {
        call(
            global("torch._utils", function),
            [
                storage, int(offset), tuple(size.map { int($0) }), tuple(stride.map { int($0) }), [0x89],
                global("collections", "OrderedDict") + [0x29, 0x52],
            ])
    }

    /// A state dict with the tensor `w`.
    static func stateDict(_ tensor: [UInt8] = tensor()) -> [UInt8] { file(dictionary([("w", tensor)])) }
}
