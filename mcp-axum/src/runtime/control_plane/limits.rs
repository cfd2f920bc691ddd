//! Where limits are counted, as the configuration says.

use super::BuildError;
use crate::settings::Settings;
use mcp_core::policy::{SharedLimits, SharedMetrics};
use mcp_plugin::tally::redis::RedisTally;
use std::sync::Arc;

/// `None` where each replica counts for itself.
pub(super) fn open(
    settings: &Settings,
    metrics: &SharedMetrics,
) -> Result<Option<Arc<SharedLimits>>, BuildError> {
    let redis = &settings.limits.redis;
    let Some(place) = redis.place() else {
        return Ok(None);
    };
    let tally = RedisTally::new(place).map_err(|(key, reason)| BuildError::Limits { key, reason })?;
    Ok(Some(SharedLimits::new(
        Arc::new(tally),
        redis.patience(),
        metrics.clone(),
    )))
}
