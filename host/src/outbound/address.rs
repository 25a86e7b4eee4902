//! Which addresses a request may go to. Pure: an address is classified by its bits alone.
//!
//! Only what is meant for everybody on the internet is public. What is not known to be public is not.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where the name in an origin may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// To public addresses, as every name.
    Public,
    /// To this host's loopback: `localhost`, by which that is granted.
    Loopback,
    /// Anywhere: the origin is an address itself, or the operator lists it among the private ones.
    Anywhere,
}

/// What keeps an address from being public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `0.0.0.0/8` and `::`.
    Unspecified,
    /// `127.0.0.0/8` and `::1`.
    Loopback,
    /// `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`, `fc00::/7` and `fec0::/10`.
    Private,
    /// `100.64.0.0/10`: behind the translation of a provider.
    Shared,
    /// `169.254.0.0/16` and `fe80::/10`.
    LinkLocal,
    /// Where clouds tell a machine its credentials.
    Metadata,
    /// `224.0.0.0/4` and `ff00::/8`.
    Multicast,
    /// For examples in documents.
    Documentation,
    /// For benchmarks of networks.
    Benchmark,
    /// For protocols or the future, or for nothing.
    Reserved,
    /// An address of this host.
    Own,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "an unspecified address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::Shared => "an address shared by a provider",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a metadata service",
            Self::Multicast => "a multicast address",
            Self::Documentation => "an address for documentation",
            Self::Benchmark => "an address for benchmarks",
            Self::Reserved => "a reserved address",
            Self::Own => "an address of this host",
        })
    }
}

impl Reach {
    /// Returns nothing if a request may go to the address, and otherwise what keeps it from that.
    pub(super) fn check(self, address: IpAddr) -> Result<(), Kind> {
        match (self, not_public(address)) {
            (Self::Anywhere, _) | (Self::Loopback, Some(Kind::Loopback)) => Ok(()),
            (_, Some(kind)) => Err(kind),
            (_, None) if leads_here(address) => Err(Kind::Own),
            (Self::Loopback, None) => Err(Kind::Reserved),
            (Self::Public, None) => Ok(()),
        }
    }
}

/// Whether the address is one of this host: then the system would send from it. Nothing is sent to find out.
fn is_own(address: IpAddr) -> bool {
    let unspecified: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // What cannot be asked may be so; what has no way to it is not.
    let Ok(socket) = std::net::UdpSocket::bind((unspecified, 0)) else { return true };
    let from = socket.connect((address, 9)).and_then(|()| socket.local_addr());
    from.is_ok_and(|from| from.ip() == address)
}

/// Whether an address is this host's own, by itself or by the IPv4 address inside it.
fn leads_here(address: IpAddr) -> bool {
    let inside = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => inside(address),
    };
    is_own(address) || inside.is_some_and(|inside| is_own(inside.into()))
}

/// What keeps an address from being public; `None` if nothing does.
fn not_public(address: IpAddr) -> Option<Kind> {
    match address {
        IpAddr::V4(address) => not_public_v4(address),
        IpAddr::V6(address) => not_public_v6(address),
    }
}

fn not_public_v4(address: Ipv4Addr) -> Option<Kind> {
    let kind = match address.octets() {
        // The first is the usual one, the second that of Azure, which lies among the public ones.
        [169, 254, 169, 254] | [168, 63, 129, 16] => Kind::Metadata,
        [0, ..] => Kind::Unspecified,
        [127, ..] => Kind::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Kind::Private,
        [100, 64..=127, ..] => Kind::Shared,
        [169, 254, ..] => Kind::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Kind::Documentation,
        [198, 18..=19, ..] => Kind::Benchmark,
        [224..=239, ..] => Kind::Multicast,
        [192, 0, 0, _] | [192, 88, 99, _] | [240..=255, ..] => Kind::Reserved,
        _ => return None,
    };
    Some(kind)
}

fn not_public_v6(address: Ipv6Addr) -> Option<Kind> {
    let is_special = address.is_unspecified() || address.is_loopback();
    if let Some(inside) = inside(address).filter(|_| !is_special) {
        return not_public_v4(inside);
    }
    let kind = match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Kind::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Loopback,
        // Teredo: a server, and a client with all bits turned over.
        [0x2001, 0, server_high, server_low, .., high, low] => {
            return not_public_v4(embedded(server_high, server_low))
                .or(not_public_v4(embedded(!high, !low)));
        }
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254] => Kind::Metadata,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Kind::Private,
        [0xfe80..=0xfebf, ..] => Kind::LinkLocal,
        [0xff00..=0xffff, ..] => Kind::Multicast,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Kind::Documentation,
        [0x2001, 2, 0, ..] => Kind::Benchmark,
        // Protocols have the first of these; of the rest only 2000::/3 is given out at all.
        [0x2001, 0..=0x1ff, ..] | [0..=0x1fff | 0x4000..=0xffff, ..] => Kind::Reserved,
        _ => return None,
    };
    Some(kind)
}

/// The IPv4 address that an IPv6 one leads to.
fn inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        // Mapped, compatible, translated (RFC 2765), NAT64 and 6to4.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(embedded(high, low)),
        _ => None,
    }
}

/// The IPv4 address in two parts of an IPv6 one.
fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(address: &str) -> Option<Kind> {
        not_public(address.parse().unwrap())
    }

    #[test]
    fn an_address_for_everybody_is_public() {
        for address in [
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "2606:4700::1",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert_eq!(kind(address), None, "{address}");
        }
    }

    #[test]
    fn every_range_that_is_not_for_everybody_is_known_by_its_kind() {
        for (address, expected) in [
            ("0.0.0.0", Kind::Unspecified),
            ("0.1.2.3", Kind::Unspecified),
            ("127.0.0.1", Kind::Loopback),
            ("127.255.255.255", Kind::Loopback),
            ("10.0.0.1", Kind::Private),
            ("172.16.0.1", Kind::Private),
            ("172.31.255.255", Kind::Private),
            ("192.168.1.1", Kind::Private),
            ("100.64.0.1", Kind::Shared),
            ("100.100.100.200", Kind::Shared),
            ("169.254.0.1", Kind::LinkLocal),
            ("169.254.169.254", Kind::Metadata),
            ("168.63.129.16", Kind::Metadata),
            ("192.0.0.1", Kind::Reserved),
            ("192.0.2.1", Kind::Documentation),
            ("198.51.100.1", Kind::Documentation),
            ("203.0.113.1", Kind::Documentation),
            ("198.18.0.1", Kind::Benchmark),
            ("198.19.255.255", Kind::Benchmark),
            ("224.0.0.1", Kind::Multicast),
            ("240.0.0.1", Kind::Reserved),
            ("255.255.255.255", Kind::Reserved),
            ("::", Kind::Unspecified),
            ("::1", Kind::Loopback),
            ("fd12::1", Kind::Private),
            ("fc00::1", Kind::Private),
            ("fec0::1", Kind::Private),
            ("fd00:ec2::254", Kind::Metadata),
            ("fe80::1", Kind::LinkLocal),
            ("ff02::1", Kind::Multicast),
            ("2001:db8::1", Kind::Documentation),
            ("3fff::1", Kind::Documentation),
            ("2001:2::1", Kind::Benchmark),
            ("2001:20::1", Kind::Reserved),
            ("100::1", Kind::Reserved),
            ("64:ff9b:1::1", Kind::Reserved),
            ("4000::1", Kind::Reserved),
            ("5f00::1", Kind::Reserved),
        ] {
            assert_eq!(kind(address), Some(expected), "{address}");
        }
    }

    #[test]
    fn an_address_inside_another_counts() {
        for address in [
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:7f00:1::808:808",
            // The client of a Teredo address is written with its bits turned over.
            "2001:0:808:808:0:0:80ff:fffe",
        ] {
            assert_eq!(kind(address), Some(Kind::Loopback), "{address}");
        }
        assert_eq!(kind("::ffff:169.254.169.254"), Some(Kind::Metadata));
        assert_eq!(kind("64:ff9b::a00:1"), Some(Kind::Private));
    }

    #[test]
    fn localhost_leads_to_the_loopback_and_nowhere_else() {
        let check = |address: &str| Reach::Loopback.check(address.parse().unwrap());
        assert_eq!(check("127.0.0.1"), Ok(()));
        assert_eq!(check("::1"), Ok(()));
        assert_eq!(check("10.0.0.1"), Err(Kind::Private));
        assert_eq!(check("8.8.8.8"), Err(Kind::Reserved));
    }

    #[test]
    fn an_address_that_is_granted_by_name_is_reached() {
        assert_eq!(Reach::Anywhere.check("169.254.169.254".parse().unwrap()), Ok(()));
    }

    #[test]
    fn this_hosts_own_address_is_known_by_the_way_to_it() {
        assert!(is_own("127.0.0.1".parse().unwrap()));
        assert!(!is_own("192.0.2.1".parse().unwrap()));
    }
}
