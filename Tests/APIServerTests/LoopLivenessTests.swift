import KubeModel
import System
import Testing
import Transport

@testable import APIServer

@Suite("Loops never block") struct LoopLivenessTests {
    /// Occupies a worker until it is released.
    private final class Hold: Sendable {
        private let began = ThreadSignal()
        private let end = ThreadSignal()

        init(_ worker: BoundedWorker) {
            #expect(
                worker.submit {
                    self.began.raise()
                    self.end.wait()
                })
            began.wait()
        }

        func release() { end.raise() }
    }

    private static func everyLoopWorks(_ server: TestServer) async {
        for loop in server.core.loops {
            await withCheckedContinuation { continuation in loop.execute { continuation.resume() } }
        }
    }

    @Test func `while a list of the past is read from the disk, others are answered`() async throws {
        let first = try await TestServer()
        for name in ["a", "b", "c"] {
            _ = await first.send("POST", Samples.configMaps, Samples.configMap(name))
        }
        let page = await first.send("GET", "\(Samples.configMaps)?limit=1")
        #expect(page.names == ["a"])
        let token = try #require(page.json["metadata"]["continue"].string)
        _ = await first.send("POST", Samples.configMaps, Samples.configMap("bb"))
        first.stop()
        // Its end removes the directory.
        defer { withExtendedLifetime(first) {} }

        // The window of a server that has just started reaches back to nothing.
        let server = try await TestServer(directory: first.directory)
        let hold = Hold(server.core.worker)
        let isAnswered = StopFlag()
        async let past: TestResponse = {
            let answer = await server.send("GET", "\(Samples.configMaps)?limit=5&continue=\(token)")
            isAnswered.set()
            return answer
        }()
        await Self.everyLoopWorks(server)
        #expect(await server.send("GET", Samples.configMaps).names == ["a", "b", "bb", "c"])
        #expect(!isAnswered.isSet)
        hold.release()
        let answer = await past
        #expect(answer.status == 200, "\(answer.message)")
        #expect(answer.names == ["b", "c"])
    }

    @Test func `while kinds are made that a definition declares, only who asks for them waits`() async throws {
        let server = try await TestServer()
        let runner = try #require(server.core.customResources)
        let hold = Hold(runner.worker)
        let definition = await server.send("POST", CustomResourceSamples.path, CustomResourceSamples.crontabs())
        #expect(definition.status == 201, "\(definition.message)")
        #expect(runner.isBehind)
        let isAnswered = StopFlag()
        async let crontabs: TestResponse = {
            let answer = await server.send("GET", CustomResourceSamples.crontabs)
            isAnswered.set()
            return answer
        }()
        await Self.everyLoopWorks(server)
        #expect(await server.send("POST", Samples.configMaps, Samples.configMap("a")).status == 201)
        #expect(await server.send("GET", Samples.configMaps).names == ["a"])
        #expect(!isAnswered.isSet)
        hold.release()
        #expect(await crontabs.status == 200)
    }
}
