public import ArgumentParser
public import Model

// The product's own words are arguments as they are spelt.

extension Channel: ExpressibleByArgument {}
extension Format: ExpressibleByArgument {}
extension Compression: ExpressibleByArgument {}
