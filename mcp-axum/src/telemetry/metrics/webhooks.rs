//! What becomes of events that somebody outside wants to hear of.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// By the names of webhooks, which the configuration has.
#[derive(Clone, Debug, Default)]
pub(crate) struct WebhookMetrics {
    events: Family<Outcome, Counter>,
    failed: Family<Webhook, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    webhook: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Webhook {
    webhook: String,
}

/// Those of one of them.
pub(crate) struct OneWebhook {
    /// It has answered that it has it.
    pub(crate) delivered: Counter,
    /// It was told often enough.
    pub(crate) given_up: Counter,
    /// It was too slow.
    pub(crate) lost: Counter,
    /// Attempts.
    pub(crate) failed: Counter,
}

impl WebhookMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "webhook_events",
            "Events for webhooks: delivered, given_up after all attempts, lost since the webhook is too slow",
            metrics.events.clone(),
        );
        registry.register(
            "webhook_attempts_failed",
            "Requests to webhooks that were not answered with success",
            metrics.failed.clone(),
        );
        metrics
    }

    pub(crate) fn of(&self, name: &str) -> OneWebhook {
        let webhook = name.to_owned();
        let counter = |outcome| {
            let labels = Outcome {
                webhook: webhook.clone(),
                outcome,
            };
            self.events.get_or_create(&labels).clone()
        };
        OneWebhook {
            delivered: counter("delivered"),
            given_up: counter("given_up"),
            lost: counter("lost"),
            failed: self
                .failed
                .get_or_create(&Webhook {
                    webhook: webhook.clone(),
                })
                .clone(),
        }
    }
}
