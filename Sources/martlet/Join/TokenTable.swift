import KubeModel

/// The tokens as `martlet token list` shows them. Secrets of tokens are shown to who may read the Secrets anyway.
enum TokenTable {
    static func lines(_ secrets: [Secret], now: Timestamp) -> [String] {
        var rows = [["TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION"]]
        for secret in secrets.sorted(by: { ($0.metadata.name ?? "") < ($1.metadata.name ?? "") }) {
            let record: BootstrapTokenRecord
            do {
                record = try BootstrapTokenRecord(secret)
            } catch {
                rows.append([secret.metadata.name ?? "", "<invalid>", "-", "-", "\(error)"])
                continue
            }
            let usages = [record.authenticates ? "authentication" : nil, record.signs ? "signing" : nil]
            rows.append([
                record.token.text, ttl(record.expiration, now), record.expiration?.description ?? "<never>",
                usages.compactMap(\.self).joined(separator: ","),
                record.description.isEmpty ? "<none>" : record.description,
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - cell.count + 3) }
            }
            return line
        }
    }

    private static func ttl(_ end: Timestamp?, _ now: Timestamp) -> String {
        guard let end else { return "<forever>" }
        let seconds = end.secondsSinceEpoch - now.secondsSinceEpoch
        return seconds <= 0 ? "<expired>" : "\(TimeSpan.seconds(seconds))"
    }
}
