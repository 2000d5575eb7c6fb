import Corpus
import Foundation

/// The corpus as it stands beside these tests.
enum CorpusFolder {
    static let catalogue = Catalogue(
        folder: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Corpus").path)
    static let scenarios = (try? catalogue.scenarios()) ?? []
    static let figures = catalogue.figures()
}
