import Foundation
import Guard
import Policy
import Testing

@testable import Feeds

/// Lists of servers outlive a restart.
@Suite struct SavedListTests {
    /// A directory of its own, removed at the end.
    private final class Folder {
        let path = NSTemporaryDirectory() + "sipguardd-feeds-\(UUID().uuidString)"
        var lists: SavedLists { SavedLists(directory: path) }
        func file(_ name: String) -> String { "\(path)/\(name)" }
        var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func rule(_ name: String = "list", _ url: String = "http://192.0.2.9/list", most: Int = 1000) -> FeedRule {
        let origin = FeedOrigin(place: .url(url, keyFile: nil, authorities: nil), format: .crowdsec, most: most)
        let mark = Signature(name: name, tool: "any", purpose: .scan, weight: 1, mode: .enforce, conditions: [])
        return FeedRule(list: .block, origin: origin, refresh: .seconds(60), mark: mark)
    }

    private let content = FeedContent(
        prefixes: ["198.51.100.7", "203.0.113.0/28", "2001:db8:7::/48", "2001:db8::1"].compactMap { Prefix($0) },
        badLines: [3, 9], badCount: 12)
    private let version = Version(etag: "\"v\\1\"", lastModified: nil)

    @Test func whatWasSavedIsLoadedWithItsVersionAndAge() throws {
        let folder = Folder()
        #expect(folder.lists.load(rule()) == nil)
        #expect(folder.lists.save(content, version, of: rule()) == nil)
        let list = try #require(folder.lists.load(rule()))
        #expect(list.content == content && list.content.prefixes.count == 4 && list.version == version)
        #expect(Clock.now - list.confirmedAt < .seconds(60) && list.loadedAt <= Clock.now)
        // Confirmed an hour ago; then once more.
        var times = [timeval(tv_sec: time(nil) - 3600, tv_usec: 0), timeval(tv_sec: time(nil) - 3600, tv_usec: 0)]
        utimes(folder.file("list.list"), &times)
        #expect(Clock.now - (try #require(folder.lists.load(rule())).confirmedAt) >= .seconds(3599))
        #expect(folder.lists.confirm(rule()) && !folder.lists.confirm(rule("other")))
        #expect(Clock.now - (try #require(folder.lists.load(rule())).confirmedAt) < .seconds(60))
    }

    @Test func anEmptyListIsAListToo() throws {
        let folder = Folder()
        let empty = FeedContent(prefixes: [], badLines: [], badCount: 0)
        #expect(folder.lists.save(empty, Version(), of: rule()) == nil)
        #expect(try #require(folder.lists.load(rule())).content == empty)
    }

    @Test func aListOfAnotherOriginIsNotTaken() {
        let folder = Folder()
        #expect(folder.lists.save(content, version, of: rule()) == nil)
        #expect(folder.lists.load(rule("list", "http://192.0.2.9/other")) == nil)
        #expect(folder.lists.load(rule("other")) == nil)
        #expect(folder.lists.load(rule(most: 3)) == nil)
    }

    @Test("a damaged file is as good as none", arguments: 0..<60) func damage(part: Int) throws {
        let folder = Folder()
        #expect(folder.lists.save(content, version, of: rule()) == nil)
        let whole = try #require(FileManager.default.contents(atPath: folder.file("list.list")))
        try whole.prefix(whole.count * part / 60).write(to: URL(filePath: folder.file("list.list")))
        #expect(folder.lists.load(rule()) == nil)
    }

    @Test func aLinkAndAPipeAreNotRead() throws {
        let folder = Folder()
        #expect(folder.lists.save(content, version, of: rule()) == nil)
        try FileManager.default.moveItem(atPath: folder.file("list.list"), toPath: folder.file("there"))
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("list.list"), withDestinationPath: folder.file("there"))
        #expect(folder.lists.load(rule()) == nil)
        unlink(folder.file("list.list"))
        mkfifo(folder.file("list.list"), 0o600)
        #expect(folder.lists.load(rule()) == nil)
    }

    @Test func listsThatThePolicyHasNoMoreAreRemoved() {
        let folder = Folder()
        for name in ["one", "two", "three"] { #expect(folder.lists.save(content, version, of: rule(name)) == nil) }
        folder.lists.remove(allBut: ["two", "four"])
        #expect(folder.names == ["two.list"])
    }

    @Test func aProblemIsToldOnceUntilItIsOver() throws {
        let folder = Folder()
        let lists = folder.lists
        try FileManager.default.createDirectory(atPath: folder.file("list.list"), withIntermediateDirectories: true)
        #expect(lists.save(content, version, of: rule())?.hasSuffix("list.list: Is a directory") == true)
        #expect(lists.save(content, version, of: rule()) == nil)
        try FileManager.default.removeItem(atPath: folder.file("list.list"))
        #expect(lists.save(content, version, of: rule()) == nil && lists.load(rule())?.content == content)
    }
}
