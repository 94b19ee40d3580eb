// Answers, as bytes of HTTP/1.
extension HTTP1ServerEngine {
    func respond(_ response: HTTPResponse, exchange: UInt64) {
        guard exchange == self.exchange, hasExchange, case .nothing = sending, !connection.isClosed else {
            response.onSent?()
            return
        }
        let length = response.bodyLength
        let status = (200...999).contains(response.status) ? response.status : 500
        let mayHaveBody = status != 204 && status != 304
        onSent = response.onSent
        if response.isCompressed, mayHaveBody, !isHead, lastVersion == .http11, let body = GzipBody(response.body) {
            var headers = response.headers
            headers["Content-Encoding"] = "gzip"
            appendHead(status, headers, .chunked)
            countAnswer(length)
            sending = .compressed(body)
            return connection.flush()
        }
        appendHead(status, response.headers, mayHaveBody ? .length(length) : .none)
        guard mayHaveBody, !isHead, length > 0 else { return complete() }
        var queue = ChunkQueue(response.body)
        if connection.pendingOutput + length <= Self.pieceSize {
            _ = queue.take(length, appendingTo: &connection.output)
            complete()
        } else {
            countAnswer(length)
            sending = .body(queue)
            connection.flush()
        }
    }

    func begin(status: Int, headers: HTTPHeaders, stream: ResponseStreamQueue, exchange: UInt64) {
        guard exchange == self.exchange, hasExchange, case .nothing = sending, !connection.isClosed else {
            return stream.didClose()
        }
        let framing = lastVersion == .http10 ? HTTP1BodyFraming.untilClose : .chunked
        // A body that nobody reads would stand before the next request for as long as the stream lasts.
        if framing == .untilClose || hasUnreadBody { keepsAlive = false }
        appendHead(status, headers, framing)
        sending = isHead ? .headOnlyStream(stream) : .stream(stream, framing)
        if peerEnded { return connection.close() }
        if isDraining { stream.drain() }
        connection.flush()
    }

    func upgrade(headers: HTTPHeaders, stream: ResponseStreamQueue, input: UpgradedInput, exchange: UInt64) {
        guard exchange == self.exchange, hasExchange, case .nothing = sending, !connection.isClosed, !isHead,
            !hasUnreadBody, !peerEnded || input.allowsHalfClose, lastVersion == .http11
        else { return stream.didClose() }
        HTTP1ResponseEncoder.appendUpgrade(headers, to: &connection.output)
        keepsAlive = false
        receiving = .upgraded(input)
        if input.allowsHalfClose { connection.becomeTunnel() }
        sending = .stream(stream, .untilClose)
        if isDraining { stream.drain() }
        connection.flush()
        resumeUpgraded()
    }

    func streamChanged(exchange: UInt64) {
        guard exchange == self.exchange, hasExchange else { return }
        if case .stream(let queue, _) = sending, queue.isCancelled {
            // At once: the client may take nothing of what stands before it.
            return connection.close()
        }
        connection.flush()
    }

    private func appendHead(_ status: Int, _ headers: HTTPHeaders, _ framing: HTTP1BodyFraming) {
        settleUnreadBody()
        let worker = connection.worker
        HTTP1ResponseEncoder.append(
            status: status, headers: headers, framing: framing, keepsAlive: keepsAlive,
            minorVersion: lastVersion == .http10 ? 0 : 1, date: worker.appendDate(to:), to: &connection.output)
    }

    func produce() {
        switch sending {
        case .nothing, .ended: return
        case .body(var queue):
            // Taken out first: two owners of the queue would copy its array.
            sending = .nothing
            countAnswer(-queue.take(Self.pieceSize, appendingTo: &connection.output))
            if queue.isEmpty { complete() } else { sending = .body(queue) }
        case .compressed(let body): produce(from: body)
        case .stream(let queue, let framing):
            produce(from: queue, framing)
        case .headOnlyStream(let queue):
            var dropped: [UInt8] = []
            switch queue.take(.max, appendingTo: &dropped) {
            case .finished, .cancelled:
                queue.didClose()
                complete()
            case .more, .empty: break
            }
        }
    }

    private func produce(from body: GzipBody) {
        let pending = body.pendingBytes
        let piece = [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { buffer, count in
            count = body.take(into: UnsafeMutableRawBufferPointer(buffer))
        }
        countAnswer(body.pendingBytes - pending)
        if !piece.isEmpty {
            HTTP1ChunkedEncoder.appendSize(piece.count, to: &connection.output)
            connection.output.append(contentsOf: piece)
            HTTP1ResponseEncoder.append("\r\n", to: &connection.output)
        }
        guard body.isEnded else { return }
        HTTP1ResponseEncoder.append(HTTP1ChunkedEncoder.end, to: &connection.output)
        complete()
    }

    private func produce(from queue: ResponseStreamQueue, _ framing: HTTP1BodyFraming) {
        let isChunked = framing == .chunked
        // The connection is the only consumer: at least this many bytes are there.
        let available = min(queue.pendingBytes, Self.pieceSize)
        // With the chunk's size and line ends, so that the buffer does not grow again behind the bytes.
        connection.output.reserveCapacity(connection.output.count + available + 32)
        if isChunked, available > 0 { HTTP1ChunkedEncoder.appendSize(available, to: &connection.output) }
        let progress = queue.take(available, appendingTo: &connection.output)
        if case .cancelled = progress {
            connection.output = []
            return connection.close()
        }
        if isChunked, available > 0 { HTTP1ResponseEncoder.append("\r\n", to: &connection.output) }
        if case .finished = progress {
            if isChunked { HTTP1ResponseEncoder.append(HTTP1ChunkedEncoder.end, to: &connection.output) }
            if case .upgraded(let input) = receiving, input.allowsHalfClose, !isInputEnded, !isDraining {
                sending = .ended(queue)
                return connection.endOutputAfterFlush()
            }
            queue.didClose()
            complete()
        }
    }
}
