import JSON
import Testing

struct JSONValueTests {
    @Test func `Objects are equal in whatever order`() {
        #expect(["a": 1, "b": [2]] as JSONValue == ["b": [2], "a": 1])
        #expect(["a": 1] as JSONValue != ["a": 1, "b": 2])
        #expect(["a": 1] as JSONValue != ["b": 1])
        #expect([1, 2] as JSONValue != [2, 1])
        #expect(1 as JSONValue != 1.0)
    }

    @Test func `Objects keep the order in which members were added`() {
        var object: JSONObject = ["z": 1, "a": 2]
        object["m"] = 3
        object["z"] = 4
        object["a"] = nil
        object["none"] = nil
        #expect(object.keys == ["z", "m"])
        #expect(JSONValue.object(object).text == #"{"z":4,"m":3}"#)
    }

    @Test func `Prints over several lines for people`() {
        let value: JSONValue = ["a": [1, 0.1], "b": [:]]
        #expect(value.prettyText == "{\n  \"a\": [\n    1,\n    0.1\n  ],\n  \"b\": {}\n}")
    }

    @Test(arguments: [
        (0.1, "0.1"), (1.0 / 3, "0.33333333333333331"), (1, "1.0"), (.infinity, "null"), (.nan, "null"),
        (1e22, "1e22"),
    ])
    func `Prints numbers as short as exactness allows`(number: Double, text: String) {
        #expect(JSONValue.double(number).text == text)
    }

    @Test func `Reads through to members and elements`() {
        let value: JSONValue = ["list": [.null, ["deep": "x"]], "yes": true, "n": 3]
        #expect(value["list"]?[1]?["deep"]?.string == "x")
        #expect(value["list"]?[0]?.isNull == true)
        #expect(value["list"]?[2] == nil)
        #expect(value["yes"]?.bool == true)
        #expect(value["n"]?.int64 == 3)
        #expect(value["n"]?.double == 3)
        #expect(value["missing"] == nil)
        #expect(value["n"]?["x"] == nil)
    }

    @Test func `Keeps NUL in values and prints it`() throws {
        #expect(JSONValue.string("a\0b").text == #""a\u0000b""#)
        #expect(try JSONValue(parsing: #""a\u0000b""#) == "a\0b")
    }
}
