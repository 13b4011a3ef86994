import Logging
import Metrics

/// How many lines were logged that somebody should look at.
package struct LogLines: Sendable {
    let warnings = Counter()
    let errors = Counter()

    package init() {}

    func count(_ level: Logger.Level) {
        switch level {
        case .warning: warnings.add()
        case .error, .critical: errors.add()
        default: break
        }
    }
}
