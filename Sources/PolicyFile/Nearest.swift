/// Finds the word that somebody probably meant.
enum Nearest {
    /// The candidate with the fewest edits, if they are few for a word of this length.
    static func match(_ word: String, among candidates: some Sequence<String>) -> String? {
        let word = word.lowercased()
        guard word.utf8.count <= 64 else { return nil }
        var best: (edits: Int, candidate: String)?
        for candidate in candidates {
            let edits = distance(Array(word.utf8), Array(candidate.lowercased().utf8))
            if edits < best?.edits ?? max(2, candidate.utf8.count / 2) { best = (edits, candidate) }
        }
        return best?.candidate
    }

    /// `; did you mean 'x'?`, or nothing.
    static func hint(_ word: String, among candidates: some Sequence<String>) -> String {
        match(word, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment distance).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var (before, previous) = ([Int](), Array(0...right.count))
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                let replaced = previous[column] + (left[row] == right[column] ? 0 : 1)
                var edits = min(replaced, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    edits = min(edits, before[column - 1] + 1)
                }
                current.append(edits)
            }
            (before, previous) = (previous, current)
        }
        return previous[right.count]
    }
}
