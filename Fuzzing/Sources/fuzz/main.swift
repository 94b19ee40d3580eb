import CFuzzer
import Glibc

// `fuzz TARGET [libFuzzer's own arguments]`: see ../../README.md.
let arguments = CommandLine.arguments
guard arguments.count > 1, let chosen = FuzzTarget.all[arguments[1]] else {
    print("usage: fuzz TARGET [CORPUS] [-runs=N ...]\n\(FuzzTarget.all.keys.sorted().joined(separator: "\n"))")
    exit(arguments.count > 1 ? 2 : 0)
}
FuzzTarget.chosen = chosen
// As every process of Martlet: a peer that has gone is an error of the write.
signal(SIGPIPE, SIG_IGN)
var count = CInt(CommandLine.argc - 1)
// Without the target's name; libFuzzer keeps the pointers for as long as the process runs.
var vector = CommandLine.unsafeArgv + 1
vector[0] = CommandLine.unsafeArgv[0]
var given: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = vector
exit(
    LLVMFuzzerRunDriver(&count, &given) { data, size in testOneInput(data, size) })
