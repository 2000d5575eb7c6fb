/// The members of a JSON object, in a stable order.
///
/// Two objects are equal when they have the same members, in whatever order (RFC 8259 section 4).
public struct JSONObject: Sendable {
    /// One name with its value.
    public struct Member: Equatable, Sendable {
        public let key: String
        public var value: JSONValue
    }

    /// In the order in which they were added.
    public private(set) var members: [Member] = []

    public init() {}

    init(_ view: JSONView) {
        members.reserveCapacity(view.count)
        view.forEachMember { key, value in
            members.append(Member(key: String(decoding: key, as: UTF8.self), value: JSONValue(value)))
        }
    }

    public var count: Int { members.count }
    public var isEmpty: Bool { members.isEmpty }
    public var keys: [String] { members.map(\.key) }

    /// Reads, replaces (keeping the place), adds (last) or removes a member.
    public subscript(key: String) -> JSONValue? {
        get { members.first { $0.key == key }?.value }
        set {
            switch (members.firstIndex { $0.key == key }, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(key: key, value: value))
            case (nil, nil): break
            }
        }
    }
}

extension JSONObject: Equatable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        let others = Dictionary(right.members.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        return left.members.allSatisfy { others[$0.key] == $0.value }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (key, value) in elements { self[key] = value }
    }
}
