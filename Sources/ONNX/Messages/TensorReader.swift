// SPDX-License-Identifier: MIT

import Operators
import SystemCalls
import Tensors

/// Turns tensor messages into tensors: raw, packed and external data stay where they are, the rest is unpacked.
final class TensorReader {
    /// Keeps the model's bytes.
    private let owner: any AnyObject & Sendable
    /// The folder of the model's file, for external data; nil if the model comes from bytes, without a file.
    private let folder: String?
    private let counter: ItemCounter
    private var files: [String: MappedFile] = [:]

    init(owner: any AnyObject & Sendable, folder: String?, counter: ItemCounter) {
        self.owner = owner
        self.folder = folder
        self.counter = counter
    }

    /// Reads a tensor.
    ///
    /// - Throws: `ONNXError.tensor` or `.externalData`.
    func tensor(_ message: TensorMessage) throws -> Tensor {
        func fault(_ reason: String) -> ONNXError { .tensor(name: message.name, reason: reason) }
        guard let type = ElementType(onnx: message.dataType) else {
            throw fault("elements of type \(TensorMessage.typeName(message.dataType)) are not read")
        }
        guard let shape = try? Shape(checking: message.dimensions) else {
            throw fault("the shape \(message.dimensions) is not one")
        }
        let (size, overflow) = shape.elementCount.multipliedReportingOverflow(by: type.byteCount)
        guard !overflow else { throw fault("the shape \(shape) is too large") }
        if message.isExternal { return try external(message, type, shape, size) }
        if let raw = message.rawData ?? packed(message, type) {
            guard raw.count == size else { throw fault("\(shape) takes \(size) bytes, but there are \(raw.count)") }
            return try borrowed(raw, type, shape, owner)
        }
        if type == .float32 || type == .float64, !message.fixedData.isEmpty || size == 0 {
            guard message.fixedData.count == size else {
                throw fault("\(shape) takes \(size) bytes, but there are \(message.fixedData.count)")
            }
            let storage = TensorStorage(byteCount: size) { $0.copyBytes(from: message.fixedData) }
            return try Tensor(shape: shape, elementType: type, storage: storage)
        }
        guard message.integers.count == shape.elementCount else {
            throw fault("\(shape) has \(shape.elementCount) elements, but there are \(message.integers.count)")
        }
        switch type {
        case .float16, .bfloat16:
            // The bits stand in int32_data.
            let bits = try Tensor(message.integers, as: .int16, shape: shape)
            return try Tensor(shape: shape, elementType: type, storage: bits.storage)
        case .float32, .float64: throw fault("the numbers stand in the wrong field")
        default: return try Tensor(message.integers, as: type, shape: shape)
        }
    }

    private func packed(_ message: TensorMessage, _ type: ElementType) -> UnsafeRawBufferPointer? {
        type == .float32 || type == .float64 ? message.packedData : nil
    }

    private func borrowed(
        _ bytes: UnsafeRawBufferPointer, _ type: ElementType, _ shape: Shape, _ owner: any AnyObject & Sendable
    ) throws -> Tensor {
        if type == .bool {
            // Anything but zero is true, here and in kernels.
            let storage = TensorStorage(byteCount: bytes.count) { target in
                for index in bytes.indices { target[index] = bytes[index] == 0 ? 0 : 1 }
            }
            return try Tensor(shape: shape, elementType: type, storage: storage)
        }
        return try Tensor(
            shape: shape, elementType: type, storage: TensorStorage(borrowing: bytes, owner: owner))
    }

    // MARK: External data

    private func external(
        _ message: TensorMessage, _ type: ElementType, _ shape: Shape, _ size: Int
    ) throws -> Tensor {
        var (location, offset, length): (String?, Int, Int?) = (nil, 0, nil)
        for entry in message.external {
            switch entry.key {
            case "location": location = entry.value
            case "offset": offset = Int(entry.value) ?? -1
            case "length": length = Int(entry.value) ?? -1
            default: break
            }
        }
        guard let location, !location.isEmpty else {
            throw ONNXError.tensor(name: message.name, reason: "its bytes stand in a file that has no name")
        }
        let file = try file(location)
        let count = length ?? size
        guard offset >= 0, count == size, offset <= file.bytes.count, count <= file.bytes.count - offset else {
            throw ONNXError.externalData(
                location: location,
                reason:
                    "tensor '\(message.name)' \(shape) takes \(size) bytes at \(offset), the file has \(file.bytes.count)"
                    + (count == size ? "" : ", and the model says \(count)"))
        }
        return try borrowed(
            UnsafeRawBufferPointer(rebasing: file.bytes[offset..<(offset + count)]), type, shape, file)
    }

    private func file(_ location: String) throws -> MappedFile {
        if let file = files[location] { return file }
        func fault(_ reason: String) -> ONNXError { .externalData(location: location, reason: reason) }
        guard let folder else { throw fault("a model that comes without a folder can't have weights in another file") }
        let parts = location.split(separator: "/", omittingEmptySubsequences: false)
        guard !location.hasPrefix("/"), !location.contains("\\"), !location.utf8.contains(0),
            !parts.contains(".."), location.utf8.count <= counter.limits.maxNameBytes
        else { throw fault("only files beside the model, or in folders beside it, are read") }
        try counter.count()
        do {
            let file = try MappedFile(path: folder + "/" + location)
            files[location] = file
            return file
        } catch {
            throw fault(
                error.isAboutMissingFile ? "the file must stand beside the model, but is not there" : "\(error)")
        }
    }
}
