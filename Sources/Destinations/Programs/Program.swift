package import SystemPackage

/// A program that is started: all that it is told. What it is told in secret is in its environment, never among its arguments.
package struct Program: Sendable {
    /// An absolute path.
    package var path: FilePath
    /// What it is told, where everybody may see it.
    package var arguments: [String]
    /// All that it has.
    package var environment: [String: String]
    /// Files that it reads, in memory alone: their content, by the variable that names their path to it. An argument `@NAME` is that path too.
    package var files: [String: [UInt8]]

    package init(path: FilePath, arguments: [String], environment: [String: String] = [:], files: [String: [UInt8]] = [:]) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.files = files
    }

    /// How a program ended.
    package struct Ended: Sendable {
        /// Its exit code, or 128 and the number of the signal that ended it; 127: it could not be run.
        package let code: Int32
        /// What it wrote to its standard output, where that went nowhere else.
        package let output: [UInt8]
        /// The end of what it wrote to its standard error.
        package let errors: String
    }
}

/// How long a program may take, and whether anybody still waits for it.
package struct Patience: Sendable {
    /// How long nothing may go on.
    package let stall: Duration
    /// Asked about twice a second: whether to give up at once.
    package let isStopped: @Sendable () -> Bool

    package init(stall: Duration, isStopped: @escaping @Sendable () -> Bool = { false }) {
        self.stall = stall
        self.isStopped = isStopped
    }
}
