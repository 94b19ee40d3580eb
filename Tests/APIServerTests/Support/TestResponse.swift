import KubeModel

@testable import APIServer

struct TestResponse: Sendable {
    let status: Int
    let headers: [(name: String, value: String)]
    let body: [UInt8]

    init(_ response: OutgoingResponse) {
        status = response.status
        headers = response.headers
        body = Array(response.body.joined())
    }

    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    var json: JSONValue { (try? JSONParser.parse(body)) ?? .null }
    var text: String { String(decoding: body, as: UTF8.self) }
    var message: String { json["message"].string ?? "" }
    var names: [String] { (json["items"].array ?? []).compactMap { $0["metadata"]["name"].string } }
}
