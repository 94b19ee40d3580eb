import KubeModel

/// Reads answers: documents, and the `Status` of a failure.
enum AnswerReader {
    static func document(_ body: [UInt8]) throws(ClientError) -> JSONValue {
        do {
            return try JSONParser.parse(body)
        } catch {
            throw ClientError(.malformedAnswer, "the answer is not JSON", cause: error)
        }
    }

    /// The error for an answer other than 2xx. Servers and proxies that do not answer with a `Status` get one made
    /// from the HTTP status, as client-go does.
    static func failure(status: Int, body: [UInt8], retryAfterSeconds: Int?) -> Status {
        // Anything but a Status document counts as plain text below.
        if let document = try? JSONParser.parse(body), document["kind"]?.string == "Status",
            var answer = Status(json: document)
        {
            if answer.code == 0 { answer.code = status }
            return answer
        }
        var text = String(decoding: body.prefix(500), as: UTF8.self)
        if text.isEmpty { text = "the server answered with HTTP status \(status)" }
        return Status(code: status, reason: reason(status), message: text)
    }

    static func reason(_ status: Int) -> StatusReason {
        switch status {
        case 400: .badRequest
        case 401: .unauthorized
        case 403: .forbidden
        case 404: .notFound
        case 405: .methodNotAllowed
        case 406: .notAcceptable
        case 409: .conflict
        case 410: .gone
        case 413: .requestEntityTooLarge
        case 415: .unsupportedMediaType
        case 422: .invalid
        case 429: .tooManyRequests
        case 503: .serviceUnavailable
        case 504: .timeout
        default: .internalError
        }
    }
}
