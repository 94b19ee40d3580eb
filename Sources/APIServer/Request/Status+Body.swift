import KubeModel
import Transport

extension Status {
    /// Why a request's body did not arrive.
    init(_ failure: RequestBodyFailure, maxBodyBytes: Int) {
        switch failure {
        case .tooLarge: self = .tooLarge("limit is \(maxBodyBytes)")
        case .noRoom: self = .tooManyRequests()
        case .malformed, .closed: self = .badRequest(failure.reason)
        case .tooSlow:
            self.init(
                code: 408, reason: .timeout, message: failure.reason,
                details: Details(retryAfterSeconds: 1))
        }
    }
}
