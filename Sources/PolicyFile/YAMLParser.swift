internal import CYaml

/// From text to nodes, by the events of libyaml.
///
/// Nothing is repeated and nothing is followed: an alias is refused, since nine lines of them can stand for a billion values,
/// and so is what is nested deeper than any file of ours needs to be. So the nodes are as many as the text has, and reading
/// and releasing them takes no more stack than a connection's thread has.
struct YAMLParser: ~Copyable {
    private static let deepest = 64

    private let text: UnsafeBufferPointer<UInt8>
    private let parser: UnsafeMutablePointer<yaml_parser_t>

    /// The text's only document; nil if it has none.
    static func root(of text: String) throws(YAMLMistake) -> YAMLNode? {
        try text.utf8.span.withUnsafeBufferPointer { bytes throws(YAMLMistake) in try YAMLParser(bytes).root() }
    }

    private init(_ text: UnsafeBufferPointer<UInt8>) throws(YAMLMistake) {
        (self.text, parser) = (text, .allocate(capacity: 1))
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            throw Self.noMemory
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    private func root() throws(YAMLMistake) -> YAMLNode? {
        guard try next().kind == .begin, try next().kind == .begin else { return nil }
        let root = try node(next(), depth: 0)
        _ = try next()
        let after = try next()
        guard after.kind == .end else {
            throw after.mistake("expected a single document in the stream, but found another document")
        }
        return root
    }

    private func node(_ event: YAMLEvent, depth: Int) throws(YAMLMistake) -> YAMLNode {
        guard depth <= Self.deepest else { throw Self.tooDeep(event.line) }
        switch event.kind {
        case .scalar(let text, let isPlain):
            return YAMLNode(content: .scalar(text, isPlain: isPlain), line: event.line)
        case .sequence:
            var items: [YAMLNode] = []
            while case let item = try next(), item.kind != .end { items.append(try node(item, depth: depth + 1)) }
            return YAMLNode(content: .sequence(items), line: event.line)
        case .mapping:
            var pairs: [(key: YAMLNode, value: YAMLNode)] = []
            while case let key = try next(), key.kind != .end {
                pairs.append((try node(key, depth: depth + 1), try node(next(), depth: depth + 1)))
            }
            return YAMLNode(content: .mapping(pairs), line: event.line)
        case .alias(let name):
            throw YAMLMistake(
                line: event.line,
                message: "aliases are not read; write the value out instead of '*\(name)', or quote it if it is text")
        case .begin, .end:
            throw event.mistake("a value is expected here")
        }
    }

    private func next() throws(YAMLMistake) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw mistake }
        defer { yaml_event_delete(&event) }
        return YAMLEvent(event)
    }

    /// What libyaml says is wrong.
    private var mistake: YAMLMistake {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? ""
        switch parser.pointee.error {
        case YAML_MEMORY_ERROR: return Self.noMemory
        case YAML_READER_ERROR:
            let line = text.prefix(parser.pointee.problem_offset).count { $0 == 0x0A } + 1
            return YAMLMistake(line: line, message: "is not YAML: \(problem)")
        default:
            let mark = parser.pointee.problem_mark
            // libyaml has a bound of its own, for what it reads ahead.
            if problem.contains("nesting level") { return Self.tooDeep(Int(mark.line) + 1) }
            let context = parser.pointee.context.map { String(cString: $0) + ", " } ?? ""
            let isTab = problem.contains("cannot start any token")
            let hint = isTab ? "; quote a value that begins with a special character, and indent with spaces" : ""
            return YAMLEvent(mark, .end).mistake(context + problem + hint)
        }
    }

    private static var noMemory: YAMLMistake { YAMLMistake(line: nil, message: "cannot be read: no memory is left") }

    private static func tooDeep(_ line: Int) -> YAMLMistake {
        YAMLMistake(
            line: line, message: "is nested deeper than \(deepest) levels; no such file needs to be that deep")
    }
}

/// What libyaml has come upon, and where.
private struct YAMLEvent {
    enum Kind: Equatable {
        /// The begin of the text or of a document.
        case begin
        /// The end of whatever began last.
        case end
        case scalar(String, isPlain: Bool)
        case sequence, mapping
        case alias(String)
    }

    let kind: Kind
    /// Both from 1; a column counts characters.
    let line, column: Int

    init(_ mark: yaml_mark_t, _ kind: Kind) {
        (line, column, self.kind) = (Int(mark.line) + 1, Int(mark.column) + 1, kind)
    }

    init(_ event: yaml_event_t) {
        let kind: Kind =
            switch event.type {
            case YAML_STREAM_START_EVENT, YAML_DOCUMENT_START_EVENT: .begin
            case YAML_SCALAR_EVENT: Self.scalar(event)
            case YAML_SEQUENCE_START_EVENT: .sequence
            case YAML_MAPPING_START_EVENT: .mapping
            case YAML_ALIAS_EVENT: .alias(String(cString: event.data.alias.anchor))
            default: .end
            }
        self.init(event.start_mark, kind)
    }

    private static func scalar(_ event: yaml_event_t) -> Kind {
        let scalar = event.data.scalar
        let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
        return .scalar(String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
    }

    func mistake(_ what: String) -> YAMLMistake {
        YAMLMistake(line: line, message: "is not YAML at column \(column): \(what)")
    }
}
