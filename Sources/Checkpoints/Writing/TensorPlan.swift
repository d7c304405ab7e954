// SPDX-License-Identifier: MIT

import Tensors

/// How one tensor will stand in the written file.
struct TensorPlan {
    /// Plans with equal identities are one tensor under several names.
    struct Identity: Hashable {
        let storageIndex: Int
        let sizes: [Int]
    }

    let name: String
    let source: StoredTensor
    /// The type to write.
    let type: TorchType
    /// The storage in the written file: tensors with the same elements share one.
    let storageIndex: Int

    var sizes: [Int] { source.sizes }
    var elementCount: Int { source.elementCount }
    var byteCount: Int { source.elementCount * type.byteCount }
    /// The type's name in a safetensors header.
    var safetensorsName: String { source.foreign?.typeName ?? type.safetensorsName ?? "" }
    var identity: Identity { Identity(storageIndex: storageIndex, sizes: sizes) }

    /// Why a format can't hold a tensor; nil where it can.
    static func obstacle(to format: WeightsWriter.Format, of tensor: StoredTensor) -> String? {
        if tensor.quantisation != nil { return nil }
        let canHold =
            switch format {
            case .pytorch: tensor.foreign == nil && tensor.type != .complex32
            case .safetensors: tensor.foreign != nil || tensor.type.safetensorsName != nil
            }
        return canHold ? nil : "elements of type \(tensor.typeName), which a \(format.rawValue) file can't hold"
    }

    /// Plans all tensors, in order.
    ///
    /// - Parameter floatType: The type for floating-point tensors; nil leaves each as it is.
    /// - Throws: `CheckpointError.sizeOverflow`.
    static func plans(
        for weights: [(name: String, tensor: StoredTensor)], floatType: ElementType?
    ) throws -> [TensorPlan] {
        var storages: [StoredTensorIdentity: Int] = [:]
        var count = 0
        return try weights.map { name, tensor in
            let isFloat = tensor.elementType?.isFloatingPoint == true
            let kept = tensor.quantisation == nil ? tensor.type : .float32
            let type = isFloat ? floatType.map { TorchType($0) } ?? kept : kept
            guard !tensor.elementCount.multipliedReportingOverflow(by: type.byteCount).overflow else {
                throw CheckpointError.sizeOverflow(what: name)
            }
            let known = tensor.elementCount > 0 ? storages[tensor.identity] : nil
            if known == nil {
                storages[tensor.identity] = count
                count += 1
            }
            return TensorPlan(name: name, source: tensor, type: type, storageIndex: known ?? count - 1)
        }
    }
}
