import CMessages
import Model

// Settings of a channel configuration: each field may be absent, and then stays as it is.

extension ConfigurationChange {
    init(_ wire: UnsafeMutablePointer<Messageexport__V1__ConfigurationSettings>?) throws(Status) {
        self.init()
        guard let wire = wire?.pointee else { return }
        if wire.message_export_presence_case
            == MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__MESSAGE_EXPORT_PRESENCE_MESSAGE_EXPORT
        {
            messageExport = wire.message_export != 0
        }
        if wire.description_presence_case == MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__DESCRIPTION_PRESENCE_DESCRIPTION {
            description = try wire.description.text("settings.description")
        }
        if wire.subdomain_presence_case == MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__SUBDOMAIN_PRESENCE_SUBDOMAIN {
            subdomain = try wire.subdomain.text("settings.subdomain")
        }
        if wire.from_name_presence_case == MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__FROM_NAME_PRESENCE_FROM_NAME {
            fromName = try wire.from_name.text("settings.from_name")
        }
        if wire.from_address_presence_case == MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__FROM_ADDRESS_PRESENCE_FROM_ADDRESS {
            fromAddress = try wire.from_address.text("settings.from_address")
        }
        if wire.reply_to_name_presence_case == MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__REPLY_TO_NAME_PRESENCE_REPLY_TO_NAME {
            replyToName = try wire.reply_to_name.text("settings.reply_to_name")
        }
        if wire.reply_to_address_presence_case
            == MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__REPLY_TO_ADDRESS_PRESENCE_REPLY_TO_ADDRESS
        {
            replyToAddress = try wire.reply_to_address.text("settings.reply_to_address")
        }
        if wire.error_address_presence_case == MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__ERROR_ADDRESS_PRESENCE_ERROR_ADDRESS {
            errorAddress = try wire.error_address.text("settings.error_address")
        }
        if wire.bcc_address_presence_case == MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__BCC_ADDRESS_PRESENCE_BCC_ADDRESS {
            bccAddress = try wire.bcc_address.text("settings.bcc_address")
        }
        if let list = wire.tags?.pointee { tags = try texts(list.n_texts, list.texts, "settings.tags") }
        if let list = wire.sender_numbers?.pointee {
            senderNumbers = try texts(list.n_texts, list.texts, "settings.sender_numbers")
        }
        if wire.purpose != MESSAGEEXPORT__V1__PURPOSE__PURPOSE_UNSPECIFIED {
            purpose = try known(wire.purpose, "settings.purpose", \.wire)
        }
    }
}

extension Draft {
    func settings(_ change: ConfigurationChange) -> UnsafeMutablePointer<Messageexport__V1__ConfigurationSettings> {
        make(messageexport__v1__configuration_settings__init) { draft, wire in
            if let messageExport = change.messageExport {
                wire.message_export_presence_case =
                    MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__MESSAGE_EXPORT_PRESENCE_MESSAGE_EXPORT
                wire.message_export = messageExport ? 1 : 0
            }
            draft.fillTexts(&wire, change)
            wire.tags = change.tags.map(draft.textList)
            wire.sender_numbers = change.senderNumbers.map(draft.textList)
            if let purpose = change.purpose { wire.purpose = purpose.wire }
        }
    }

    private func fillTexts(_ wire: inout Messageexport__V1__ConfigurationSettings, _ change: ConfigurationChange) {
        if let description = change.description {
            wire.description_presence_case = MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__DESCRIPTION_PRESENCE_DESCRIPTION
            wire.description = text(description)
        }
        if let subdomain = change.subdomain {
            wire.subdomain_presence_case = MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__SUBDOMAIN_PRESENCE_SUBDOMAIN
            wire.subdomain = text(subdomain)
        }
        if let fromName = change.fromName {
            wire.from_name_presence_case = MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__FROM_NAME_PRESENCE_FROM_NAME
            wire.from_name = text(fromName)
        }
        if let fromAddress = change.fromAddress {
            wire.from_address_presence_case = MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__FROM_ADDRESS_PRESENCE_FROM_ADDRESS
            wire.from_address = text(fromAddress)
        }
        if let replyToName = change.replyToName {
            wire.reply_to_name_presence_case = MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__REPLY_TO_NAME_PRESENCE_REPLY_TO_NAME
            wire.reply_to_name = text(replyToName)
        }
        if let replyToAddress = change.replyToAddress {
            wire.reply_to_address_presence_case =
                MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__REPLY_TO_ADDRESS_PRESENCE_REPLY_TO_ADDRESS
            wire.reply_to_address = text(replyToAddress)
        }
        if let errorAddress = change.errorAddress {
            wire.error_address_presence_case = MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__ERROR_ADDRESS_PRESENCE_ERROR_ADDRESS
            wire.error_address = text(errorAddress)
        }
        if let bccAddress = change.bccAddress {
            wire.bcc_address_presence_case = MESSAGEEXPORT__V1__CONFIGURATION_SETTINGS__BCC_ADDRESS_PRESENCE_BCC_ADDRESS
            wire.bcc_address = text(bccAddress)
        }
    }

    private func textList(_ values: [String]) -> UnsafeMutablePointer<Messageexport__V1__TextList> {
        make(messageexport__v1__text_list__init) { draft, wire in (wire.n_texts, wire.texts) = draft.texts(values) }
    }
}
