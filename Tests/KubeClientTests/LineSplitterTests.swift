import Testing

@testable import KubeClient

@Suite("A stream of bytes is cut into lines") struct LineSplitterTests {
    @Test(arguments: 1...12)
    func `lines come out whole however the bytes are cut`(size: Int) {
        let text = Array("{\"a\":1}\n\n{\"b\":2}\nlast line\ntail".utf8)
        var splitter = LineSplitter()
        var lines: [String] = []
        var index = 0
        while index < text.count {
            splitter.append(Array(text[index..<min(index + size, text.count)]))
            index += size
            while let line = splitter.next() { lines.append(String(decoding: line, as: UTF8.self)) }
        }
        #expect(lines == ["{\"a\":1}", "{\"b\":2}", "last line"])
    }
}
