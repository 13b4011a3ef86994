#if FUZZING
    import CLibFuzzer
    import FuzzTargets
    import Glibc

    // Fuzz TARGET [what libFuzzer takes]: `make fuzz` runs all of them.

    /// Some of libFuzzer's ways start this program again with its own arguments alone: the name goes to those by the environment.
    let inherited = getenv("FUZZ_TARGET").map { String(cString: $0) }
    let name = inherited ?? CommandLine.arguments.dropFirst().first ?? ""
    enum Chosen {
        /// Set once, before anything runs.
        nonisolated(unsafe) static var target = FuzzTarget.canary
    }
    guard let named = FuzzTarget(rawValue: name) else {
        print("usage: Fuzz \(FuzzTarget.allCases.map(\.rawValue).joined(separator: "|")) [libFuzzer's arguments]")
        exit(2)
    }
    Chosen.target = named
    setenv("FUZZ_TARGET", name, 1)

    let rest = (inherited == nil ? 2 : 1)..<max(inherited == nil ? 2 : 1, Int(CommandLine.argc))
    let given = [CommandLine.unsafeArgv[0]] + rest.map { CommandLine.unsafeArgv[$0] } + [nil]
    let arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: given.count)
    arguments.initialize(from: given, count: given.count)
    var count = Int32(given.count - 1)
    var pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = arguments

    func runOne(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
        Chosen.target.run([UInt8](UnsafeBufferPointer(start: data, count: size)))
        return 0
    }

    // Swift's own handlers would keep libFuzzer's from writing down what failed.
    for number in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE] { signal(number, SIG_DFL) }
    exit(LLVMFuzzerRunDriver(&count, &pointer, runOne))
#else
    print("built without the fuzzer: see 'make fuzz'")
#endif
