/// Every limit of the product, with the reason for its number.
public enum Limits {
    /// One frame's data. ttrpc's own limit: clients refuse, or break on, a larger one.
    public static let frameBytes = 4 << 20
    /// A frame that says it is longer ends the connection instead of being skipped: ttrpc reserves the length's first byte as zero.
    public static let frameBytesSkipped = (1 << 24) - 1
    /// Memory that decoding one request may take. Four times a full frame: content is copied once out of the frame and once out of
    /// the envelope; libprotobuf-c can turn one byte of wire data into 49 of memory, and this stops that.
    public static let decodeBytes = 16 << 20
    /// Calls one connection may have under way; at the limit the connection is not read. 1,000 connections then stay within memory.
    public static let callsPerConnection = 1024
    /// Answers of one connection gathered to be written together; at the limit no further call of it is served until they are.
    public static let answerBytesGathered = 1 << 20
    /// Connections at a time. Each costs a descriptor and some 10 KiB.
    public static let connections = 1024
    /// Management calls waiting for their turn, all connections together; beyond it they are refused.
    public static let managementCallsQueued = 256
    /// A management call's request: names and settings, and all that may wait together then stays within 16 MiB.
    public static let managementRequestBytes = 64 << 10
    /// Management calls at work at the same time. Waiting for a run is one, so well over the number of exporting people.
    public static let managementCallsAtOnce = 64
    /// How long a stopping daemon waits for calls under way.
    public static let shutdownGraceSeconds = 20
    /// How long a client waits for a connection and, unless told otherwise, for an answer.
    public static let clientCallSeconds = 30

    /// An id given by a sender; indexes keep it in memory.
    public static let messageIDBytes = 256
    /// A name of a configuration, destination or dataflow.
    public static let nameBytes = 256
    /// One message, packed: what goes with it in a request or in an answer then still fits its frame.
    public static let messageBytes = frameBytes - 4096
    /// What a record takes in an answer beside its message, at most: a sandbox's name, ids, numbers.
    public static let recordOverheadBytes = 1024
    /// Messages in one `Ingest`.
    public static let messagesPerIngest = 1000

    /// Records in one batch: what one sync makes durable.
    public static let batchRecords = 4096
    /// Content in one batch, unless a single record is larger. At 1 MiB a write takes about as long as its sync.
    public static let batchBytes = 1 << 20
    /// Content waiting for the writer, one dataset; beyond it ingests are refused. Some ten full frames.
    public static let pendingBytes = 64 << 20
    /// A data file is closed and a new one begun at this size: compaction and erasure later rewrite a file at a time.
    public static let segmentBytes: Int64 = 256 << 20
    /// Runs exporting at the same time. Each holds one batch and one compressor in memory.
    public static let runsAtOnce = 2
    /// Runs waiting for their turn.
    public static let runsQueued = 256
    /// Data an export hands to its destination in one write.
    public static let exportWriteBytes = 256 << 10
    /// Channel configurations of one sandbox: all are listed in one answer, and ingesting looks them up in memory.
    public static let configurations = 1000
    /// Destinations of one sandbox, and so many dataflows: all are listed in one answer.
    public static let destinations = 100
    /// Dataflows of one sandbox: all are listed in one answer.
    public static let dataflows = 100
    /// Runs listed in one answer, at most and unless told otherwise.
    public static let runsListed = 500
    /// Runs listed in one answer, unless told otherwise.
    public static let runsListedDefault = 20
    /// Records previewed in one answer, at most and unless told otherwise.
    public static let recordsPreviewed = 100
    /// Records previewed in one answer, unless told otherwise.
    public static let recordsPreviewedDefault = 10
    /// The calendar days after the day of ingestion that a record is kept, unless set otherwise.
    public static let retentionDays = 3
    /// The path of a Unix socket: the kernel's `sun_path` with its closing NUL.
    public static let socketPathBytes = 107
}
