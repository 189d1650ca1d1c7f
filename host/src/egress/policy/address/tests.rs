//! What each address is for, in every spelling, and which of them a name may stand for.

use url::Url;

use super::*;
use crate::egress::policy::hosts::address_of;

fn kind(address: &str) -> Option<AddressKind> {
    AddressKind::of(address.parse().unwrap())
}

#[test]
fn each_range_that_is_not_public_is_known_from_its_first_address_to_its_last() {
    for (first, last, expected) in [
        ("0.0.0.0", "0.255.255.255", Unspecified),
        ("10.0.0.0", "10.255.255.255", Private),
        ("100.64.0.0", "100.127.255.255", Shared),
        ("127.0.0.0", "127.255.255.255", Loopback),
        ("169.254.0.0", "169.254.255.255", LinkLocal),
        ("172.16.0.0", "172.31.255.255", Private),
        ("192.0.0.0", "192.0.0.255", Reserved),
        ("192.0.2.0", "192.0.2.255", Documentation),
        ("192.88.99.0", "192.88.99.255", Reserved),
        ("192.168.0.0", "192.168.255.255", Private),
        ("198.18.0.0", "198.19.255.255", Benchmarking),
        ("198.51.100.0", "198.51.100.255", Documentation),
        ("203.0.113.0", "203.0.113.255", Documentation),
        ("224.0.0.0", "239.255.255.255", Multicast),
        ("240.0.0.0", "255.255.255.254", Reserved),
        ("::", "::", Unspecified),
        ("::1", "::1", Loopback),
        ("100::", "100::ffff:ffff:ffff:ffff", Reserved),
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", Reserved),
        ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", Teredo),
        ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", Benchmarking),
        ("2001:10::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Documentation),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Documentation),
        ("4000::", "5fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved),
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", UniqueLocal),
        ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", LinkLocal),
        ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Private),
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Multicast),
    ] {
        assert_eq!((kind(first), kind(last)), (Some(expected), Some(expected)), "{first} {last}");
    }
}

#[test]
fn the_neighbours_of_those_ranges_are_public() {
    for address in [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "8.8.8.8",
        "2000::",
        "2001:200::",
        "2001:4860:4860::8888",
        "2003::1",
        "2606:4700::1111",
        "3ffe::1",
    ] {
        assert_eq!(kind(address), None, "{address}");
    }
}

#[test]
fn where_a_cloud_hands_out_credentials_is_known_by_its_address() {
    for address in [
        "169.254.169.254",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    ] {
        assert_eq!(kind(address), Some(Metadata), "{address}");
    }
    assert_eq!(kind("255.255.255.255"), Some(Broadcast));
}

#[test]
fn what_carries_an_ipv4_address_is_what_that_is() {
    for (address, expected) in [
        ("::ffff:169.254.169.254", Some(Metadata)),
        ("::ffff:a9fe:1", Some(LinkLocal)),
        ("::ffff:127.0.0.1", Some(Loopback)),
        ("::ffff:8.8.8.8", None),
        ("::10.0.0.1", Some(Private)),
        ("::8.8.8.8", None),
        ("::2", Some(Unspecified)),
        ("2002:a9fe:a9fe::1", Some(Metadata)),
        ("2002:7f00:1::", Some(Loopback)),
        ("2002:808:808::1", None),
        ("64:ff9b::192.168.0.1", Some(Private)),
        ("64:ff9b::8.8.8.8", None),
        // IPv4-translated (RFC 2765), which nothing on the internet carries.
        ("::ffff:0:8.8.8.8", Some(Reserved)),
    ] {
        assert_eq!(kind(address), expected, "{address}");
    }
}

#[test]
fn an_address_in_a_url_is_the_same_in_every_spelling() {
    for (url, address, expected) in [
        ("http://2852039166/", "169.254.169.254", Metadata),
        ("http://0xa9fea9fe/", "169.254.169.254", Metadata),
        ("http://0251.0376.0251.0376/", "169.254.169.254", Metadata),
        ("http://169.254.43518/", "169.254.169.254", Metadata),
        ("http://0x7f.1/", "127.0.0.1", Loopback),
        ("http://127.1:80/", "127.0.0.1", Loopback),
        ("http://017700000001/", "127.0.0.1", Loopback),
        ("http://127.0.0.1./", "127.0.0.1", Loopback),
        ("http://127%2e0.0.1/", "127.0.0.1", Loopback),
        ("http://１２７。０。０。１/", "127.0.0.1", Loopback),
        ("http://①②⑦.0.0.1/", "127.0.0.1", Loopback),
        ("http://0/", "0.0.0.0", Unspecified),
        ("http://[::ffff:a9fe:a9fe]/", "::ffff:169.254.169.254", Metadata),
        ("http://[::FFFF:169.254.169.254]/", "::ffff:169.254.169.254", Metadata),
        ("http://[0:0:0:0:0:0:0:1]/", "::1", Loopback),
        ("http://[fe80::1]/", "fe80::1", LinkLocal),
    ] {
        let url = Url::parse(url).unwrap();
        let found = url.host().as_ref().and_then(address_of);
        assert_eq!(found, Some(address.parse().unwrap()), "{url}");
        assert_eq!(found.and_then(AddressKind::of), Some(expected), "{url}");
    }
}

fn reach(own: &[&str], typed: &[(&str, &str)]) -> Reach {
    Reach {
        own: own.iter().map(|&name| name.to_owned()).collect(),
        typed: typed.iter().map(|(name, at)| ((*name).to_owned(), at.parse().unwrap())).collect(),
        alias: None,
    }
}

/// The addresses that a name with these may be dialled at.
fn judge(reach: &Reach, name: &str, addresses: &[&str]) -> Result<Vec<String>, NoAddress> {
    let addresses = addresses.iter().map(|at| SocketAddr::new(at.parse().unwrap(), 0));
    let judged = reach.judge(name, addresses.collect())?;
    Ok(judged.iter().map(|address| address.ip().to_string()).collect())
}

#[test]
fn the_own_name_may_stand_for_any_address_but_the_machines() {
    let reach = reach(&["api.internal"], &[]);
    for address in ["10.0.0.7", "127.0.0.1", "::1", "fd12::1", "100.64.0.1", "8.8.8.8"] {
        assert_eq!(judge(&reach, "API.internal", &[address]).unwrap(), [address]);
    }
    for address in ["169.254.0.1", "169.254.169.254", "fe80::1", "fd00:ec2::254"] {
        let refused = judge(&reach, "api.internal", &[address]).unwrap_err();
        assert_eq!(refused.address.to_string(), address);
        assert!(refused.kind.is_of_machine());
    }
}

#[test]
fn any_other_name_stands_for_public_addresses_or_for_what_was_typed() {
    let reach = reach(&["api.internal"], &[("login.corp", "10.0.0.7")]);
    assert_eq!(judge(&reach, "api.example", &["8.8.8.8"]).unwrap(), ["8.8.8.8"]);
    assert_eq!(judge(&reach, "login.corp", &["10.0.0.7"]).unwrap(), ["10.0.0.7"]);
    assert_eq!(judge(&reach, "login.corp", &["::ffff:10.0.0.7"]).unwrap(), ["::ffff:10.0.0.7"]);
    let refused = judge(&reach, "login.corp", &["10.0.0.8"]).unwrap_err();
    assert_eq!(refused.to_string(), "'login.corp' resolves to 10.0.0.8, a private address");
    assert!(judge(&reach, "other.corp", &["10.0.0.7"]).is_err());
    assert!(judge(&reach, "sub.api.internal", &["10.0.0.7"]).is_err());
}

#[test]
fn of_several_addresses_those_that_are_refused_are_left_out() {
    let reach = reach(&["api.internal"], &[]);
    let found = ["10.0.0.7", "8.8.8.8", "::1", "2606:4700::1111"];
    assert_eq!(judge(&reach, "api.example", &found).unwrap(), ["8.8.8.8", "2606:4700::1111"]);
    let found = ["169.254.169.254", "10.0.0.7"];
    assert_eq!(judge(&reach, "api.internal", &found).unwrap(), ["10.0.0.7"]);
    let refused = judge(&reach, "api.example", &["192.168.1.1", "127.0.0.1"]).unwrap_err();
    assert_eq!(refused.address.to_string(), "192.168.1.1", "the first is named");
}
