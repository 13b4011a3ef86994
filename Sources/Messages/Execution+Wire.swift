import CMessages
import CProtobufC
import Model

// Execution and profile: texts by tables, the rest by name.

private let executionTexts: [TextField<Execution, Messageexport__V1__Execution>] = [
    .init("batch_instance_id", \.batchInstanceID, \.batch_instance_id),
    .init("campaign_action_id", \.campaignActionID, \.campaign_action_id),
    .init("campaign_id", \.campaignID, \.campaign_id),
    .init("campaign_version_id", \.campaignVersionID, \.campaign_version_id),
    .init("journey_action_id", \.journeyActionID, \.journey_action_id),
    .init("journey_version_id", \.journeyVersionID, \.journey_version_id),
    .init("journey_version_instance_id", \.journeyVersionInstanceID, \.journey_version_instance_id),
    .init("journey_version_node_id", \.journeyVersionNodeID, \.journey_version_node_id),
    .init("message_execution_id", \.messageExecutionID, \.message_execution_id),
    .init("message_id", \.messageID, \.message_id),
    .init("message_publication_id", \.messagePublicationID, \.message_publication_id),
    .init("message_type", \.messageType, \.message_type),
    .init("wave_id", \.waveID, \.wave_id),
]

private let audienceTexts: [TextField<Execution.Audience, Messageexport__V1__Audience>] = [
    .init("id", \.id, \.id),
    .init("type", \.type, \.type),
]

private let sourceTexts: [TextField<Execution.Source, Messageexport__V1__SourceMeta>] = [
    .init("source_action_id", \.sourceActionID, \.source_action_id),
    .init("source_id", \.sourceID, \.source_id),
    .init("source_type", \.sourceType, \.source_type),
    .init("source_version_id", \.sourceVersionID, \.source_version_id),
]

private let profileTexts: [TextField<Profile, Messageexport__V1__Profile>] = [
    .init("message_profile_id", \.messageProfileID, \.message_profile_id),
    .init("message_profile_tracking_id", \.messageProfileTrackingID, \.message_profile_tracking_id),
    .init("request_id", \.requestID, \.request_id),
    .init("secondary_dimension_id", \.secondaryDimensionID, \.secondary_dimension_id),
    .init("secondary_dimension_name", \.secondaryDimensionName, \.secondary_dimension_name),
    .init("variant", \.variant, \.variant),
]

private let channelTexts: [TextField<Profile.ChannelContext, Messageexport__V1__ChannelContext>] = [
    .init("media_action", \.mediaAction, \.media_action),
    .init("media_type", \.mediaType, \.media_type),
    .init("mode", \.mode, \.mode),
    .init("referring_source", \.referringSource, \.referring_source),
    .init("type_at_source", \.typeAtSource, \.type_at_source),
]

/// The table of an optional text: the same field as a value's property and as a C message's.
private struct TextField<Value, C>: Sendable {
    let name: String
    let value: any WritableKeyPath<Value, String?> & Sendable
    let wire: any WritableKeyPath<C, ProtobufCBinaryData> & Sendable

    init(
        _ name: String, _ value: any WritableKeyPath<Value, String?> & Sendable,
        _ wire: any WritableKeyPath<C, ProtobufCBinaryData> & Sendable
    ) {
        self.name = name
        self.value = value
        self.wire = wire
    }
}

private func read<Value, C>(_ fields: [TextField<Value, C>], of wire: C, into value: inout Value, _ place: String) throws(Status)
{
    for field in fields { value[keyPath: field.value] = try wire[keyPath: field.wire].textIfAny("\(place).\(field.name)") }
}

private func check<Value, C>(_ fields: [TextField<Value, C>], of wire: C, _ place: String) throws(Status) {
    for field in fields { try wire[keyPath: field.wire].checkUTF8("\(place).\(field.name)") }
}

extension Draft {
    private func fill<Value, C>(_ wire: inout C, _ fields: [TextField<Value, C>], of value: Value) {
        for field in fields { wire[keyPath: field.wire] = text(value[keyPath: field.value] ?? "") }
    }
}

// MARK: Execution

extension Execution {
    init(_ wire: Messageexport__V1__Execution) throws(Status) {
        self.init()
        try read(executionTexts, of: wire, into: &self, "execution")
        if let part = wire.audience { try read(audienceTexts, of: part.pointee, into: &audience, "execution.audience") }
        if let part = wire.parent_source_meta {
            try read(sourceTexts, of: part.pointee, into: &parentSource, "execution.parent_source_meta")
        }
        fragmentPublicationIDs = try texts(
            wire.n_fragment_publication_ids, wire.fragment_publication_ids, "execution.fragment_publication_ids")
        try forEach(wire.n_metadata, wire.metadata) { (index, entry) throws(Status) in
            let key = try entry.key.text("execution.metadata[\(index)].key")
            metadata[key] = try entry.value.text("execution.metadata[\(index)].value")
        }
    }
}

extension Draft {
    /// Nil when it says nothing.
    func make(_ execution: Execution) -> UnsafeMutablePointer<Messageexport__V1__Execution>? {
        guard execution != Execution() else { return nil }
        return make(messageexport__v1__execution__init) { draft, wire in
            draft.fill(&wire, executionTexts, of: execution)
            if execution.audience != .init() {
                wire.audience = draft.make(messageexport__v1__audience__init) { draft, wire in
                    draft.fill(&wire, audienceTexts, of: execution.audience)
                }
            }
            if execution.parentSource != .init() {
                wire.parent_source_meta = draft.make(messageexport__v1__source_meta__init) { draft, wire in
                    draft.fill(&wire, sourceTexts, of: execution.parentSource)
                }
            }
            (wire.n_fragment_publication_ids, wire.fragment_publication_ids) = draft.texts(execution.fragmentPublicationIDs)
            let entries = execution.metadata.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
            (wire.n_metadata, wire.metadata) = draft.list(entries, messageexport__v1__execution__text_entry__init) {
                draft, wire, entry in
                wire.key = draft.text(entry.key)
                wire.value = draft.text(entry.value)
            }
        }
    }
}

/// Checks it, and puts its metadata in the order of their keys: a map has none of its own, and the same message must pack to the same
/// bytes.
func check(_ execution: Messageexport__V1__Execution) throws(Status) {
    try check(executionTexts, of: execution, "execution")
    if let part = execution.audience { try check(audienceTexts, of: part.pointee, "execution.audience") }
    if let part = execution.parent_source_meta { try check(sourceTexts, of: part.pointee, "execution.parent_source_meta") }
    try checkTexts(
        execution.n_fragment_publication_ids, execution.fragment_publication_ids, "execution.fragment_publication_ids")
    guard execution.n_metadata > 0, let start = execution.metadata else { return }
    var entries = UnsafeMutableBufferPointer(start: start, count: execution.n_metadata)
    func key(_ entry: UnsafeMutablePointer<Messageexport__V1__Execution__TextEntry>?) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: entry?.pointee.key.data, count: entry?.pointee.key.len ?? 0)
    }
    entries.sort { key($0).lexicographicallyPrecedes(key($1)) }
    // Two spellings of one letter are one key to some who read the row, and to Swift.
    var keys: Set<String> = []
    for case let entry? in entries {
        try entry.pointee.value.checkUTF8("execution.metadata.value")
        guard keys.insert(try entry.pointee.key.text("execution.metadata.key")).inserted else {
            throw Status(.invalidArgument, "a key is there twice", field: "execution.metadata", hint: "give each key once")
        }
    }
}

// MARK: Profile

extension Profile {
    init(_ wire: Messageexport__V1__Profile) throws(Status) {
        self.init()
        try read(profileTexts, of: wire, into: &self, "profile")
        let presence = (
            MESSAGEEXPORT__V1__PROFILE__IS_SEND_TIME_OPTIMIZED_PRESENCE_IS_SEND_TIME_OPTIMIZED,
            MESSAGEEXPORT__V1__PROFILE__IS_TEST_EXECUTION_PRESENCE_IS_TEST_EXECUTION
        )
        if wire.is_send_time_optimized_presence_case == presence.0 { isSendTimeOptimized = wire.is_send_time_optimized != 0 }
        if wire.is_test_execution_presence_case == presence.1 { isTestExecution = wire.is_test_execution != 0 }
        guard let part = wire.channel?.pointee else { return }
        try read(channelTexts, of: part, into: &channel, "profile.channel")
        channel.contentTypes = try texts(part.n_content_types, part.content_types, "profile.channel.content_types")
        channel.locationTypes = try texts(part.n_location_types, part.location_types, "profile.channel.location_types")
        channel.metricTypes = try texts(part.n_metric_types, part.metric_types, "profile.channel.metric_types")
    }
}

extension Draft {
    /// Nil when it says nothing.
    func make(_ profile: Profile) -> UnsafeMutablePointer<Messageexport__V1__Profile>? {
        guard profile != Profile() else { return nil }
        return make(messageexport__v1__profile__init) { draft, wire in
            draft.fill(&wire, profileTexts, of: profile)
            if let flag = profile.isSendTimeOptimized {
                wire.is_send_time_optimized_presence_case =
                    MESSAGEEXPORT__V1__PROFILE__IS_SEND_TIME_OPTIMIZED_PRESENCE_IS_SEND_TIME_OPTIMIZED
                wire.is_send_time_optimized = flag ? 1 : 0
            }
            if let flag = profile.isTestExecution {
                wire.is_test_execution_presence_case = MESSAGEEXPORT__V1__PROFILE__IS_TEST_EXECUTION_PRESENCE_IS_TEST_EXECUTION
                wire.is_test_execution = flag ? 1 : 0
            }
            guard profile.channel != .init() else { return }
            wire.channel = draft.make(messageexport__v1__channel_context__init) { draft, wire in
                draft.fill(&wire, channelTexts, of: profile.channel)
                (wire.n_content_types, wire.content_types) = draft.texts(profile.channel.contentTypes)
                (wire.n_location_types, wire.location_types) = draft.texts(profile.channel.locationTypes)
                (wire.n_metric_types, wire.metric_types) = draft.texts(profile.channel.metricTypes)
            }
        }
    }
}

func check(_ profile: Messageexport__V1__Profile) throws(Status) {
    try check(profileTexts, of: profile, "profile")
    guard let part = profile.channel?.pointee else { return }
    try check(channelTexts, of: part, "profile.channel")
    try checkTexts(part.n_content_types, part.content_types, "profile.channel.content_types")
    try checkTexts(part.n_location_types, part.location_types, "profile.channel.location_types")
    try checkTexts(part.n_metric_types, part.metric_types, "profile.channel.metric_types")
}
