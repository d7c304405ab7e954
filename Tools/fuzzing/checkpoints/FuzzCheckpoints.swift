// SPDX-License-Identifier: MIT

import Checkpoints
import SystemCalls
import Tensors

/// Limits under which a single input stays quick.
private let limits: CheckpointLimits = {
    var limits = CheckpointLimits()
    limits.maxUnpackedBytes = 4 << 20
    limits.maxViewBytes = 1 << 20
    limits.maxOpcodes = 100_000
    limits.maxTensors = 10_000
    return limits
}()

private let folder = ProcessEnvironment.value("FUZZ_FOLDER") ?? "/tmp"

/// Reads the bytes as they are, and as the pickle of a sound archive, whose checksums would otherwise keep the fuzzer out.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCheckpoints(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    check(bytes)
    if bytes.first == 0x80, !bytes.starts(with: [0x80, 0x02, 0x8A]) { check(StoredZip.archive(pickle: bytes)) }
    return 0
}

/// What is accepted must be readable to its last byte, and come back the same from both formats that are written.
private func check(_ bytes: [UInt8]) {
    guard
        let contents = try? CheckpointContents.read(
            ByteRegion(copying: bytes), limits: limits, selection: WeightsSelection(dequantises: bytes.count % 4 == 1))
    else { return }
    _ = try? contents.verifyDropped()
    guard let stateDict = try? Checkpoint(contents).stateDict, stateDict.count > 0 else { return }
    for format in WeightsWriter.Format.allCases {
        var contents = contents
        contents.keepOnly(whatFits: format)
        do {
            try checkRoundTrip(of: contents, stateDict, format: format, floatType: floatType(for: bytes))
        } catch CheckpointError.invalidTensor("__metadata__", _) {
            // The one name that safetensors cannot hold.
        } catch {
            fatalError("what was read cannot be written as \(format.rawValue) and read back: \(error)")
        }
    }
}

/// One of the types to convert to, or none, by the length of the input.
private func floatType(for bytes: [UInt8]) -> ElementType? {
    let types: [ElementType?] = [nil, .float32, nil, .float16, nil, .bfloat16]
    return types[bytes.count % types.count]
}

private func checkRoundTrip(
    of contents: CheckpointContents, _ stateDict: StateDict, format: WeightsWriter.Format, floatType: ElementType?
) throws {
    let path = "\(folder)/fuzzed.\(format.rawValue)"
    let options = WeightsWriter.Options(format: format, floatType: floatType)
    do {
        _ = try WeightsWriter.write(contents, to: path, existing: .replace, options: options)
    } catch CheckpointError.checksumMismatch {
        // Bytes of a type that SwiftNet has no tensors of are read here first.
        return
    }
    try WeightsVerifier.verify(path, against: contents, options: options, limits: CheckpointLimits())
    let selection = WeightsSelection(key: format == .pytorch ? "" : nil, keepsPrefixes: true)
    let copy = try Checkpoint.open(path: path, selection: selection).stateDict
    // Tensors of types that SwiftNet knows: each is in both files.
    guard Set(stateDict.names).isSubset(of: copy.names) else { fatalError("other names: \(copy.names)") }
    for (name, tensor) in stateDict.entries where floatType == nil {
        guard let written = copy.tensor(named: name), written.shape == tensor.shape,
            written.elementType == tensor.elementType,
            written.withUnsafeBytes({ Array($0) }) == tensor.withUnsafeBytes({ Array($0) })
        else { fatalError("another tensor '\(name)'") }
    }
}
