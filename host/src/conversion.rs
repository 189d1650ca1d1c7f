//! One conversion, from start to end: queries that an earlier version of a guest's editor saved, in the shape of today.

use tokio::time::Instant;

use crate::datasource::{self, RawSettings, Registry};
use crate::query::Error;

/// Has the guest of these settings migrate each query. One that cannot be migrated fails all: whoever asked must not take
/// some for new that are old.
pub async fn migrate(
    registry: &Registry,
    settings: &RawSettings,
    models: Vec<String>,
    deadline: Instant,
) -> Result<Vec<String>, Error> {
    let guest = settings.guest().map_err(datasource::Error::from)?;
    let guest = registry.guests().find(&guest, deadline).await?;
    let allowance = registry.allow(deadline);
    let mut migrated = Vec::with_capacity(models.len());
    for model in models {
        migrated.push(guest.migrate(model, &allowance).await?);
    }
    Ok(migrated)
}
