//! From names to the addresses that may be dialled: DNS is asked, its answer is judged, and only what passed gets to the connector.
//!
//! It is one and the same answer that is judged and dialled. So an entry in DNS that changes between the two ("DNS rebinding") gets
//! nowhere; the next connection has the name looked up and judged again.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::ClientBuilder;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use crate::egress::policy::Reach;

/// Gives the addresses of a name.
pub(super) type LookUp = fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

/// Resolves names under a rule.
pub(super) struct Resolver<L = LookUp> {
    /// Which names may stand for which addresses.
    reach: Arc<Reach>,
    /// Asks DNS.
    look_up: L,
}

/// Has a client's names resolved as this machine does, within `reach`.
pub(super) fn of_system(builder: ClientBuilder, reach: Reach) -> ClientBuilder {
    let look_up: LookUp = |name| {
        Box::pin(async move {
            // Each connection has its own port, which the connector puts in the place of this.
            Ok(lookup_host((name, 0)).await?.collect())
        })
    };
    builder.dns_resolver(Resolver::new(reach, look_up))
}

impl<L> Resolver<L> {
    pub(super) fn new(reach: Reach, look_up: L) -> Self {
        Self { reach: Arc::new(reach), look_up }
    }
}

impl<L> Resolve for Resolver<L>
where
    L: Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync,
{
    fn resolve(&self, name: Name) -> Resolving {
        let reach = Arc::clone(&self.reach);
        let alias = reach.alias.as_ref().filter(|(alias, _host)| alias == name.as_str());
        let name = alias.map_or_else(|| name.as_str(), |(_alias, host)| host.as_str()).to_owned();
        let found = (self.look_up)(name.clone());
        Box::pin(async move {
            let found = found.await?;
            let judged = reach.judge(&name, found)?;
            Ok(Box::new(judged.into_iter()) as Addrs)
        })
    }
}
