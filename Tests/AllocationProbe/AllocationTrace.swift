// SPDX-License-Identifier: MIT

import Glibc

@_silgen_name("mtrace") private func mtrace()
@_silgen_name("muntrace") private func muntrace()

/// Counts the calls, by any thread, that give out memory in `body`: malloc and all its relatives.
///
/// glibc's tracer writes a line for each call into the file that `MALLOC_TRACE` names, if `libc_malloc_debug.so.0` is preloaded.
func allocations(_ body: () -> Void) -> Int {
    mtrace()
    body()
    muntrace()
    guard let name = getenv("MALLOC_TRACE"), let file = fopen(name, "r") else { return -1 }
    defer { fclose(file) }
    var count = 0
    var line = [CChar](repeating: 0, count: 4096)
    while fgets(&line, Int32(line.count), file) != nil {
        // "@ caller + address size" is memory given out, and ">" begins the second line of a reallocation.
        let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(
            separator: " ")
        if words.count > 2, words[2] == "+" || words[2] == ">" { count += 1 }
    }
    return count
}
