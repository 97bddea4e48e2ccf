import Testing
import VastAPI

@testable import BoathookCLI

@Suite struct OfferFilterTests {
    static let defaults: [String: JSONValue] = [
        "verified": .object(["eq": .bool(true)]), "external": .object(["eq": .bool(false)]),
        "rentable": .object(["eq": .bool(true)]),
    ]

    @Test(
        arguments: [
            ("num_gpus>=1", ["num_gpus": ["gte": .string("1")]]),
            ("num_gpus >= 1", ["num_gpus": ["gte": .string("1")]]),
            (
                "num_gpus==1 cpu_cores!=8",
                ["num_gpus": ["eq": .string("1")], "cpu_cores": ["neq": .string("8")]]
            ),
            (
                "cpu_cores>2 cpu_cores<=16",
                ["cpu_cores": ["gt": .string("2"), "lte": .string("16")]]
            ),
            ("gpu_name=RTX_4090", ["gpu_name": ["eq": .string("RTX 4090")]]),
            ("gpu_name=\"RTX 4090\"", ["gpu_name": ["eq": .string("RTX 4090")]]),
            (
                "gpu_name in [\"RTX 4090\", RTX_3090]",
                ["gpu_name": ["in": .array([.string("RTX 4090"), .string("RTX 3090")])]]
            ),
            (
                "geolocation not in [NO,SE]",
                ["geolocation": ["notin": .array([.string("NO"), .string("SE")])]]
            ),
            (
                "cpu_ram>=16 duration<2",
                ["cpu_ram": ["gte": .double(16_000)], "duration": ["lt": .double(172_800)]]
            ),
            ("driver_version>=535.86.05", ["driver_version": ["gte": .int(535_086_005)]]),
            (
                "static_ip=true has_avx=False disk_name=null",
                [
                    "static_ip": ["eq": .bool(true)], "has_avx": ["eq": .bool(false)],
                    "disk_name": ["eq": .null],
                ]
            ),
            (
                "dph<0.5 dlperf_usd>1",
                ["dph_total": ["lt": .string("0.5")], "dlperf_per_dphtotal": ["gt": .string("1")]]
            ),
            ("", [:]),
        ] as [(String, [String: [String: JSONValue]])])
    func `filters are read as upstream reads them`(
        text: String, filters: [String: [String: JSONValue]]
    ) throws {
        let expected = filters.mapValues { JSONValue.object($0) }
        #expect(try OfferFilter(text, hasDefaults: false).query == expected)
        #expect(try OfferFilter(text).query == Self.defaults.merging(expected) { $1 })
    }

    @Test func `what is said counts more than what is usual, and any is no filter`() throws {
        let query = try OfferFilter("verified=any rentable=false").query
        #expect(
            query == [
                "external": .object(["eq": .bool(false)]),
                "rentable": .object(["eq": .bool(false)]),
            ])
    }

    @Test(arguments: [
        "num_gpus", "num_gpus>", ">1", "num_gpus>>1", "num_gpus=>1", "num_gpus about 1",
        "gpu_name=\"RTX", "gpu_name in [a",
        "a b", "num_gpus=1 &&", "é=1",
    ])
    func `what is no filter is refused`(text: String) {
        #expect(throws: (any Error).self) { try OfferFilter(text) }
    }

    @Test func `columns to sort by`() throws {
        let order = try OfferFilter.order("dph, num_gpus-,-disk_space,+id")
        #expect(
            order
                == .array(
                    [
                        ["dph_total", "asc"], ["num_gpus", "desc"], ["disk_space", "desc"],
                        ["id", "asc"],
                    ].map { .array($0.map { .string($0) }) }))
        for text in ["a b,c!", "-", "dph;id"] {
            #expect(throws: (any Error).self) { try OfferFilter.order(text) }
        }
    }
}
