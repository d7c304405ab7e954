// SPDX-License-Identifier: MIT

import Checkpoints
import Testing

@Suite("SHA256")
struct SHA256Tests {
    @Test(
        "gives the digests of FIPS 180-4 and of padding at every length",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func knownDigests(text: String, digest: String) {
        #expect(Array(text.utf8).withUnsafeBytes { SHA256.hexadecimal(of: $0) } == digest)
    }

    @Test("pieces of any size give the same digest")
    func pieces() {
        let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 * 7) }
        let whole = bytes.withUnsafeBytes { SHA256.hexadecimal(of: $0) }
        for size in [1, 3, 63, 64, 65, 128, 299] {
            var hash = SHA256()
            for start in stride(from: 0, to: bytes.count, by: size) {
                Array(bytes[start..<min(start + size, bytes.count)]).withUnsafeBytes { hash.update($0) }
            }
            #expect(hash.finish().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == whole)
        }
    }
}
