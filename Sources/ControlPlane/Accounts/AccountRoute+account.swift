// Routes for what belongs to an account beside its instances.
extension AccountRoute {
    static let addSSHKey = AccountRoute(
        "POST", "/api/v0/ssh", .userWrite, "api.sshkeys.create")
    static let replaceSSHKey = AccountRoute(
        "PUT", "/api/v0/ssh/{id}", .userWrite, "api.sshkey.update")
    static let removeSSHKey = AccountRoute(
        "DELETE", "/api/v0/ssh/{id}", .userWrite, "api.sshkey.delete")
    static let attachSSHKey = AccountRoute(
        "POST", "/api/v0/instances/{id}/ssh", .instanceWrite, "api.instance.ssh.attach")
    static let detachSSHKey = AccountRoute(
        "DELETE", "/api/v0/instances/{id}/ssh/{key}", .instanceWrite, "api.instance.ssh.detach")
    package static let copyDirectly = AccountRoute(
        "PUT", "/api/v0/commands/copy_direct", .instanceWrite, "api.copy.start")
    package static let copyByRsync = AccountRoute(
        "PUT", "/api/v0/commands/rsync", .instanceWrite, "api.copy.start")
    static let addSecret = AccountRoute(
        "POST", "/api/v0/secrets", .userWrite, "api.secrets.create")
    static let updateSecret = AccountRoute(
        "PUT", "/api/v0/secrets", .userWrite, "api.secrets.update")
    static let removeSecret = AccountRoute(
        "DELETE", "/api/v0/secrets", .userWrite, "api.secrets.delete")

    static let addTemplate = AccountRoute(
        "POST", "/api/v0/template", .userWrite, "api.templates.create")
    static let updateTemplate = AccountRoute(
        "PUT", "/api/v0/template", .userWrite, "api.templates.update")
    static let removeTemplate = AccountRoute(
        "DELETE", "/api/v0/template", .userWrite, "api.templates.delete")

    static let ofAccounts: [AccountRoute] = [
        AccountRoute("GET", "/api/v0/ssh", .userRead, "api.sshkeys.show"),
        addSSHKey, replaceSSHKey, removeSSHKey,
        AccountRoute("GET", "/api/v0/instances/{id}/ssh", .instanceRead, "api.instance.ssh.show"),
        attachSSHKey, detachSSHKey, copyDirectly, copyByRsync,
        AccountRoute(
            "DELETE", "/api/v0/commands/copy_direct", .instanceWrite, "api.copy.cancel"),
        AccountRoute("DELETE", "/api/v0/commands/rsync", .instanceWrite, "api.copy.cancel"),
        AccountRoute("GET", "/api/v0/secrets", .userRead, "api.secrets.show"),
        addSecret, updateSecret, removeSecret,
        AccountRoute("PUT", "/api/v0/commands/reset_apikey", .userWrite, "api.apikey.reset"),
        AccountRoute("GET", "/api/v0/audit_logs", .misc, "api.audit_logs.show"),
        AccountRoute("GET", "/api/v1/audit_logs", .misc, "api.audit_logs.show"),
        AccountRoute("GET", "/api/v0/users/me/ipaddrs", .userRead, "api.ipaddrs.show"),
        AccountRoute("GET", "/api/v0/template", .userRead, "api.templates.show"),
        AccountRoute("GET", "/api/v1/template", .userRead, "api.templates.show"),
        addTemplate, updateTemplate, removeTemplate,
        AccountRoute("PUT", "/api/v1/template", .userWrite, "api.templates.update"),
    ]

    /// Routes of upstream's whose true answer is always that there is nothing: Boathook bills nobody, and has no
    /// volumes for rent, no teams, no serverless endpoints.
    static let empty: [AccountRoute] = [
        AccountRoute("GET", "/api/v0/subaccounts", .userRead, "api.subaccounts.show"),
        AccountRoute("GET", "/api/v0/tfa/status", .userRead, "api.tfa.show"),
        AccountRoute(
            "GET", "/api/v0/users/cloud_integrations", .userRead, "api.connections.show"),
        AccountRoute("GET", "/api/v0/users/me/invoices", .billingRead, "api.invoices.show"),
        AccountRoute("GET", "/api/v0/invoices", .billingRead, "api.invoices.show"),
        AccountRoute("GET", "/api/v1/invoices", .billingRead, "api.invoices.show"),
        AccountRoute("GET", "/api/v0/charges", .billingRead, "api.charges.show"),
        AccountRoute(
            "GET", "/api/v0/users/me/machine-earnings", .billingRead, "api.earnings.show"),
        AccountRoute("GET", "/api/v0/endptjobs", .misc, "api.endpoints.show"),
        AccountRoute("GET", "/api/v0/autojobs", .misc, "api.workergroups.show"),
        AccountRoute("GET", "/api/v0/workergroups", .misc, "api.workergroups.show"),
        AccountRoute("GET", "/api/v0/deployments", .instanceRead, "api.deployments.show"),
        AccountRoute("GET", "/api/v0/benchmarks", .misc, "api.benchmarks.show"),
        AccountRoute("GET", "/api/v0/volumes", .instanceRead, "api.volumes.show"),
        AccountRoute("POST", "/api/v0/volumes/search", .misc, "api.volumes.search"),
        AccountRoute(
            "POST", "/api/v0/network_volumes/search", .misc, "api.network_volumes.search"),
        AccountRoute("GET", "/api/v0/network_disk", .machineRead, "api.network_disks.show"),
        AccountRoute(
            "GET", "/api/v0/instance_backups", .instanceRead, "api.instance_backups.show"),
        AccountRoute(
            "GET", "/api/v0/instances/pending-price-increases", .instanceRead,
            "api.price_increases.show"),
        AccountRoute(
            "GET", "/api/v0/machines/maintenances", .instanceRead, "api.maintenances.show"),
        AccountRoute("GET", "/api/v0/clusters", .userRead, "api.clusters.show"),
        AccountRoute("GET", "/api/v0/overlay", .userRead, "api.overlays.show"),
        AccountRoute("GET", "/api/v0/team/members", .teamRead, "api.team_members.show"),
        AccountRoute("GET", "/api/v0/team/roles-full", .teamRead, "api.team_roles.show"),
    ]
}
