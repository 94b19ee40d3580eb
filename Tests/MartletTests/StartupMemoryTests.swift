import Testing

@testable import martlet

@Suite("Memory of the start is given back") struct StartupMemoryTests {
    @Test func `only code of files is forgotten`() {
        let code = "55d0c8a00000-55d0c8b00000 r-xp 00010000 fe:00 131                  /usr/bin/my martlet"
        #expect(StartupMemory.codeRange(code) == 0x55d0_c8a0_0000..<0x55d0_c8b0_0000)
        for line in [
            "55d0c8a00000-55d0c8b00000 r--p 00010000 fe:00 131 /usr/bin/martlet",
            "55d0c8a00000-55d0c8b00000 rwxp 00010000 fe:00 131 /usr/bin/martlet",
            "7ffd1c5f0000-7ffd1c5f2000 r-xp 00000000 00:00 0 [vdso]",
            "7f0000000000-7f0000001000 r-xp 00000000 00:00 0", "", "nonsense r-xp 0 0 0 /x",
        ] {
            #expect(StartupMemory.codeRange(line) == nil, "\(line)")
        }
    }

    @Test func `the program goes on running`() {
        StartupMemory.mapLargeBlocks()
        StartupMemory.release()
        #expect((1...100).map { String($0) }.joined().count == 192)
    }
}
