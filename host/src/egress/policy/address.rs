//! Which IP addresses a request may go to. A host's name says nothing about that: DNS does, and DNS is whoever's it is.
//!
//! The rule, in the order of trust. Where an admin typed an address, requests go there. The name in the datasource's own URL may
//! stand for any address but those where a machine or its cloud speaks with itself. Every other name has to be public.
//!
//! The tables are those of IANA, "IPv4 Special-Purpose Address Registry" and "IPv6 Special-Purpose Address Registry" (RFC 6890,
//! RFC 8190), and "Internet Protocol Version 6 Address Space": whatever is not globally reachable there, or is a way around that.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::Url;

use AddressKind::{
    Benchmarking, Broadcast, Documentation, LinkLocal, Loopback, Metadata, Multicast, Private,
    Reserved, Shared, Teredo, UniqueLocal, Unspecified,
};

#[cfg(test)]
mod tests;

/// What an address is for that is not public. Its `Display` reads as "a private address".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// No address in particular; systems take it for their own.
    Unspecified,
    /// This machine.
    Loopback,
    /// A network of somebody's own (RFC 1918).
    Private,
    /// Between a carrier and its customers (RFC 6598).
    Shared,
    /// The next cable, where clouds have their metadata services as well.
    LinkLocal,
    /// Where a cloud tells a machine about itself and hands out its credentials.
    Metadata,
    /// A network of somebody's own (RFC 4193).
    UniqueLocal,
    /// Many machines at once.
    Multicast,
    /// All machines of a network.
    Broadcast,
    /// In books alone.
    Documentation,
    /// In laboratories alone (RFC 2544, RFC 5180).
    Benchmarking,
    /// For something else, or for nothing yet.
    Reserved,
    /// A tunnel (RFC 4380) that ends at an IPv4 address which the sender chooses.
    Teredo,
}

/// The first that fits counts. Network, bits of it that count, kind.
static IPV4: [(Ipv4Addr, u32, AddressKind); 20] = [
    // Metadata services: of nearly every cloud, of Alibaba's, of Oracle's, and what Azure calls WireServer.
    (Ipv4Addr::new(169, 254, 169, 254), 32, Metadata),
    (Ipv4Addr::new(100, 100, 100, 200), 32, Metadata),
    (Ipv4Addr::new(192, 0, 0, 192), 32, Metadata),
    (Ipv4Addr::new(168, 63, 129, 16), 32, Metadata),
    (Ipv4Addr::new(0, 0, 0, 0), 8, Unspecified),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Shared),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Reserved),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Documentation),
    // The relays of 6to4, which are no more (RFC 7526).
    (Ipv4Addr::new(192, 88, 99, 0), 24, Reserved),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Benchmarking),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Documentation),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Documentation),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Multicast),
    (Ipv4Addr::new(255, 255, 255, 255), 32, Broadcast),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Reserved),
];

/// The first that fits counts; what none fits is public within 2000::/3, and reserved elsewhere.
static IPV6: [(Ipv6Addr, u32, AddressKind); 14] = [
    // Metadata services of Amazon's cloud and of Google's.
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32, Metadata),
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128, Metadata),
    (Ipv6Addr::UNSPECIFIED, 128, Unspecified),
    (Ipv6Addr::LOCALHOST, 128, Loopback),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, Teredo),
    (Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0), 48, Benchmarking),
    // The rest of what the IETF's protocols have.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Reserved),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Documentation),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Documentation),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, UniqueLocal),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, LinkLocal),
    // Site-local addresses, which were what unique local ones are (RFC 3879).
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, Private),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Multicast),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, Reserved),
];

impl AddressKind {
    /// What an address is for; none if it is a public one. What carries an IPv4 address is what that is.
    pub(in crate::egress) fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(address) => of_ipv4(address),
            IpAddr::V6(address) => match carried(address) {
                Some(carried) => of_ipv4(carried),
                None => of_ipv6(address),
            },
        }
    }

    /// Whether only the machine itself and its cloud have any business there. No name may stand for such an address, not even one
    /// that an admin typed: whoever can change its entry in DNS would get the machine's credentials.
    pub(super) fn is_of_machine(self) -> bool {
        matches!(self, LinkLocal | Metadata)
    }
}

fn of_ipv4(address: Ipv4Addr) -> Option<AddressKind> {
    let address = address.to_bits();
    let fits = |network: Ipv4Addr, length| (address ^ network.to_bits()) >> (32 - length) == 0;
    IPV4.iter().find(|(network, length, _)| fits(*network, *length)).map(|(_, _, kind)| *kind)
}

fn of_ipv6(address: Ipv6Addr) -> Option<AddressKind> {
    let bits = address.to_bits();
    let fits = |network: Ipv6Addr, length| (bits ^ network.to_bits()) >> (128 - length) == 0;
    let known = IPV6.iter().find(|(network, length, _)| fits(*network, *length));
    let is_global = fits(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
    known.map(|(_, _, kind)| *kind).or_else(|| (!is_global).then_some(Reserved))
}

/// The IPv4 address that a packet to an IPv6 address ends at: mapped (RFC 4291), compatible (the same), 6to4 (RFC 3056) and NAT64 by
/// its well-known prefix (RFC 6052).
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let ipv4 =
        |high: u16, low: u16| Some(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => ipv4(high, low),
        [0x2002, high, low, ..] => ipv4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => ipv4(high, low),
        _ => None,
    }
}

impl fmt::Display for AddressKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Unspecified => "an unspecified address",
            Loopback => "a loopback address",
            Private => "a private address",
            Shared => "a carrier's shared address",
            LinkLocal => "a link-local address",
            Metadata => "the address of a cloud's metadata service",
            UniqueLocal => "a unique local address",
            Multicast => "a multicast address",
            Broadcast => "the broadcast address",
            Documentation => "an address for documentation",
            Benchmarking => "an address for benchmarks",
            Reserved => "a reserved address",
            Teredo => "a Teredo address",
        })
    }
}

/// Which addresses names may stand for. A name that is not in it has to be public.
#[derive(Debug, Default)]
pub(in crate::egress) struct Reach {
    /// The name in the datasource's URL, or that of a proxy: whoever configured it knows which network it is in.
    pub(in crate::egress) own: Vec<String>,
    /// Names besides, each with an address that the admin typed for whatever ports the name may be asked at.
    pub(super) typed: Vec<(String, IpAddr)>,
    /// A name that is asked for in the place of another: the name that a certificate is for, and the host that has it.
    pub(in crate::egress) alias: Option<(String, String)>,
}

/// A name of which no address may be dialled; the first of them, and why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{name}' resolves to {address}, {kind}")]
pub(in crate::egress) struct NoAddress {
    /// The name.
    pub(in crate::egress) name: String,
    /// The address.
    pub(in crate::egress) address: IpAddr,
    /// What it is for.
    pub(in crate::egress) kind: AddressKind,
}

impl Reach {
    /// Of the host in a URL that the admin typed.
    pub(in crate::egress) fn of_own(url: &Url) -> Self {
        let own = url.domain().map(str::to_owned).into_iter().collect();
        Self { own, ..Self::default() }
    }

    /// Adds the names of proxies, which the environment configures.
    pub(in crate::egress) fn and_proxies(mut self, proxies: Vec<String>) -> Self {
        self.own.extend(proxies);
        self
    }

    /// The addresses among those of a name that may be dialled.
    pub(in crate::egress) fn judge(
        &self,
        name: &str,
        addresses: Vec<SocketAddr>,
    ) -> Result<Vec<SocketAddr>, NoAddress> {
        let mut refused = None;
        let allowed: Vec<_> = addresses
            .into_iter()
            .filter(|address| {
                let kind = AddressKind::of(address.ip());
                let kind = kind.filter(|kind| !self.may_stand_for(name, address.ip(), *kind));
                refused = refused.or(kind.map(|kind| (address.ip(), kind)));
                kind.is_none()
            })
            .collect();
        match refused {
            Some((address, kind)) if allowed.is_empty() => {
                Err(NoAddress { name: name.to_owned(), address, kind })
            }
            _ => Ok(allowed),
        }
    }

    /// Whether a name may stand for an address that is not public.
    fn may_stand_for(&self, name: &str, address: IpAddr, kind: AddressKind) -> bool {
        let is_same = |known: &String| known.eq_ignore_ascii_case(name);
        let is_typed = |(typed, is_at): &(String, IpAddr)| {
            is_same(typed) && is_at.to_canonical() == address.to_canonical()
        };
        !kind.is_of_machine() && (self.own.iter().any(is_same) || self.typed.iter().any(is_typed))
    }
}
