//! The routes of one worker, which are made anew when the configuration is another one: a request has all of them from one.

use super::worker::Serves;
use crate::app::{self, App, Current};
use axum::Router;
use mcp_core::{
    activity::Activity,
    engine::{Engine, EngineSettings},
    protocol::Endpoint,
};
use std::sync::{Arc, Mutex, PoisonError};

/// Shared by the connections of a worker.
#[derive(Clone)]
pub(super) struct Routes(Arc<Shared>);

struct Shared {
    /// `None` once the gateway has ended: what is there is good enough for the rest.
    current: Option<Arc<Current>>,
    activity: Arc<Activity>,
    serves: Serves,
    made: Mutex<Made>,
}

struct Made {
    number: u64,
    router: Router,
    /// With the settings that it was made of: connections to upstreams stay while these do.
    engine: (Arc<EngineSettings>, Engine),
}

impl Routes {
    /// Call it on the worker's runtime, to which upstream connections belong.
    pub(super) fn new(app: &Arc<App>, activity: Arc<Activity>, serves: Serves) -> Self {
        let current = app.current();
        let number = current.as_ref().map_or(0, |current| current.number());
        let app = app.latest();
        let engine = engine(&app);
        let made = Made {
            number,
            router: router(&app, &engine.1, &activity, serves),
            engine,
        };
        Self(Arc::new(Shared {
            current,
            activity,
            serves,
            made: Mutex::new(made),
        }))
    }

    /// For a request that begins now.
    pub(super) fn now(&self) -> Router {
        let shared = &*self.0;
        let mut made = shared.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = &shared.current
            && current.number() != made.number
        {
            // Before the value: whatever comes between them is found by the next request.
            made.number = current.number();
            let app = current.now();
            if !Arc::ptr_eq(&made.engine.0, &app.engine) {
                made.engine = engine(&app);
            }
            made.router = router(&app, &made.engine.1, &shared.activity, shared.serves);
        }
        made.router.clone()
    }
}

fn engine(app: &App) -> (Arc<EngineSettings>, Engine) {
    let engine = Engine::new((*app.engine).clone(), app.services.clone());
    (app.engine.clone(), engine)
}

fn router(app: &Arc<App>, engine: &Engine, activity: &Arc<Activity>, serves: Serves) -> Router {
    match serves {
        Serves::Clients => {
            let endpoint = Endpoint::new(app.gateway.clone(), engine.clone());
            let endpoint = endpoint
                .with_activity(activity.clone())
                .with_external(app.external.clone());
            app::router(app.clone(), endpoint)
        }
        Serves::Operators => app::operator_router(app.clone()),
    }
}
