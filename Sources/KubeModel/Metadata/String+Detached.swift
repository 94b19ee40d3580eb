extension String {
    /// The same text in memory of its own. One that is kept of a large document otherwise lies among what the rest of it
    /// leaves, and keeps the page; a hundred thousand of them keep a heap as large as the documents were.
    package var detached: String {
        // Short ones are in the value itself.
        utf8.count <= 15 ? self : String(decoding: Array(utf8), as: UTF8.self)
    }
}
