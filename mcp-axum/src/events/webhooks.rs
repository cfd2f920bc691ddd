//! Webhooks: those outside who are told of events by requests that they can verify, as Standard Webhooks has it. Each has a task of its
//! own that reads the ring of events: one that does not answer misses what the ring does not keep, and holds up nobody.

mod delivery;
pub(crate) mod signature;

use crate::{app::App, settings::WebhookSettings, telemetry::metrics::WebhookMetrics};
use delivery::Delivery;
use mcp_core::engine::Engine;
use std::sync::{Arc, atomic::AtomicU64};
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinSet},
};

/// One receiver, and how far it has been told.
struct Told {
    settings: WebhookSettings,
    position: Arc<AtomicU64>,
    task: Option<AbortHandle>,
}

/// Tells those whom the configuration names, until the gateway ends and they know it. `process` is in ids of messages: numbers of events
/// begin anew with each process.
pub(crate) async fn run(
    mut configured: watch::Receiver<Arc<App>>,
    metrics: WebhookMetrics,
    process: Arc<str>,
) {
    let mut telling: JoinSet<()> = JoinSet::new();
    let mut known: Vec<Told> = Vec::new();
    // What happened before the first look, such as the start, is told too.
    let mut since = 0;
    loop {
        let app = configured.borrow_and_update().clone();
        let wanted = &app.settings.webhooks;
        known.retain(|told| {
            let stays = wanted.contains(&told.settings);
            if !stays {
                told.stop();
            }
            stays
        });
        for settings in wanted {
            if !known.iter().any(|told| told.settings == *settings) {
                known.push(Told {
                    settings: settings.clone(),
                    position: Arc::new(since.into()),
                    task: None,
                });
            }
        }
        for told in known.iter_mut().filter(|told| told.task.is_none()) {
            let delivery = Delivery {
                settings: told.settings.clone(),
                engine: Engine::new((*app.engine).clone(), app.services.clone()),
                events: app.events.clone(),
                draining: app.draining.clone(),
                metrics: metrics.of(&told.settings.name()),
                process: process.clone(),
                position: told.position.clone(),
            };
            told.task = Some(telling.spawn(delivery.run()));
        }
        let (engine, draining, events) = (app.engine.clone(), app.draining.clone(), app.events.clone());
        drop(app);
        loop {
            tokio::select! {
                Some(ended) = telling.join_next() => match ended {
                    // Whoever looks after this begins it anew.
                    Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
                    _ if draining.is_cancelled() && telling.is_empty() => return,
                    _ => {}
                },
                () = draining.cancelled(), if telling.is_empty() => return,
                changed = configured.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
            }
        }
        since = events.last();
        if !Arc::ptr_eq(&configured.borrow().engine, &engine) {
            // What may be reached is something else now.
            for told in &mut known {
                told.stop();
                told.task = None;
            }
        }
    }
}

impl Told {
    fn stop(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// What tells this process from others.
pub(crate) fn process_name() -> Arc<str> {
    let mut bytes = [0; 8];
    // Without random numbers the time is all that there is.
    if getrandom::fill(&mut bytes).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        bytes = u64::try_from(now.unwrap_or_default().as_nanos())
            .unwrap_or_default()
            .to_be_bytes();
    }
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.into()
}
