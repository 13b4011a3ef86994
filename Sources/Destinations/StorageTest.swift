package import Model

extension Storage {
    /// Writes a small file, reads it back, lists it and removes it.
    ///
    /// - Parameter name: of the file; nobody else's.
    /// - Returns: what was tried, up to what failed first.
    package func test(_ name: String) -> [DestinationCheck] {
        var checks: [DestinationCheck] = []
        for step in DestinationCheck.Step.allCases {
            do throws(DestinationError) {
                try perform(step, on: name)
                checks.append(DestinationCheck(step: step))
            } catch {
                checks.append(error.check(of: step))
                if step == .read || step == .list { try? remove(name, in: "") }
                break
            }
        }
        return checks
    }

    private func perform(_ step: DestinationCheck.Step, on name: String) throws(DestinationError) {
        let content = Array("message-export delivers here\n".utf8)
        switch step {
        case .write:
            try requireFree(name, in: "")
            let upload = try begin(name, in: "")
            do throws(DestinationError) { try upload.write(content) } catch {
                upload.discard()
                throw error
            }
            try upload.publish()
        case .read:
            guard try self.content(of: name, in: "") == content else { throw DestinationError(.damaged, "it reads otherwise") }
        case .list:
            guard try lists(name) else { throw DestinationError(.damaged, "what was written is not listed") }
        case .remove: try remove(name, in: "")
        }
    }
}

extension DestinationError {
    /// A step of a test that failed of it.
    package func check(of step: DestinationCheck.Step) -> DestinationCheck {
        DestinationCheck(step: step, error: "\(reason.rawValue): \(detail)", hint: reason.hint)
    }
}
