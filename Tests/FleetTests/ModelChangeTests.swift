// SPDX-License-Identifier: MIT

import Fleet
import Testing

@Suite struct ModelChangeTests {
    @Test func changesAreMadeToWhatIsServed() {
        let served = ["a", "b@1", "b@2"]
        #expect(ModelChange.load("c").applied(to: served) == ["a", "b@1", "b@2", "c"])
        #expect(ModelChange.load("a").applied(to: served) == served)
        #expect(ModelChange.unload("b").applied(to: served) == ["a"])
        #expect(ModelChange.use("b@3").applied(to: served) == ["a", "b@3"])
        #expect(ModelChange.use("a@1").applied(to: served) == ["a@1", "b@1", "b@2"])
        #expect(ModelChange.use("c@1").applied(to: served) == served + ["c@1"])
        #expect(ModelChange.unload("a").applied(to: ["ab", "a@1"]) == ["ab"])
    }

    /// However often clients change something, the file stays short and means the same.
    @Test func laterChangesMakeEarlierOnesVoid() {
        let all: [ModelChange] = [
            .use("b@1"), .use("b@2"), .load("c"), .load("c"), .unload("c"), .use("b@3"), .load("b"), .unload("a"),
        ]
        let kept = all.reduce([]) { ModelChange.added($1, to: $0) }
        #expect(kept == [.unload("c"), .use("b@3"), .load("b"), .unload("a")])
        func applied(_ changes: [ModelChange]) -> [String] { changes.reduce(["a", "b"]) { $1.applied(to: $0) } }
        #expect(applied(kept) == applied(all))
        #expect(applied(kept) == ["b@3", "b"])
    }

    @Test func theFileIsReadAsWritten() throws {
        let changes: [ModelChange] = [.load("c"), .unload("a"), .use("b@3")]
        #expect(ModelChange.text(of: changes) == "load c\nunload a\nuse b@3\n")
        #expect(try ModelChange.changes(in: ModelChange.text(of: changes)) == changes)
        #expect(try ModelChange.changes(in: "").isEmpty)
        for text in ["load", "walk a", "use a@1 b", "load a\nx"] {
            #expect(throws: ConfigurationError.self) { try ModelChange.changes(in: text) }
        }
    }
}
