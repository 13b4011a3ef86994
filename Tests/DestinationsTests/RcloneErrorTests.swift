import Testing

@testable import Destinations

@Suite struct RcloneErrorTests {
    private func error(_ text: String, hidden: [String] = [], code: Int32 = 1) -> DestinationError {
        RcloneErrors(hidden: hidden).error(Program.Ended(code: code, output: [], errors: text))
    }

    /// What rclone 1.60.1 said, and what it means.
    private static let said: [(DestinationError.Reason, String)] = [
        (
            .credentialsRefused,
            """
            2026/11/27 02:01:34 Failed to rcat with 2 errors: last error was: multipart upload failed to initialise: SignatureDoesNotMatch: The \
            request signature we calculated does not match the signature you provided. Check your key and signing method.
            \tstatus code: 403, request id: tx98, host id: tx98
            """
        ),
        (
            .credentialsRefused,
            """
            2026/11/27 02:02:36 Failed to create file system for "D:out/3m": NewFs: couldn't connect SSH: ssh: handshake failed: ssh: unable to \
            authenticate, attempted methods [none password], no supported methods remain
            """
        ),
        (
            .hostKeyUnknown,
            """
            2026/11/27 02:02:16 Failed to create file system for "D:out/": NewFs: couldn't connect SSH: ssh: handshake failed: knownhosts: key \
            mismatch
            """
        ),
        (
            .noSuchPlace,
            """
            2026/11/27 02:01:34 ERROR : x: Post request rcat error: multipart upload failed to initialise: NoSuchBucket: The specified bucket \
            does not exist.
            \tstatus code: 404, request id: tx15, host id: tx15
            """
        ),
        (
            .permission,
            "2026/11/27 02:02:36 Failed to rcat with 2 errors: last error was: Update Create failed: permission denied"
        ),
        (
            .notReachable,
            """
            2026/11/27 02:02:36 Failed to lsjson: RequestError: send request failed
            caused by: Get "http://127.0.0.1:9/exports": dial tcp 127.0.0.1:9: connect: connection refused
            """
        ),
        (.notReachable, "2026/11/27 02:02:36 Failed to lsjson: dial tcp: lookup nowhere.invalid: no such host"),
        (.timeout, "2026/11/27 02:02:36 Failed to rcat: read tcp 127.0.0.1:1->127.0.0.1:2: i/o timeout"),
        (
            .busy,
            "2026/11/27 02:02:36 Failed to rcat: SlowDown: Please reduce your request rate.\n\tstatus code: 503, request id: 1"
        ),
        (.full, "2026/11/27 02:02:36 Failed to rcat: Update ReadFrom failed: sftp: \"No space left on device\" (SSH_FX_FAILURE)"),
        (
            .permission,
            """
            2026/11/27 02:02:36 Failed to deletefile: -> newStorageError, zc_storage_error.go:42 ===== RESPONSE ERROR \
            (ServiceCode=AuthorizationPermissionMismatch) ===== RequestId:429 http://127.0.0.1:50310/503/429?sig=503
            """
        ),
        (.permission, "2026/11/27 02:02:36 Failed to rcat: googleapi: Error 403: The caller may not, forbiddenly"),
        (.busy, "2026/11/27 02:02:36 Failed to rcat: HTTP Error: 503: 503 Something"),
        (.credentialsRefused, "2026/11/27 02:02:36 Failed to lsjson: 530 Login incorrect."),
        (
            .notReachable,
            """
            2026/11/27 02:02:36 Failed to lsjson: Get "http://127.0.0.1:5030/403?x=429": dial tcp 127.0.0.1:503: connect: connection refused
            """
        ),
        (.other, "2026/11/27 02:02:36 Failed to rcat: something unheard of"),
    ]

    @Test func `what rclone says is one of a short list of reasons, in one line`() {
        for (reason, text) in Self.said {
            let found = error(text)
            #expect(found.reason == reason, "\(found)")
            #expect(
                !found.detail.contains("\n") && !found.detail.contains("request id") && !found.detail.contains("2026"), "\(found)"
            )
        }
        #expect(error("", code: 143).reason == .program)
        #expect(error("", code: 1).detail == "rclone ended with code 1")
        #expect(error(String(repeating: "x", count: 100_000)).detail.count <= 300)
    }

    @Test func `no secret is in it, however it is written there`() {
        let secret = "p/w+x=y &z"
        let text = """
            2026/11/27 02:02:36 Failed to rcat: Put "https://a.blob.core.windows.net/c/x?se=2026&sig=Abc%2Fdef%3D&sp=w": \(secret) \
            p%2Fw%2Bx%3Dy%20%26z AccountKey=a2V5 X-Amz-Credential=AKIA%2F1&x=1
            """
        let found = error(text, hidden: [secret]).description
        for part in [secret, "p%2Fw", "Abc", "a2V5", "AKIA"] { #expect(!found.contains(part), "\(part) in \(found)") }
        #expect(found.contains("a.blob.core.windows.net"))
    }
}
