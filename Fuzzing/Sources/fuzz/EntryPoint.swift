/// What libFuzzer's own `main` would call. It is linked, but the program's is `main.swift`, which gives the driver its
/// callback.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    FuzzTarget.chosen(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
}
