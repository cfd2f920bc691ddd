//! Several gateways on one store.

use crate::{Gateway, Setup, Store};
use anyhow::{Context, Result};
use std::sync::{Arc, PoisonError, RwLock};

/// Gateways that share a store. Dropping them ends all.
pub struct Replicas {
    store: Store,
    setup: Setup,
    gateways: Vec<Gateway>,
    /// Where clients find them now, as a load balancer knows it.
    origins: Arc<RwLock<Vec<String>>>,
}

impl Replicas {
    /// Starts `count` of them.
    pub async fn start(store: Store, count: usize, mut setup: Setup) -> Result<Self> {
        setup.app += &format!("data_source = '{}'\n", store.source());
        setup.tables += &store.table();
        let mut gateways = Vec::with_capacity(count);
        for _ in 0..count {
            gateways.push(Gateway::start_as(&setup).await?);
        }
        let origins = gateways
            .iter()
            .map(|gateway| gateway.origin().to_owned())
            .collect();
        Ok(Self {
            store,
            setup,
            gateways,
            origins: Arc::new(RwLock::new(origins)),
        })
    }

    /// The store that they share.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The same, to take it away and bring it back.
    pub fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// All of them.
    pub fn all(&self) -> &[Gateway] {
        &self.gateways
    }

    /// Where to send requests, now.
    pub fn directory(&self) -> Directory {
        Directory(self.origins.clone())
    }

    /// Puts a new one in the place of another: the new one is ready before the old one is told to stop, and the old
    /// one gets no new work from then on.
    pub async fn replace(&mut self, place: usize) -> Result<()> {
        let new = Gateway::start_as(&self.setup).await?;
        let slot = self.gateways.get_mut(place).context("there is no such replica")?;
        if let Some(origin) = self
            .origins
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(place)
        {
            *origin = new.origin().to_owned();
        }
        let old = std::mem::replace(slot, new);
        old.stop().await
    }
}

/// What a load balancer knows. Clones see the same replicas.
#[derive(Clone)]
pub struct Directory(Arc<RwLock<Vec<String>>>);

impl Directory {
    /// One of them, in turns.
    pub fn origin(&self, turn: usize) -> String {
        let origins = self.0.read().unwrap_or_else(PoisonError::into_inner);
        origins
            .get(turn % origins.len().max(1))
            .cloned()
            .unwrap_or_default()
    }
}
