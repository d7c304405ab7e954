// SPDX-License-Identifier: MIT

import Protobuf

/// Writes small ONNX files of Float32 for tests.
package struct ONNXFile {
    private var graph = ProtobufWriter()

    /// An empty network.
    package init() {}

    /// The file.
    package var bytes: [UInt8] {
        var writer = ProtobufWriter()
        writer.write(1, int64: 8)
        writer.write(2, string: "test")
        writer.write(7, bytes: graph.bytes)
        writer.write(8) { $0.write(2, int64: 13) }
        return writer.bytes
    }

    /// Adds an input; nil stands for a size that is free.
    ///
    /// - Parameter type: ONNX's number of the elements' type; 1 is Float32, 7 Int64.
    package mutating func input(_ name: String, _ shape: [Int?], type: Int = 1) { port(11, name, shape, type) }

    /// Adds an output.
    package mutating func output(_ name: String, _ shape: [Int?]) { port(12, name, shape, 1) }

    private mutating func port(_ field: Int, _ name: String, _ shape: [Int?], _ type: Int) {
        graph.write(field) { value in
            value.write(1, string: name)
            value.write(2) { holder in
                holder.write(1) { tensor in
                    tensor.write(1, int64: type)
                    tensor.write(2) { sizes in
                        for size in shape {
                            sizes.write(1) {
                                if let size { $0.write(1, int64: size) } else { $0.write(2, string: "n") }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Adds a node of one output, which has the node's name.
    package mutating func node(
        _ type: String, _ inputs: [String], _ output: String, integer: (String, Int)? = nil, pads: [Int] = []
    ) {
        graph.write(1) { node in
            for input in inputs { node.write(1, string: input) }
            node.write(2, string: output)
            node.write(3, string: output)
            node.write(4, string: type)
            if let (name, value) = integer {
                node.write(5) {
                    $0.write(1, string: name)
                    $0.write(3, int64: value)
                    $0.write(20, int64: 2)
                }
            }
            if pads.isEmpty { return }
            node.write(5) {
                $0.write(1, string: "pads")
                $0.write(8, packed: pads)
                $0.write(20, int64: 7)
            }
        }
    }

    /// Adds numbers that are known.
    package mutating func numbers(_ name: String, _ shape: [Int], _ values: [Float]) {
        graph.write(5) { tensor in
            tensor.write(1, packed: shape)
            tensor.write(2, int64: 1)
            tensor.write(4, packed: values)
            tensor.write(8, string: name)
        }
    }
}
