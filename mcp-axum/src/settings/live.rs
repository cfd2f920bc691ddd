//! What of a configuration can come into effect while a gateway runs. The rest waits for a restart.

use super::Settings;

impl Settings {
    /// Has from now on what the other one says of keys that need no restart.
    pub(crate) fn take_live(&mut self, other: &Self) {
        let of = other.app.clone();
        let app = &mut self.app;
        app.public_url = of.public_url;
        app.api_key = of.api_key;
        app.authenticators = of.authenticators;
        app.allowed_hosts = of.allowed_hosts;
        app.allowed_origins = of.allowed_origins;
        app.default_instance = of.default_instance;
        app.cors_origins = of.cors_origins;
        app.compression = of.compression;
        app.max_body_bytes = of.max_body_bytes;
        app.public_paths = of.public_paths;
        app.config_revision_header = of.config_revision_header;
        self.authenticator = other.authenticator.clone();
        self.access = other.access.clone();
        self.authorizer = other.authorizer.clone();
        // Whether the file is an aggregator's is decided at the start: nobody would store its servers, or take them away.
        if self.aggregated.is_some() && other.aggregated.is_some() {
            self.aggregated.clone_from(&other.aggregated);
        }
        self.events = other.events.clone();
        self.webhooks.clone_from(&other.webhooks);
        self.sign_in.clone_from(&other.sign_in);
        // Who has registered stays where it is.
        let registries = |of: &Self| -> Vec<serde_json::Value> {
            of.discovery
                .of_type("registration")
                .into_iter()
                .cloned()
                .collect()
        };
        if registries(self) == registries(other) {
            self.discovery.clone_from(&other.discovery);
        }
        self.agents.clone_from(&other.agents);
        self.register.clone_from(&other.register);
        // Where they are counted is settled at the start.
        self.limits = super::LimitSettings {
            redis: self.limits.redis.clone(),
            ..other.limits.clone()
        };
        self.log.log_level = other.log.log_level.clone();
        self.log.requests = other.log.requests;
        self.upstream.timeout_ms = other.upstream.timeout_ms;
        self.upstream.connect_timeout_ms = other.upstream.connect_timeout_ms;
        self.upstream.max_request_bytes = other.upstream.max_request_bytes;
        self.upstream.max_response_bytes = other.upstream.max_response_bytes;
        self.upstream.max_result_bytes = other.upstream.max_result_bytes;
        self.stdio.allow = other.stdio.allow.clone();
        self.egress.allow_private = other.egress.allow_private;
        self.egress.allow_loopback = other.egress.allow_loopback;
        self.egress.allow = other.egress.allow.clone();
        self.egress.deny = other.egress.deny.clone();
    }
}
