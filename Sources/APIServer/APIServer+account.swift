internal import ControlPlane
internal import Hummingbird

extension APIServer {
    /// What belongs to an account beside its instances and its API keys; and the answers that are always empty.
    static func addProfileRoutes(to api: RouterGroup<APIContext>, _ parts: Parts) {
        let account = parts.account
        let sshKeys = SSHKeyRoutes(access: account.sshKeys)
        api.get("api/v0/ssh", use: sshKeys.list)
        api.post("api/v0/ssh", use: sshKeys.create)
        api.put("api/v0/ssh/:id", use: sshKeys.update)
        api.delete("api/v0/ssh/:id", use: sshKeys.delete)
        let logins = InstanceSSHKeyRoutes(access: account.sshKeys)
        api.get("api/v0/instances/:id/ssh", use: logins.list)
        api.post("api/v0/instances/:id/ssh", use: logins.attach)
        api.delete("api/v0/instances/:id/ssh/:key", use: logins.detach)
        for (path, route) in [
            ("api/v0/commands/copy_direct", AccountRoute.copyDirectly),
            ("api/v0/commands/rsync", .copyByRsync),
        ] {
            let copy = CopyRoutes(access: account.copies, begin: route)
            api.put(RouterPath(path), use: copy.put)
            api.delete(RouterPath(path), use: copy.delete)
        }
        let secrets = SecretRoutes(access: account.environment)
        api.get("api/v0/secrets", use: secrets.list)
        api.post("api/v0/secrets", use: secrets.create)
        api.put("api/v0/secrets", use: secrets.update)
        api.delete("api/v0/secrets", use: secrets.delete)
        let templates = TemplateRoutes(access: account.templates)
        api.get("api/v0/template", use: templates.list)
        api.get("api/v1/template", use: templates.list)
        api.post("api/v0/template", use: templates.create)
        api.put("api/v0/template", use: templates.update)
        api.put("api/v1/template", use: templates.updateVersion)
        api.delete("api/v0/template", use: templates.delete)
        api.get(
            "api/v0/users/current",
            use: CurrentUserRoute(sshKeys: account.sshKeys).callAsFunction)
        api.get(
            "api/v0/users/me/ipaddrs",
            use: AddressRoute(addresses: account.addresses).callAsFunction)
        api.put(
            "api/v0/commands/reset_apikey", use: ResetKeyRoute(access: parts.keys).callAsFunction)
        let audit = AuditLogRoutes(audit: account.audit)
        api.get("api/v0/audit_logs", use: audit.newest)
        api.get("api/v1/audit_logs", use: audit.page)
        for (path, reply) in EmptyReplies.get {
            api.get(RouterPath(path), use: EmptyRoute(reply: reply).callAsFunction)
        }
        for (path, reply) in EmptyReplies.post {
            api.post(RouterPath(path), use: EmptyRoute(reply: reply).callAsFunction)
        }
    }
}
