/// Many texts to be looked for in one pass over a value: a trie in memory that never changes.
///
/// Its nodes hold their children as a list, so that memory grows with the texts alone; the root, where a harmless value
/// spends its time, is a table. With `fail` links it is the automaton of Aho and Corasick (1975): the pass is linear in the
/// value whatever the texts are and whatever an attacker sends. Texts are held and compared in lower case (ASCII).
struct TextTrie {
    fileprivate struct Node {
        var byte: UInt8 = 0
        var child: UInt32 = 0
        var sibling: UInt32 = 0
        /// The node of the longest suffix that is in the trie as well.
        var fail: UInt32 = 0
        /// The first of the texts that end here, or at a suffix of it; 0 for none.
        var output: UInt32 = 0
    }

    fileprivate struct Output {
        var condition: UInt32
        var next: UInt32
    }

    private let root: UnsafeBufferPointer<UInt32>
    private let nodes: UnsafeBufferPointer<Node>
    private let outputs: UnsafeBufferPointer<Output>

    /// - Parameter texts: what to look for, and the number to report for it. None of them is empty.
    init(_ texts: [(text: [UInt8], condition: Int)], linked: Bool = false) {
        var builder = Builder()
        for (text, condition) in texts { builder.add(text, UInt32(condition)) }
        if linked { builder.link() }
        root = .frozen(builder.root)
        nodes = .frozen(builder.nodes)
        outputs = .frozen(builder.outputs)
    }

    /// Frees its memory; nobody else does.
    func deallocate() {
        root.deallocate()
        nodes.deallocate()
        outputs.deallocate()
    }

    @inline(__always)
    private func child(of node: UInt32, _ byte: UInt8) -> UInt32 {
        var child = nodes[Int(node)].child
        while child != 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].sibling }
        return child
    }

    @inline(__always)
    private func report(_ node: UInt32, _ found: (Int) -> Void) {
        var output = nodes[Int(node)].output
        while output != 0 {
            found(Int(outputs[Int(output)].condition))
            output = outputs[Int(output)].next
        }
    }

    /// Reports the texts with which the value begins, and at its end those that it is altogether.
    @inline(__always)
    func walk(_ value: Bytes, _ prefix: (Int) -> Void) {
        var node: UInt32 = 0
        for index in 0..<value.count {
            node = node == 0 ? root[Int(value[index])] : child(of: node, value[index].lowercased)
            if node == 0 { return }
            report(node, prefix)
        }
    }

    /// Reports the texts that the value is altogether.
    @inline(__always)
    func whole(_ value: Bytes, _ found: (Int) -> Void) {
        var node: UInt32 = 0
        for index in 0..<value.count {
            node = node == 0 ? root[Int(value[index])] : child(of: node, value[index].lowercased)
            if node == 0 { return }
        }
        if node != 0 { report(node, found) }
    }

    /// Reports the texts, written backwards, with which the value ends.
    @inline(__always)
    func walkBack(_ value: Bytes, _ suffix: (Int) -> Void) {
        var node: UInt32 = 0
        for index in stride(from: value.count - 1, through: 0, by: -1) {
            node = node == 0 ? root[Int(value[index])] : child(of: node, value[index].lowercased)
            if node == 0 { return }
            report(node, suffix)
        }
    }

    /// Reports the texts that stand in the value from `start` on, one as often as it stands there, up to the first place that is
    /// in none of them, nor in what looked like one; the trie is linked.
    ///
    /// - Returns: that place, where no text has begun that is not reported.
    @inline(__always)
    func scan(_ value: Bytes, from start: Int, _ found: (Int) -> Void) -> Int {
        var index = start + 1
        var node = root[Int(value[start])]
        while node != 0 {
            if nodes[Int(node)].output != 0 { report(node, found) }
            guard index < value.count else { break }
            let next = child(of: node, value[index].lowercased)
            if next != 0 { index += 1 }
            node = next != 0 ? next : nodes[Int(node)].fail
        }
        return index
    }
}

extension TextTrie {
    /// What becomes the trie's memory.
    private struct Builder {
        var root = [UInt32](repeating: 0, count: 256)
        var nodes = [Node()]
        /// The first is nobody's.
        var outputs = [Output(condition: 0, next: 0)]

        private func child(of node: UInt32, _ byte: UInt8) -> UInt32 {
            if node == 0 { return root[Int(byte)] }
            var child = nodes[Int(node)].child
            while child != 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].sibling }
            return child
        }

        mutating func add(_ text: [UInt8], _ condition: UInt32) {
            precondition(!text.isEmpty)
            var node: UInt32 = 0
            for byte in text {
                let next = child(of: node, byte)
                node = next != 0 ? next : addNode(byte, to: node)
            }
            addOutput(condition, to: node)
        }

        private mutating func addNode(_ byte: UInt8, to parent: UInt32) -> UInt32 {
            let new = UInt32(nodes.count)
            var node = Node()
            node.byte = byte
            if parent == 0 {
                root[Int(byte)] = new
                if byte.isLowercaseLetter { root[Int(byte & 0xDF)] = new }
            } else {
                node.sibling = nodes[Int(parent)].child
                nodes[Int(parent)].child = new
            }
            nodes.append(node)
            return new
        }

        private mutating func addOutput(_ condition: UInt32, to node: UInt32) {
            guard !conditions(at: node).contains(condition) else { return }
            outputs.append(Output(condition: condition, next: nodes[Int(node)].output))
            nodes[Int(node)].output = UInt32(outputs.count - 1)
        }

        private func conditions(at node: UInt32) -> [UInt32] {
            var (all, output): ([UInt32], UInt32) = ([], nodes[Int(node)].output)
            while output != 0 {
                all.append(outputs[Int(output)].condition)
                output = outputs[Int(output)].next
            }
            return all
        }

        /// Sets the links in order of depth, so that each node's suffix is done before it.
        mutating func link() {
            var queue = Set(root).subtracting([0]).sorted()
            var index = 0
            while index < queue.count {
                let node = queue[index]
                index += 1
                inherit(node)
                var child = nodes[Int(node)].child
                while child != 0 {
                    nodes[Int(child)].fail = suffix(of: node, nodes[Int(child)].byte)
                    queue.append(child)
                    child = nodes[Int(child)].sibling
                }
            }
        }

        private func suffix(of node: UInt32, _ byte: UInt8) -> UInt32 {
            var fail = nodes[Int(node)].fail
            while true {
                let next = child(of: fail, byte)
                if next != 0 || fail == 0 { return next }
                fail = nodes[Int(fail)].fail
            }
        }

        /// A node reports what its suffix does, each condition once.
        private mutating func inherit(_ node: UInt32) {
            let fail = nodes[Int(node)].fail
            guard fail != 0 else { return }
            for condition in conditions(at: fail).reversed() { addOutput(condition, to: node) }
        }
    }
}

extension UInt8 {
    fileprivate var isLowercaseLetter: Bool { self >= 0x61 && self <= 0x7A }
}

extension UnsafeBufferPointer {
    /// A copy in memory of its own, which the caller frees.
    static func frozen(_ elements: [Element]) -> Self {
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = memory.initialize(from: elements)
        return Self(memory)
    }
}
