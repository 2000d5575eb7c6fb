import Policy

/// A request written down in a policy file.
public struct SampleRequest: Sendable {
    public var source: IPAddress
    public var transport: Transport?
    public var fields: [(field: Field, value: String)]
    /// A start line and header block.
    public var message: String?

    public init(
        source: IPAddress, transport: Transport? = nil, fields: [(field: Field, value: String)] = [],
        message: String? = nil
    ) {
        (self.source, self.transport, self.fields, self.message) = (source, transport, fields, message)
    }

    /// Hands out the facts of the request, which are views that end with the call.
    public func withFacts<Result>(_ body: (RequestFacts) -> Result) -> Result {
        var bytes: [UInt8] = []
        let values = fields.map { (field: $0.field, range: Self.append($0.value, to: &bytes)) }
        let message = message.map { Self.append($0, to: &bytes) }
        // Never empty, so that an empty value is known.
        bytes.append(0)
        return bytes.withUnsafeBufferPointer { bytes in
            var facts = RequestFacts(source: source)
            facts.transport = transport
            for (field, range) in values { facts[field] = bytes.part(range.lowerBound, range.upperBound) }
            if let message { MessageReader.read(bytes.part(message.lowerBound, message.upperBound), into: &facts) }
            return body(facts)
        }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) -> Range<Int> {
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        return start..<bytes.count
    }
}

/// A sample of a signature: a request that it must match, or a legitimate one that it must leave alone.
public struct Sample: Sendable {
    public let signature: String
    public let mustMatch: Bool
    public let request: SampleRequest
    public let file: String
    public let line: Int
    public let path: String
}

/// A sample that its signature does not treat as it says.
public struct SampleFailure: Sendable, CustomStringConvertible {
    public let sample: Sample

    public var description: String {
        let what = sample.mustMatch ? "does not match this sample, but must" : "matches this sample, but must not"
        return Problem(
            file: sample.file, line: sample.line, path: sample.path, message: "signature '\(sample.signature)' \(what)"
        ).description
    }
}

/// Reads one sample: a map of facts, or `message: |` with a header block.
enum SampleReader {
    private static let keys = Field.allCases.map(\.name) + ["source_ip", "transport", "message"]
    /// An address for documentation (RFC 5737), where a sample names none.
    private static let stranger = IPAddress(v4: 0xC633_6407)

    static func read(_ value: YAMLValue, _ signature: String, isMatch: Bool) -> Sample? {
        guard let map = value.mapping(keys) else { return nil }
        if map.entries.isEmpty { value.report("is empty; write facts such as 'user_agent: ...', or 'message: |'") }
        var request = SampleRequest(source: map["source_ip"].map { $0.address() ?? stranger } ?? stranger)
        request.transport = map["transport"]?.choice(Transport.self)
        request.message = map["message"]?.string()
        for entry in map.entries {
            guard let field = Field(name: entry.key), let text = entry.value.string() else { continue }
            request.fields.append((field, text))
        }
        return Sample(
            signature: signature, mustMatch: isMatch, request: request, file: value.reader.file, line: value.line,
            path: value.path)
    }
}
