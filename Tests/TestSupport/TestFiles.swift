// SPDX-License-Identifier: MIT

import Glibc

/// The bytes of a file; nil if it can't be read.
public func readFile(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "rb") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = fread(&chunk, 1, chunk.count, file)
        if count == 0 { return bytes }
        bytes.append(contentsOf: chunk[..<count])
    }
}

/// Names in a folder; none if it can't be read.
public func fileNames(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        names.append(
            withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            })
    }
    return names.filter { $0 != "." && $0 != ".." }
}

/// The folder `Goldens` beside a source file.
public func goldensFolder(beside file: String = #filePath) -> String {
    file.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/Goldens"
}

/// The package's own folder.
public let packageFolder: String = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

/// The weights file of the newest version of a model in the package's repository.
public func newestWeights(of model: String) -> String {
    let folder = "\(packageFolder)/Weights/\(model)"
    let version = fileNames(in: folder).compactMap { Int($0) }.max() ?? 1
    return "\(folder)/\(version)/model.pth"
}

/// A training checkpoint that stays out of the project, in `SWIFTNET_CHECKPOINTS`, by default `../shared/checkpoints`. Nil if
/// it isn't there.
public func realCheckpoint(_ name: String) -> String? {
    let folder = getenv("SWIFTNET_CHECKPOINTS").map { String(cString: $0) } ?? packageFolder + "/../shared/checkpoints"
    let path = folder + "/" + name
    return access(path, R_OK) == 0 ? path : nil
}

/// The folder of data that stays out of the project: `SWIFTNET_DATA`, by default `../shared/data`. Nil if it isn't there.
public let dataFolder: String? = {
    let path = getenv("SWIFTNET_DATA").map { String(cString: $0) } ?? packageFolder + "/../shared/data"
    return access(path, R_OK) == 0 ? path : nil
}()
