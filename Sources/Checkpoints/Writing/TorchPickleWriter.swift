// SPDX-License-Identifier: MIT

/// Writes the pickle of a dict of tensors, byte for byte as `torch.save` does: protocol 2, with CPython's memo.
struct TorchPickleWriter {
    private(set) var bytes: [UInt8] = []
    private var nextSlot = 0
    private var sharedSlots: [String: Int] = [:]
    private var tensorSlots: [TensorPlan.Identity: Int] = [:]
    /// CPython sets the items of a dict in batches.
    private static let batchSize = 1000

    /// The pickle of a dict with the given tensors.
    static func pickle(of tensors: [TensorPlan]) -> [UInt8] {
        var writer = TorchPickleWriter()
        writer.emit(.proto, [2])
        writer.emit(.emptyDict)
        writer.memoize()
        writer.dictionaryItems(tensors)
        writer.emit(.stop)
        return writer.bytes
    }

    private mutating func dictionaryItems(_ tensors: [TensorPlan]) {
        if tensors.count == 1 {
            item(tensors[0])
            emit(.setItem)
            return
        }
        // A last batch that is full is followed by an empty one: CPython sees the end only then.
        var start = 0
        var batch: ArraySlice<TensorPlan>
        repeat {
            batch = tensors[start...].prefix(Self.batchSize)
            emit(.mark)
            for tensor in batch { item(tensor) }
            emit(.setItems)
            start += batch.count
        } while batch.count == Self.batchSize
    }

    private mutating func item(_ tensor: TensorPlan) {
        text(tensor.name)
        memoize()
        if let slot = tensorSlots[tensor.identity] { return get(slot) }
        // Types that never had a storage class of their own stand on untyped bytes, and are named themselves.
        let storageClass = tensor.type.storageClass
        global("torch._utils", storageClass == nil ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2")
        emit(.mark)
        storage(of: tensor)
        integer(0)
        tuple(tensor.sizes)
        tuple(StoredTensor.rowMajorStrides(tensor.sizes))
        emit(.newFalse)
        global("collections", "OrderedDict")
        emit(.emptyTuple)
        emit(.reduce)
        memoize()
        if storageClass == nil { global("torch", tensor.type.rawValue) }
        emit(.tuple)
        memoize()
        emit(.reduce)
        tensorSlots[tensor.identity] = nextSlot
        memoize()
    }

    private mutating func storage(of tensor: TensorPlan) {
        emit(.mark)
        shared("storage") { $0.text("storage") }
        let storageClass = tensor.type.storageClass
        global(storageClass == nil ? "torch.storage" : "torch", storageClass ?? "UntypedStorage")
        let key = String(tensor.storageIndex)
        shared("key \(key)") { $0.text(key) }
        shared("cpu") { $0.text("cpu") }
        integer(storageClass == nil ? tensor.byteCount : tensor.elementCount)
        emit(.tuple)
        memoize()
        emit(.binPersistentID)
    }

    /// Writes a value once, and later refers to it.
    private mutating func shared(_ name: String, _ write: (inout Self) -> Void) {
        if let slot = sharedSlots[name] { return get(slot) }
        write(&self)
        sharedSlots[name] = nextSlot
        memoize()
    }

    private mutating func global(_ module: String, _ name: String) {
        shared("global \(module) \(name)") { $0.emit(.global, Array("\(module)\n\(name)\n".utf8)) }
    }

    private mutating func tuple(_ numbers: [Int]) {
        switch numbers.count {
        case 0: return emit(.emptyTuple)
        case 1...3:
            for number in numbers { integer(number) }
            emit([PickleOpcode.tuple1, .tuple2, .tuple3][numbers.count - 1])
        default:
            emit(.mark)
            for number in numbers { integer(number) }
            emit(.tuple)
        }
        memoize()
    }

    private mutating func integer(_ value: Int) {
        switch value {
        case 0...0xFF: emit(.binInt1, [UInt8(value)])
        case 0...0xFFFF: emit(.binInt2, UInt16(value).littleEndianBytes)
        case 0...Int(Int32.max): emit(.binInt, UInt32(value).littleEndianBytes)
        default:
            // The shortest two's complement that keeps the sign bit clear.
            let count = (value.bitWidth - value.leadingZeroBitCount) / 8 + 1
            emit(.long1, [UInt8(count)] + UInt64(value).littleEndianBytes.prefix(count))
        }
    }

    private mutating func text(_ value: String) {
        emit(.binUnicode, UInt32(value.utf8.count).littleEndianBytes + Array(value.utf8))
    }

    private mutating func memoize() {
        if nextSlot < 256 {
            emit(.binPut, [UInt8(nextSlot)])
        } else {
            emit(.longBinPut, UInt32(nextSlot).littleEndianBytes)
        }
        nextSlot += 1
    }

    private mutating func get(_ slot: Int) {
        if slot < 256 {
            emit(.binGet, [UInt8(slot)])
        } else {
            emit(.longBinGet, UInt32(slot).littleEndianBytes)
        }
    }

    private mutating func emit(_ opcode: PickleOpcode, _ argument: [UInt8] = []) {
        bytes.append(opcode.rawValue)
        bytes.append(contentsOf: argument)
    }
}

extension FixedWidthInteger {
    /// The bytes, least significant first.
    var littleEndianBytes: [UInt8] { Swift.withUnsafeBytes(of: littleEndian) { Array($0) } }
}
