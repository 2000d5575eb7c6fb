import JSON
import Testing

struct JSONWriterTests {
    @Test func `Writes commas where they belong`() {
        var writer = JSONWriter(capacity: 1)
        writer.beginObject()
        writer.member("a", 1)
        writer.key("b")
        writer.beginArray()
        writer.int(-2)
        writer.beginObject()
        writer.endObject()
        writer.beginArray()
        writer.endArray()
        writer.null()
        writer.endArray()
        writer.member("c", true)
        writer.member("d", 1.5)
        writer.member("e", "x")
        writer.endObject()
        #expect(writer.text == #"{"a":1,"b":[-2,{},[],null],"c":true,"d":1.5,"e":"x"}"#)
        #expect(writer.depth == 0)
    }

    @Test(arguments: [
        ([UInt8]("plain".utf8), #""plain""#),
        ([], #""""#),
        ([0x22, 0x5C, 0x2F], #""\"\\/""#),
        ([0x00, 0x01, 0x1F, 0x20, 0x7F], "\"\\u0000\\u0001\\u001f \u{7F}\""),
        ([0x0A, 0x0D, 0x09], #""\n\r\t""#),
        ([UInt8]("zażółć 🦉".utf8), "\"zażółć 🦉\""),
        ([0xFF, 0x41], #""\u00ffA""#),
        ([0xC0, 0xAF], #""\u00c0\u00af""#),
        ([0xED, 0xA0, 0x80], #""\u00ed\u00a0\u0080""#),
        ([0xF4, 0x90, 0x80, 0x80], #""\u00f4\u0090\u0080\u0080""#),
        ([0xE2, 0x82], #""\u00e2\u0082""#),
        ([0xF0, 0x9F, 0xA6, 0x41], #""\u00f0\u009f\u00a6A""#),
    ])
    func `Writes any bytes as a JSON string`(bytes: [UInt8], expected: String) throws {
        var writer = JSONWriter()
        bytes.withUnsafeBytes { writer.string($0) }
        #expect(writer.text == expected)
        #expect(try JSONValue(parsing: writer.text).string != nil)
    }

    @Test(arguments: [1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 40])
    func `Escapes a byte at any place of a string of any length`(count: Int) throws {
        var writer = JSONWriter(capacity: 64)
        for place in 0..<count {
            let wrong = (0...127).map { UInt8($0) }.filter { byte in
                var bytes = [UInt8](repeating: 0x61, count: count)
                bytes[place] = byte
                writer.removeAll()
                bytes.withUnsafeBytes { writer.string($0) }
                return (try? JSONValue(parsing: writer.text).string) != String(decoding: bytes, as: UTF8.self)
            }
            #expect(wrong == [])
        }
    }

    @Test(arguments: [
        (Int64.min, "-9223372036854775808"), (.max, "9223372036854775807"), (0, "0"), (-1, "-1"), (10, "10"),
        (9, "9"), (99, "99"), (100, "100"), (1_000_000_000_000_000_000, "1000000000000000000"),
    ])
    func `Writes whole numbers`(number: Int64, expected: String) {
        var writer = JSONWriter()
        writer.int(number)
        #expect(writer.text == expected)
    }

    @Test(arguments: [
        (0.1, "0.1"), (-1.5e300, "-1.5e+300"), (.infinity, "null"), (.nan, "null"), (1, "1.0"),
        (.leastNonzeroMagnitude, "5e-324"),
    ])
    func `Writes numbers in the shortest exact form`(number: Double, expected: String) {
        var writer = JSONWriter()
        writer.double(number)
        #expect(writer.text == expected)
    }

    @Test func `Takes back what was written behind a mark`() {
        var writer = JSONWriter()
        writer.beginArray()
        writer.int(1)
        let mark = writer.count
        let depth = writer.depth
        writer.beginObject()
        writer.member("half", "done")
        writer.truncate(to: mark, depth: depth)
        writer.int(2)
        writer.endArray()
        #expect(writer.text == "[1,2]")
    }

    @Test func `Inserts before what was written`() {
        var writer = JSONWriter(capacity: 1)
        writer.string("é" + String(repeating: "x", count: 100))
        let prefix: [UInt8] = Array("104:".utf8)
        prefix.withUnsafeBytes { writer.insert($0, at: 0) }
        #expect(writer.text.hasPrefix("104:\"éx"))
        #expect(writer.count == 108)
    }

    @Test func `Begins a new text behind a line or a netstring`() {
        var writer = JSONWriter()
        writer.int(1)
        writer.raw("\n")
        writer.int(2)
        writer.raw(",")
        writer.int(3)
        #expect(writer.text == "1\n2,3")
    }

    @Test func `Is empty after being emptied, and gives back memory`() {
        var writer = JSONWriter()
        writer.string(String(repeating: "x", count: 100_000))
        writer.removeAll(keepingCapacityUpTo: 1000)
        #expect(writer.count == 0)
        writer.string(String(repeating: "y", count: 5000))
        #expect(writer.count == 5002)
    }

    @Test func `Writes trees and views alike`() throws {
        let text = #"{"a":[1,-2.5,"x\u0000",true,false,null,{"é\n":{}}],"b":""}"#
        let value = try JSONValue(parsing: text)
        var fromTree = JSONWriter()
        fromTree.value(value)
        #expect(fromTree.text == text)
        let document = try text.utf8.span.withUnsafeBytes { try JSONDocument(parsing: $0) }
        var fromView = JSONWriter()
        document.withRoot { fromView.value($0) }
        #expect(fromView.text == text)
    }
}
