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
    let elementType: ElementType
    /// The storage in the written file: tensors with the same elements share one.
    let storageIndex: Int

    var sizes: [Int] { source.sizes }
    var elementCount: Int { source.elementCount }
    var byteCount: Int { source.elementCount * elementType.byteCount }
    var identity: Identity { Identity(storageIndex: storageIndex, sizes: sizes) }

    /// Plans all tensors, in order.
    ///
    /// - Parameter floatType: The type for floating-point tensors; nil leaves each as it is.
    /// - Throws: `CheckpointError.invalidTensor` for element types without a counterpart, `.sizeOverflow`.
    static func plans(
        for weights: [(name: String, tensor: StoredTensor)], floatType: ElementType?
    ) throws -> [TensorPlan] {
        var storages: [StoredTensorIdentity: Int] = [:]
        var count = 0
        return try weights.map { name, tensor in
            guard let type = tensor.type.elementType else {
                throw CheckpointError.invalidTensor(name: name, reason: "elements of type \(tensor.type.rawValue)")
            }
            let elementType = type.isFloatingPoint ? floatType ?? type : type
            guard !tensor.elementCount.multipliedReportingOverflow(by: elementType.byteCount).overflow else {
                throw CheckpointError.sizeOverflow(what: name)
            }
            let known = tensor.elementCount > 0 ? storages[tensor.identity] : nil
            if known == nil {
                storages[tensor.identity] = count
                count += 1
            }
            return TensorPlan(name: name, source: tensor, elementType: elementType, storageIndex: known ?? count - 1)
        }
    }
}
