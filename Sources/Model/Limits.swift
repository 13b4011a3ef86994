/// Every limit of the product, with the reason for its number.
public enum Limits {
    // MARK: The wire (Protos/PROTOCOL.md)

    /// One frame's data. ttrpc's own limit: clients refuse, or break on, a larger one.
    public static let frameBytes = 4 << 20
    /// Memory that decoding one message may take beyond a copy of its own bytes. libprotobuf-c can turn one byte of wire data into 49 of
    /// memory, and this stops that; what is not made to hurt takes a tenth of it.
    public static let decodeBytes = 16 << 20
    /// Calls that one connection may have under way; at the limit the connection is not read.
    public static let callsPerConnection = 1024
    /// Streaming calls among them; one more is refused. Whoever holds one open may send on it, so the connection must stay read.
    public static let streamsPerConnection = 256
    /// Messages of one connection that came and are not answered; at the limit the connection is not read. An `IngestStream` at full
    /// speed fills one batch with them while another is written.
    public static let messagesInFlightPerConnection = 4096
    /// Their bytes, of one connection: two full frames.
    public static let bytesInFlightPerConnection = 8 << 20
    /// Their bytes, of all connections together; at the limit no connection is read, and then each in its turn: what
    /// 1,000 connections hold is bounded, and far more than the disk takes at a time.
    public static let bytesInFlight = 32 << 20
    /// Those of them that are for frames over `frameBytesUnasked` that have begun to come: whoever begins one and does not go on leaves
    /// the others room.
    public static let frameBytesReserved = bytesInFlight / 2
    /// Bytes that one read of a connection takes at most, which is what it holds while it is not served.
    public static let bytesAtARead = 32 << 10
    /// Names and metadata of a call, beside its message: they are kept as long as it is.
    public static let envelopeBytes = 16 << 10
    /// Calls served for one connection before the others have their turn: some 0.2 ms of work.
    public static let callsPerTurn = 64
    /// Answers of all connections that are larger than `frameBytesUnasked` and not yet handed to the kernel; beyond it a call is
    /// answered with an error instead: whoever does not read what it asked for must not fill the memory.
    public static let answerBytes = 64 << 20
    /// Those of one connection among them: two full frames.
    public static let answerBytesPerConnection = 8 << 20
    /// Connections at a time; the next is closed at once. Each costs a descriptor and some 10 KiB.
    public static let connections = 1280
    /// Connections of one user among them, so that nobody can shut the others out.
    public static let connectionsPerUser = 1024
    /// How long a new connection may stay silent before it is closed.
    public static let firstFrameSeconds = 30
    /// How long a frame may take from its first byte to its last before its connection is closed. On a local socket it is
    /// milliseconds.
    public static let frameSeconds = 10
    /// How long a peer may leave answers unread before its connection is closed.
    public static let unreadSeconds = 60
    /// How long all chunks of one message may take: they hold memory. On a local socket the largest takes a second.
    public static let chunksSeconds = 60
    /// A message with all parts that waited in a spool: sealed, with what is told of it.
    public static let sealedBytes = messageBytes + 1024
    /// Bytes that the messages of all `IngestChunks` and `IngestSealed` calls under way together may have; further calls are refused for the
    /// moment. Two of the largest.
    public static let chunkedBytes = 2 * sealedBytes
    /// Those of one connection among them: one of the largest.
    public static let chunkedBytesPerConnection = sealedBytes
    /// Records over `batchBytes` held in memory to be answered, all connections together; further reads wait. Two of the largest.
    public static let largeRecordBytes = 2 * largeRecordBytesPerConnection
    /// Those of one connection among them: one of the largest, with what is stored beside the message.
    public static let largeRecordBytesPerConnection = messageBytes + (1 << 20)
    /// How long a peer may take to read one of them.
    public static let largeRecordSeconds = 60
    /// Watchers of health, all connections together; one more is refused.
    public static let healthWatchers = 1024
    /// Those of one connection among them.
    public static let healthWatchersPerConnection = 16
    /// Watchers of configurations, all connections together; one more is refused.
    public static let flagWatchers = 1024
    /// Those of one connection among them.
    public static let flagWatchersPerConnection = 16
    /// How long a watcher of configurations may rely on what it was told; turning a flag on waits for it.
    public static let flagLeaseMilliseconds = 2000
    /// Management calls waiting for their turn, all connections together; beyond it they are refused.
    public static let managementCallsQueued = 1024
    /// Those of one connection among them.
    public static let managementCallsQueuedPerConnection = 128
    /// A management call's request: names and settings, and all that may wait together then stays within 32 MiB.
    public static let managementRequestBytes = 32 << 10
    /// Management calls at work at the same time. None of them waits for a peer.
    public static let managementCallsAtOnce = 64
    /// Those of one connection among them; further ones of it wait.
    public static let managementCallsAtOncePerConnection = 8
    /// Management calls that stream their answers, at the same time: they wait for their readers.
    public static let managementStreamsAtOnce = 64
    /// Those of one connection among them; further ones of it wait.
    public static let managementStreamsAtOncePerConnection = 4
    /// Calls that wait for a run to end, at the same time.
    public static let runWaitersAtOnce = 1024
    /// Those of one connection among them; further ones of it wait.
    public static let runWaitersAtOncePerConnection = 64
    /// How long a stopping daemon waits for calls under way.
    public static let shutdownGraceSeconds = 20
    /// One message, packed. Mail systems take some 25 to 50 MB; parts and the mail as sent both count.
    public static let messageBytes = 64 << 20
    /// One message, packed, in one frame: what goes with it in a request still fits. A larger one goes in chunks.
    public static let messageFrameBytes = frameBytes - 4096
    /// Messages in one `Ingest`.
    public static let messagesPerIngest = 1000

    // MARK: Inside the daemon

    /// Who looks more than this too late whether a connection's time is over was held up, by a disk that hangs or as the machine slept.
    public static let lateWakeSeconds = 1
    /// What a message in flight takes beside its own bytes, about.
    public static let messageOverheadBytes = 512
    /// A frame up to this size is received without asking for a part of `bytesInFlight` first: what one read brings.
    public static let frameBytesUnasked = 64 << 10
    /// Answers of one connection gathered to be written together; at the limit no further call of it is served until they are.
    public static let answerBytesGathered = 1 << 20
    /// Descriptors that connections leave to the rest of the daemon.
    public static let descriptorsKept = 256
    /// Supplementary groups of a peer that are looked at; the kernel allows more, people do not have them.
    public static let peerGroups = 1024
    /// How often health is looked at where nothing tells of its change.
    public static let healthSeconds = 5
    /// Log lines about misbehaving peers in a minute; further ones are counted.
    public static let peerReportsPerMinute = 10
    /// A piece of a record, as it is answered: it needs no part of `answerBytes`.
    public static let recordChunkBytes = 60 << 10
    /// A frame that says it is longer ends the connection instead of being skipped: ttrpc reserves the length's first byte as zero.
    public static let frameBytesSkipped = (1 << 24) - 1

    /// How far the wall clock may move against the boot clock and be believed: what a correction of the time may take.
    public static let clockToleranceSeconds = 300
    /// How far the wall clock may be ahead, at a start, of the last time that was noted.
    public static let clockAheadDays = 30
    /// How often the time is noted.
    public static let clockNoteSeconds = 60
    /// How often is looked for what has expired: it is destroyed within a minute.
    public static let expirySeconds = 30
    /// How often is looked for what can be compressed, and for what could not be opened.
    public static let upkeepSeconds = 60
    /// Disk space kept for the audit: some 50,000 events, so that content can still be read, exported and accounted for on a full disk.
    public static let auditReservedBytes: Int64 = 16 << 20
    /// Kinds of refusals counted until they are recorded; further ones are counted together.
    public static let refusalsCounted = 1000
    /// How often they are recorded.
    public static let refusalSeconds = 10
    /// Audit events in one answer: some 200 KiB.
    public static let auditEventsAnswered = 500

    // MARK: Messages and datasets

    /// An id given by a sender; indexes keep it in memory.
    public static let messageIDBytes = 256
    /// A name of a configuration, destination or dataflow.
    public static let nameBytes = 256
    /// Records in one batch: what one sync makes durable.
    public static let batchRecords = 4096
    /// Content in one batch, unless a single record is larger. At 1 MiB a write takes about as long as its sync.
    public static let batchBytes = 1 << 20
    /// Bytes that wait and are committed by the thread that received them, where it has nothing else to commit: sending them to another
    /// and their answers back takes two times 30 to 50 µs.
    public static let quickBytes = 32 << 10
    /// Only where the last sync took no longer: while a disk is slow, who receives must not wait for it.
    public static let quickSyncNanoseconds: UInt64 = 1_000_000
    /// A batch up to this size is small: its sync takes longer than its write.
    public static let smallBatchBytes: Int64 = 16 << 10
    /// Zeros that are written ahead of small batches, at most, and no more than there are batches before them.
    public static let zerosAheadBytes: Int64 = 256 << 10
    /// What one connection may have of a batch while another brings few records. Who has one record to write waits for the batch that is
    /// being written and for its own: with this a flood of one connection leaves it, and the processor, some room.
    public static let batchShareBytes = 16 << 10
    /// A connection that has at most so many records in a batch brings few.
    public static let batchFewRecords = 2
    /// So many batches in a row: it is one that sends one message after the other.
    public static let batchQuietTimes = 8
    /// For so many batches after one in which a connection had few records it is taken to be there.
    public static let batchesShared = 64
    /// Content waiting for the writer, one dataset; beyond it ingests are refused. Connections are slowed down before: more than they
    /// may have in flight and in chunks, twice, as a message is kept a little larger than it came.
    public static let pendingBytes = 2 * (bytesInFlight + chunkedBytes)
    /// A data file is closed and a new one begun at this size: compaction and erasure later rewrite a file at a time.
    public static let segmentBytes: Int64 = 256 << 20
    /// Records in one of them: what is to be known of those without an index file is in memory, some 200 bytes a record.
    public static let segmentRecords: UInt64 = 1 << 17
    /// Terms by which they are found.
    public static let segmentPostings = 1 << 19
    /// A day's segment that nobody has written to for so long is ended and compressed, if it has `compactionBytes`.
    public static let compactionIdleSeconds = 300
    /// A smaller one waits for the end of its day.
    public static let compactionBytes: Int64 = 16 << 20
    /// Segments that one takes the place of: their names stand in its key file, whose copies have 4 KiB.
    public static let segmentsReplaced = 100
    /// What upkeep gives the disk at a time: some milliseconds, which whoever commits then waits.
    public static let upkeepSyncBytes: Int64 = 1 << 20
    /// Level of zstd: four times as fast as 9, for a tenth more bytes.
    public static let compressionLevel: Int32 = 6
    /// What is compressed together, of small records: reading one of them decompresses all.
    public static let compactedBatchBytes = 128 << 10
    /// A segment's dictionary.
    public static let dictionaryBytes = 64 << 10
    /// What it is made from.
    public static let sampleBytes = 4 << 20
    /// Of each record among it.
    public static let sampleRecordBytes = 16 << 10
    /// Segments of one day that ids are told apart in; a new start counts anew.
    public static let segmentsPerDay = 65_535
    /// Terms by which one record is found, beside its id and its configuration: a mail to more recipients is found by the first ones.
    public static let termsPerRecord = 1024
    /// What of an index is in memory: with the smallest batches some 40 KiB.
    public static let indexSummaryBytes = 64 << 20
    /// Different damage that is told of between two starts.
    public static let damageReports = 100
    /// How often a read is tried whose segment is replaced meanwhile.
    public static let readAttempts = 8
    /// Runs exporting at the same time. Each holds `batchBytes` of records, as many that are read ahead, and one
    /// compressor in memory.
    public static let runsAtOnce = 2
    /// Runs waiting for their turn.
    public static let runsQueued = 256
    /// Minutes that may lie between two runs of a dataflow.
    public static let scheduleMinutes = [15, 60, 180, 360, 480, 720]
    /// How often it is looked what is due: no later than that after its time a run begins.
    public static let scheduleSeconds = 5
    /// The first pause before a run that failed is tried again.
    public static let retrySeconds = 30
    /// The longest one.
    public static let retrySecondsAtMost = 900
    /// Minutes after which a run that is under way is told of as delayed.
    public static let runDelayMinutes = 150
    /// How long before a dataflow ends it is told of.
    public static let endNoticeDays = 3
    /// Alerts kept of a sandbox: the newest ones.
    public static let alerts = 1000
    /// Alerts that wait to be told of.
    public static let alertsQueued = 256
    /// What an alert says, beyond its kind: what tells a program of it fits into a pipe.
    public static let alertDetailCharacters = 2000
    /// How long the command that is told of alerts may take.
    public static let alertCommandSeconds = 30
    /// How often it is looked what waits to be exported.
    public static let backlogSeconds = 60
    /// A folder template.
    public static let folderTemplateBytes = 512
    /// One name in a folder: what Linux allows.
    public static let folderNameBytes = 255
    /// Bytes at which a data file is ended.
    public static let fileSizesAllowed: ClosedRange<UInt64> = 1 << 20...4 << 30
    /// The same where nothing else is asked for.
    public static let fileSizeDefault: UInt64 = 256 << 20
    /// Runs kept of a dataflow: the newest ones, and those under way.
    public static let runsKept = 10_000
    /// Channel configurations of one sandbox: all are listed in one answer, and ingesting looks them up in memory.
    public static let configurations = 1000
    /// Destinations of one sandbox, and so many dataflows: all are listed in one answer.
    public static let destinations = 100
    /// A setting or secret of a destination.
    public static let destinationValueBytes = 16 << 10
    /// Hosts, folders and keys that an administrator approved: all are listed in one answer.
    public static let approvals = 1000
    /// An OpenPGP public key that is approved.
    public static let publicKeyBytes = 32 << 10
    /// OpenPGP keys that a dataflow's files are encrypted to.
    public static let encryptTo = 16
    /// How long before the end of what a destination is signed in to with that is told.
    public static let signInWarningDays = 7
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
    /// Records in one page of a query, at most and unless told otherwise.
    public static let recordsQueried = 1000
    /// Records in one page of a query, unless told otherwise.
    public static let recordsQueriedDefault = 100
    /// Problems that a verification tells of; further ones are counted.
    public static let problemsTold = 1000
    /// Configurations whose records are counted in a summary, of each day.
    public static let configurationsCounted = 100
    /// The calendar days after the day of ingestion that a record is kept, unless set otherwise.
    public static let retentionDays = 3
    /// What may be set instead.
    public static let retentionDaysAllowed = 1...30
    /// Sandboxes of a daemon: each has an open dataset.
    public static let sandboxes = 1000
    /// Grants of a daemon: each request is checked against them in memory.
    public static let grants = 10_000
    /// A sandbox's title.
    public static let titleBytes = 1024
    /// A configuration's settings, packed: more than all their limits together.
    public static let settingsBytes = 8 << 10
    /// A configuration's description.
    public static let descriptionBytes = 1024
    /// Tags of a configuration: they come with every list.
    public static let tags = 16
    /// One of them.
    public static let tagBytes = 64
    /// Sender numbers of an SMS configuration.
    public static let senderNumbers = 32
    /// Versions of a configuration that are kept: the newest ones.
    public static let configurationVersions = 100
    /// How much earlier than its flag came on a message may have been sent: clocks and queues of senders.
    public static let enabledToleranceSeconds = 5
    /// How long audit events are kept.
    public static let auditDays = 365
    /// The path of a Unix socket: the kernel's `sun_path` with its closing NUL.
    public static let socketPathBytes = 107

    // MARK: Programs that deliver

    /// What is kept of what one writes to its standard error: its end.
    public static let programErrorBytes = 8 << 10
    /// What one may write to its standard output, where that is kept.
    public static let programOutputBytes = 1 << 20
    /// A piece of content on its way to one.
    public static let programFrameBytes = 1 << 20
    /// What a pipe to one holds.
    public static let programPipeBytes = 1 << 20
    /// How long one has to end by itself, once it is told to.
    public static let programEndSeconds = 3
    /// A file up to this size goes to an object store whole, and is compared with the store's checksum; it is held in memory until then.
    public static let uploadWholeBytes = 16 << 20
    /// What is told of a failure of a destination.
    public static let destinationErrorCharacters = 300
    /// How long nothing may go on at a destination, unless set otherwise.
    public static let deliveryStallSeconds = 60
    /// What may be set instead.
    public static let deliveryStallSecondsAllowed = 1...3600

    // MARK: The process

    /// Bytes of a configuration file.
    public static let settingsFileBytes = 1 << 20
    /// Sockets that systemd may pass.
    public static let passedSockets = 1024

    // MARK: Clients

    /// A piece of a message that does not fit a frame, as clients send it.
    public static let chunkBytes = 256 << 10
    /// How long who completes a command's words waits for names.
    public static let completionMilliseconds = 1000
    /// How long a key that spools are sealed to is the newest.
    public static let spoolKeyHours = 24
    /// How long it is kept: what waits in a spool may be as old as the longest retention, and is sealed to the newest key that its client knows.
    public static let spoolKeyDays = retentionDaysAllowed.upperBound + 2 + spoolKeyMarginDays
    /// Of calls that a client has written and the daemon has not read; further ones wait, and are forgotten when their time is over.
    public static let clientUnsentBytes = 1 << 20
    /// After a restore from a backup new records get sequences so much above all that the backup knows of: what the daemon gave after it
    /// was made does not come again.
    public static let restoredSequences: UInt64 = 1 << 40
    /// Connections to metrics that are answered at a time; further ones wait.
    public static let metricsConnections = 16
    /// How long one of them may be silent.
    public static let metricsSeconds = 10
    /// For so long a key is still kept when the last is sealed to it.
    public static let spoolKeyMarginDays = 3
    /// Entries of a spool that are handed over at the same time.
    public static let spoolHandedOverAtOnce = 32
    /// Bytes of messages that wait for a spool's disk.
    public static let spoolWaitingBytes = 128 << 20
    /// Bytes of the entries of a spool, unless its client says otherwise.
    public static let spoolBytes: Int64 = 1 << 30
    /// Entries of a spool, unless its client says otherwise.
    public static let spoolEntries = 100_000
    /// How long an ingest may take with a spool, unless its client says otherwise.
    public static let spoolDeadlineMilliseconds = 2000
    /// Of that, what is kept for the spool's disk however long the daemon takes: this, or a quarter where that is less.
    public static let spoolWriteMilliseconds = 250
    /// Pauses of who hands a spool over, while the daemon takes nothing, or nothing waits.
    public static let spoolPauseMilliseconds = 500...30_000
    /// How old what another process knows of a spool's size may be, where a look is short.
    public static let spoolLookMilliseconds = 1000
    /// Looks at a spool's size take this part of the time at most: one in so many.
    public static let spoolLookShare = 20
    /// How long a client waits for a connection and, unless told otherwise, for an answer.
    public static let clientCallSeconds = 30
    /// Calls that a client has under way on its connection; further ones wait. Half of what the server takes, as those of its calls that
    /// were given up count there until they have ended.
    public static let clientCallsInFlight = callsPerConnection / 2
    /// The first and the longest pause before a client tries again; each is doubled from the one before, and a random part of it is
    /// taken.
    public static let clientBackoffMilliseconds = 10...1000
    /// How long a client tries again what is safe to repeat, unless told otherwise.
    public static let clientRetrySeconds = 10
    /// Messages of one stream that a client keeps until they are asked for; beyond it its connection is not read.
    public static let clientMessagesBuffered = 64
}
