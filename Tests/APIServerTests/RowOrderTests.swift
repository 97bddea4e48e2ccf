import Foundation
import Testing
import VastAPI

@testable import APIServer

/// How rows follow each other, and what a page's token says (contract 3.2, 5).
@Suite struct RowOrderTests {
    /// In their order.
    private static let values: [JSONValue] = [
        .null, .bool(false), .bool(true), .double(-1.5), .int(9), .int(10), .double(10.5),
        .string(""), .string("10"), .string("1a"), .string("9"), .string("a"),
    ]

    @Test func `any two values have one order, and any three no circle`() {
        let keys = Self.values.map { RowKey($0) }
        for (index, key) in keys.enumerated() {
            for (other, otherKey) in keys.enumerated() {
                #expect((key < otherKey) == (index < other), "\(key) \(otherKey)")
                #expect((key == otherKey) == (index == other))
            }
        }
        #expect(RowKey(nil) == RowKey(.null))
        #expect(RowKey(.int(2)) == RowKey(.double(2)))
        #expect(RowKey(.array([.int(1)])) == RowKey(.object([:])))
    }

    @Test func `an offer without a value comes first, and last the other way round`() throws {
        let rows = zip(1..., [JSONValue.double(5), .null, .double(2.5), .null]).map { id, value in
            ["id": JSONValue.int(Int64(id)), "cpu_ghz": value]
        }
        for (direction, ids) in [("asc", [2, 4, 3, 1]), ("desc", [1, 3, 2, 4])] {
            let query = try OfferQuery([
                "order": .array([.array([.string("cpu_ghz"), .string(direction)])])
            ])
            #expect(try query.found(in: rows).map { $0["id"] } == ids.map { .int(Int64($0)) })
        }
    }

    /// Upstream's clients ask by codes of two letters.
    @Test(arguments: [
        (#"{"eq": "NO"}"#, ["Oslo, NO"]), (#"{"eq": "no"}"#, ["Oslo, NO"]),
        (#"{"in": ["NO", "SE"]}"#, ["Oslo, NO", "SE"]), (#"{"eq": "Oslo, no"}"#, ["Oslo, NO"]),
        (#"{"notin": ["NO", "SE"]}"#, ["", "Nome, Alaska, US"]),
        (#"{"neq": "US"}"#, ["Oslo, NO", "SE", ""]), (#"{"eq": "Oslo"}"#, []),
        (#"{"eq": "Alaska, US"}"#, []), (#"{"in": "US"}"#, ["Nome, Alaska, US"]),
    ])
    func `a place is found by its country`(condition: String, found: [String]) throws {
        let rows = ["Oslo, NO", "SE", "", "Nome, Alaska, US"].enumerated().map { index, place in
            ["id": JSONValue.int(Int64(index)), "geolocation": .string(place)]
        }
        let query = try OfferQuery(["geolocation": condition.json])
        #expect(try query.found(in: rows).compactMap { $0["geolocation"]?.string } == found)
    }

    @Test func `a token says where a page ended, in one spelling, for its order alone`() throws {
        let orders = [
            RowOrder(column: "label", isDescending: true),
            RowOrder(column: "start_date", isDescending: false),
        ]
        for value in Self.values {
            let place = RowPlace(
                of: ["id": .int(7), "label": value, "start_date": .double(1.25e9)], by: orders)
            let token = try PageToken.text(of: place, by: orders)
            #expect(token.utf8.allSatisfy { !"+/=%&? ".utf8.contains($0) })
            let read = try #require(PageToken.place(token, by: orders))
            #expect(read.keys == place.keys && read.id == 7)
            for other in [
                [], orders.reversed(), [orders[0]],
                [RowOrder(column: "label", isDescending: false), orders[1]],
            ] {
                #expect(PageToken.place(token, by: other) == nil)
            }
            #expect(PageToken.place(token + "=", by: orders) == nil)
            #expect(PageToken.place(String(token.dropLast()), by: orders) == nil)
            #expect(PageToken.place(" " + token, by: orders) == nil)
        }
    }
}

extension String {
    fileprivate var json: JSONValue {
        get throws { try JSONDecoder().decode(JSONValue.self, from: Data(utf8)) }
    }
}
