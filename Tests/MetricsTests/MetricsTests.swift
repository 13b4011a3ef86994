@testable import Metrics
import Testing

@Suite struct MetricsTests {
    @Test func `a histogram counts a value in the first bucket that holds it, and adds up`() {
        let histogram = Histogram(bounds: [10, 100])
        for value: UInt64 in [0, 10, 11, 100, 101, 5000] { histogram.observe(value) }
        var reading = histogram.reading
        #expect(reading.counts == [2, 2, 2] && reading.sum == 5222)
        reading.add(histogram.reading)
        #expect(reading.counts == [4, 4, 4] && reading.sum == 10444)
        #expect(Histogram.powers(of: 4, count: 4).bounds == [1, 4, 16, 64])
    }

    @Test func `text is OpenMetrics: types, units, totals, cumulative buckets, escapes and an end`() {
        var text = MetricsText()
        text.counter("a", "Says \"a\"\nand \\.", [([("x", "1\"\n\\")], 3)])
        text.gauge("b_bytes", "b", [([], 0.5), ([("s", "t")], 1e6)])
        let histogram = Histogram(bounds: [250_000, 1_000_000_000])
        for value: UInt64 in [1, 250_000, 2_000_000_000] { histogram.observe(value) }
        text.histogram("c_seconds", "c", scale: 1e-9, [([], histogram.reading)])
        text.info("d", "d", [("version", "1")])
        text.seconds("e_seconds", "e", 1.25)
        #expect(
            text.finished == """
                # TYPE a counter
                # HELP a Says \\"a\\"\\nand \\\\.
                a_total{x="1\\"\\n\\\\"} 3
                # TYPE b_bytes gauge
                # UNIT b_bytes bytes
                # HELP b_bytes b
                b_bytes 0.5
                b_bytes{s="t"} 1000000
                # TYPE c_seconds histogram
                # UNIT c_seconds seconds
                # HELP c_seconds c
                c_seconds_bucket{le="0.00025"} 2
                c_seconds_bucket{le="1"} 2
                c_seconds_bucket{le="+Inf"} 3
                c_seconds_count 3
                c_seconds_sum 2.000250001
                # TYPE d info
                # HELP d d
                d_info{version="1"} 1
                # TYPE e_seconds counter
                # UNIT e_seconds seconds
                # HELP e_seconds e
                e_seconds_total 1.25
                # EOF

                """)
    }
}
