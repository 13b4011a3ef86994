/// Where files go. What it does blocks; folders and names are relative to the destination's own folder.
package protocol Storage: Sendable {
    /// Whether giving a file its name takes so long that something else should go on meanwhile.
    var isFar: Bool { get }

    /// Begins a file below `folder`, which is made where it is missing. Nobody sees it by its name before `publish`.
    ///
    /// What has the name is replaced: the caller makes sure that it is its own (`requireFree`, before it takes note of the name).
    func begin(_ name: String, in folder: String) throws(DestinationError) -> any Upload

    /// Makes sure that nothing below `folder` has that name.
    ///
    /// - Throws: `nameTaken`.
    func requireFree(_ name: String, in folder: String) throws(DestinationError)

    /// Bytes of a delivered file below `folder`; nil when there is none of that name. When it returns, the name is durable.
    func size(of name: String, in folder: String) throws(DestinationError) -> Int64?

    /// What a file holds, of small ones.
    ///
    /// - Throws: `noSuchPlace` when there is none of that name.
    func content(of name: String, in folder: String) throws(DestinationError) -> [UInt8]

    /// Whether a list of the destination's own folder has that name.
    func lists(_ name: String) throws(DestinationError) -> Bool

    /// Removes a file that the caller delivered below `folder`, and what it left unfinished of it; nothing when there is none.
    func remove(_ name: String, in folder: String) throws(DestinationError)
}

/// A file on its way. Whoever has one ends it by `publish` or `discard`, once.
package protocol Upload: AnyObject {
    /// Bytes written so far.
    var size: Int64 { get }

    /// Adds to the end of the file.
    func write(_ bytes: [UInt8]) throws(DestinationError)

    /// Gives the file its name. When this returns, it is whole and durable, as far as the storage tells.
    /// When it throws, nothing of the file is left by its name, as far as that can be done.
    ///
    /// - Throws: `damaged` when the storage has other content than it was given.
    func publish() throws(DestinationError)

    /// Gives the file up and removes what was written, as far as that can be done.
    func discard()
}
