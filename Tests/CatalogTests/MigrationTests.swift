import Audit
import GRDB
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Catalog

@Suite struct MigrationTests {
    @Test func `destinations of before there were approvals are approved, and deliver as they did`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.appending("catalog.sqlite")
            do {
                let database = try DatabaseQueue(path: path.string)
                try catalogMigrations(now: 1, newID: CatalogStore.newID).migrate(
                    database, upTo: "6: what expires of a run's window while it is under way")
                try await database.write { db in
                    for (id, place) in [("a", "/srv/a"), ("b", "/srv/b"), ("c", "/srv/b")] {
                        try db.execute(
                            sql: """
                                INSERT INTO destination (id, sandbox_id, name, type, path, created_at)
                                SELECT ?, id, ?, 'local', ?, 7 FROM sandbox
                                """, arguments: [id, id, place])
                    }
                }
                try database.close()
            }
            let catalog = try CatalogStore(path: path, time: ManualTime(), signingKey: .random())
            let sandbox = try #require(try await catalog.sandboxes().first)
            let destinations = try await catalog.destinations(sandboxID: sandbox.id)
            #expect(destinations.map(\.settings) == ["/srv/a", "/srv/b", "/srv/b"].map { .local(path: $0) })
            let approvals = try await catalog.approvals()
            #expect(approvals.map(\.value) == ["/srv/a", "/srv/b"] && approvals.allSatisfy { $0.kind == .localRoot })
            for destination in destinations { try approvals.require(destination.settings, [:]) }
            try catalog.close()
        }
    }
}
