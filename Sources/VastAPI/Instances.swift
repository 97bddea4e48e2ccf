/// One row of an instance listing: column name → value.
///
/// Upstream's rows have some 95 columns, and callers may select columns, so a row is open (contract
/// 3.3).
package typealias InstanceRow = [String: JSONValue]

/// `GET /api/v0/instances/{id}/`: one object under the plural key, null for an unknown id
/// (contract 3.1).
package struct InstanceReply: Sendable, Hashable, Codable {
    package var instances: InstanceRow?

    package init(instances: InstanceRow?) {
        self.instances = instances
    }

    enum CodingKeys: String, CodingKey { case instances }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(instances, forKey: .instances)  // null, not absent: clients index it
    }
}

/// `GET /api/v0/instances/`: the whole list, as clients before 1.1.0 read it (contract 3.2).
package struct InstanceListReply: Sendable, Hashable, Codable {
    package var instancesFound: Int
    package var instances: [InstanceRow]

    enum CodingKeys: String, CodingKey {
        case instances
        case instancesFound = "instances_found"
    }

    package init(instances: [InstanceRow]) {
        self.instancesFound = instances.count
        self.instances = instances
    }
}

/// `GET /api/v1/instances/`: one page (contract 3.2).
package struct InstancePageReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var totalInstances: Int
    /// How many instances bear each label; unlabelled ones under the empty string.
    package var labelCounts: [String: Int]
    package var instancesFound: Int
    package var instances: [InstanceRow]
    /// Opaque; null on the last page.
    package var nextToken: String?

    enum CodingKeys: String, CodingKey {
        case success, instances
        case totalInstances = "total_instances"
        case labelCounts = "label_counts"
        case instancesFound = "instances_found"
        case nextToken = "next_token"
    }

    package init(
        totalInstances: Int, labelCounts: [String: Int], instances: [InstanceRow],
        nextToken: String?
    ) {
        self.success = true
        self.totalInstances = totalInstances
        self.labelCounts = labelCounts
        self.instancesFound = instances.count
        self.instances = instances
        self.nextToken = nextToken
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(success, forKey: .success)
        try container.encode(totalInstances, forKey: .totalInstances)
        try container.encode(labelCounts, forKey: .labelCounts)
        try container.encode(instancesFound, forKey: .instancesFound)
        try container.encode(instances, forKey: .instances)
        try container.encode(nextToken, forKey: .nextToken)  // null, not absent
    }
}
