import Crypto
import Dataset
import Disk
import Model
import SystemPackage
import TestSupport

/// A dataset on simulated files that can be stopped and opened again.
struct StoreFixture {
    static let folders = DatasetFolders(keys: "/data/keys/s/1", data: "/data/datasets/s/1")

    let master: MasterKey
    let time: ManualTime

    init(master: MasterKey = MasterKey.random().key, time: ManualTime = ManualTime()) {
        self.master = master
        self.time = time
    }

    func open(
        _ files: SimulatedFiles, floor: UInt64 = 0, sandbox: String = "s",
        policy: RetentionPolicy = RetentionPolicy(zone: .utc, retention: Retention(days: 3))
    ) throws -> RecordStore {
        try RecordStore(
            settings: .init(
                sandbox: sandbox, epoch: 1, folders: StoreFixture.folders, policy: policy, sequenceFloor: floor),
            master: master, files: files, time: time)
    }

    static func submission(
        _ id: String, content: String = "", submitter: UInt32 = 1000, group: String = "g", terms: [Term] = []
    ) throws -> Submission {
        let payload = Array("payload of \(id) \(content)".utf8)
        return Submission(submitter: submitter, id: try MessageID(id), bytes: payload.count) {
            Submission.Body(
                contentSHA256: Array(SHA256.hash(data: payload)), group: Term(.configuration, group), terms: terms,
                payload: [payload])
        }
    }
}

extension RecordStore {
    /// Hands over a record.
    func append(_ submission: Submission, keep: Bool = true, completion: @escaping Completion) {
        append([Entry(submission, keep: keep, completion: completion)])
    }

    /// Hands over a record and waits for its answer.
    func append(_ submission: Submission, keep: Bool = true) async -> Result<Appended, DatasetError> {
        await withCheckedContinuation { continuation in
            append(submission, keep: keep) { continuation.resume(returning: $0) }
        }
    }

    /// The records with a message id.
    func find(_ id: MessageID) throws(DatasetError) -> [StoredRecord] {
        var found: [StoredRecord] = []
        for sequence in try sequences(of: id) { if let record = try record(sequence) { found.append(record) } }
        return found
    }

    /// Every visible record.
    func all() throws -> [StoredRecord] {
        var records: [StoredRecord] = []
        while let next = try nextRecords(after: records.last?.sequence ?? 0, through: .max) { records += next }
        return records
    }
}

extension Result<RecordStore.Appended, DatasetError> {
    var isStored: Bool {
        if case .success(.stored) = self { true } else { false }
    }

    var isDuplicate: Bool {
        if case .success(.duplicate) = self { true } else { false }
    }

    var failure: DatasetError.Code? {
        if case .failure(let error) = self { error.code } else { nil }
    }
}
