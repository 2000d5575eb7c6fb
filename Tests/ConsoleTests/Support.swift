import JSON

@testable import Console

/// 2025-11-21T07:00:00Z, when all the tests take place.
let noon = Timestamp("2025-11-21T07:00:00Z")?.seconds ?? 0

/// What a view shows of a result, without colour.
func shown(_ result: String, _ view: (inout Page, JSONValue) -> Void) throws -> String {
    var page = Page(palette: Palette(isColoured: false), now: noon)
    view(&page, try JSONValue(parsing: result))
    return page.text
}
