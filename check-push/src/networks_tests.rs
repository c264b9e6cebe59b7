use super::*;

fn built_in() -> Networks {
    Networks::built_in().unwrap_or_else(|why| panic!("{why}"))
}

fn at(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

fn place(networks: &Networks, owner: Owner, address: &str) -> Option<(String, Option<u32>)> {
    networks.place(owner, at(address)).map(|place| (place.prefix.to_string(), place.asn))
}

#[test]
fn an_address_is_held_against_the_published_block_and_numbered_by_the_longest() {
    let networks = built_in();
    assert_eq!(place(&networks, Owner::Apple, "17.57.144.10"), Some(("17.0.0.0/8".into(), Some(714))));
    assert_eq!(place(&networks, Owner::Apple, "17.253.2.1"), Some(("17.0.0.0/8".into(), Some(6185))));
    assert_eq!(place(&networks, Owner::Apple, "2620:149:208::1"), Some(("2620:149::/32".into(), Some(714))));
    for name_server in [
        "64.233.161.188",
        "74.125.200.188",
        "108.177.127.188",
        "142.250.101.188",
        "173.194.76.188",
        "2a00:1450:4010::bc",
        "2607:f8b0::1",
    ] {
        assert_eq!(networks.place(Owner::Google, at(name_server)).and_then(|place| place.asn), Some(15169));
    }
}

#[test]
fn an_address_of_somebody_else_is_in_none() {
    let networks = built_in();
    for address in ["127.0.0.1", "16.255.255.255", "18.0.0.0", "10.0.0.1", "::1", "2620:14a::1", "0.0.0.0"] {
        assert_eq!(place(&networks, Owner::Apple, address), None);
        assert_eq!(place(&networks, Owner::Google, address), None);
    }
    assert_eq!(place(&networks, Owner::Google, "17.57.144.10"), None);
    assert_eq!(networks.asn(at("17.57.144.10")), Some(714));
    assert_eq!(networks.asn(at("127.0.0.1")), None);
}

#[test]
fn an_address_behind_nat64_or_in_mapped_notation_is_the_ipv4_address_in_it() {
    let networks = built_in();
    assert!(place(&networks, Owner::Apple, "64:ff9b::17.57.144.10").is_some());
    assert!(place(&networks, Owner::Apple, "::ffff:17.57.144.10").is_some());
    assert!(place(&networks, Owner::Apple, "64:ff9b:1::17.57.144.10").is_none());
    assert_eq!(
        block(at("64:ff9b::17.57.144.10")).map(|net| net.to_string()).as_deref(),
        Some("17.57.0.0/16")
    );
    assert_eq!(block(at("2620:149:208::1")).map(|net| net.to_string()).as_deref(), Some("2620:149::/32"));
}

#[test]
fn a_newer_list_replaces_only_the_owners_it_names() {
    let mut networks = built_in();
    assert_eq!(networks.read(b"[apple AS64500]\n127.0.0.0/8\n".to_vec()), Ok(()));
    assert_eq!(place(&networks, Owner::Apple, "127.0.0.1"), Some(("127.0.0.0/8".into(), Some(64500))));
    assert_eq!(place(&networks, Owner::Apple, "17.57.144.10"), None);
    assert!(place(&networks, Owner::Google, "8.8.8.8").is_some());
    assert_eq!(networks.read(br#" {"prefixes":[{"ipv4Prefix":"127.0.0.0/8"}]}"#.to_vec()), Ok(()));
    assert_eq!(place(&networks, Owner::Google, "127.0.0.1"), Some(("127.0.0.0/8".into(), None)));
    assert_eq!(place(&networks, Owner::Google, "8.8.8.8"), None);
}

#[test]
fn what_is_neither_text_nor_a_database_is_refused() {
    let mut networks = built_in();
    assert_eq!(networks.read(vec![0xff, 0xfe]).err().as_deref(), Some("neither text nor an MMDB file"));
    let damaged = [&b"xx\xab\xcd\xefMaxMind.com"[..], &[0xff; 40]].concat();
    assert!(networks.read(damaged).is_err_and(|why| why.starts_with("damaged MMDB")));
    assert!(place(&networks, Owner::Apple, "17.57.144.10").is_some());
}

#[test]
fn a_database_speaks_for_google_and_numbers_apples_addresses() {
    let mut networks = built_in();
    assert_eq!(networks.read(database(&[([17, 57], 714), ([8, 8], 15169), ([127, 0], 15169)], true)), Ok(()));
    assert_eq!(place(&networks, Owner::Google, "127.0.0.1"), Some(("127.0.0.0/16".into(), Some(15169))));
    assert_eq!(place(&networks, Owner::Google, "74.125.200.188"), None);
    assert_eq!(place(&networks, Owner::Apple, "17.57.144.10"), Some(("17.57.0.0/16".into(), Some(714))));
    assert_eq!(place(&networks, Owner::Apple, "17.58.0.1"), Some(("17.0.0.0/8".into(), Some(714))));
}

#[test]
fn a_database_of_something_else_is_refused() {
    let mut networks = built_in();
    let why = networks.read(database(&[([8, 8], 0)], false)).err().unwrap_or_default();
    assert!(why.contains("without AS numbers"), "{why}");
}

#[test]
fn no_damage_to_a_database_makes_it_panic() {
    let whole = database(&[([17, 57], 714), ([8, 8], 15169)], true);
    for at in 0..whole.len() {
        for value in [0, 0x20, 0x7f, 0xe1, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] = value;
            let mut networks = built_in();
            if networks.read(damaged).is_ok() {
                let _ = networks.place(Owner::Google, IpAddr::from([8, 8, 8, 8]));
            }
        }
    }
}

/// A database of /16s of IPv4, written by the format's specification (MaxMind DB 2.0).
fn database(networks: &[([u8; 2], u16)], asns: bool) -> Vec<u8> {
    let (tree, nodes) = tree(networks, asns);
    let mut file = tree;
    file.extend([0; 16]);
    for (_, asn) in networks {
        file.extend(record(*asn, asns));
    }
    file.extend(b"\xab\xcd\xefMaxMind.com");
    file.extend(metadata(nodes));
    file
}

/// The search tree of 24-bit records: 16 levels for each network, sharing what they have in common.
fn tree(networks: &[([u8; 2], u16)], asns: bool) -> (Vec<u8>, u32) {
    let mut nodes: Vec<[Option<u32>; 2]> = vec![[None; 2]];
    let mut leaves = Vec::new();
    let mut offset = 0;
    for (prefix, asn) in networks {
        let bits = u16::from_be_bytes(*prefix);
        let mut node = 0_usize;
        for level in (1..16).rev() {
            let side = usize::from(bits >> level & 1);
            node = match nodes[node][side] {
                Some(next) => next as usize,
                None => {
                    nodes.push([None; 2]);
                    let next = nodes.len() - 1;
                    nodes[node][side] = Some(next as u32);
                    next
                }
            };
        }
        leaves.push((node, usize::from(bits & 1), offset));
        offset += record(*asn, asns).len() as u32;
    }
    let count = nodes.len() as u32;
    let mut values: Vec<[u32; 2]> =
        nodes.iter().map(|sides| sides.map(|side| side.unwrap_or(count))).collect();
    for (node, side, offset) in leaves {
        values[node][side] = count + 16 + offset;
    }
    (values.iter().flatten().flat_map(|value| value.to_be_bytes()[1..].to_vec()).collect(), count)
}

fn text(value: &str) -> Vec<u8> {
    let mut field = match value.len() {
        length @ 0..29 => vec![0x40 | length as u8],
        length => vec![0x40 | 29, (length - 29) as u8],
    };
    field.extend(value.bytes());
    field
}

fn record(asn: u16, asns: bool) -> Vec<u8> {
    match (asns, asn) {
        (true, 15169) => [vec![0xe1], text("asn"), text("AS15169")].concat(),
        (true, _) => [&[0xe1][..], &text("autonomous_system_number"), &[0xc2], &asn.to_be_bytes()].concat(),
        (false, _) => [&[0xe1][..], &text("geoname_id"), &[0xc2], &asn.to_be_bytes()].concat(),
    }
}

fn metadata(nodes: u32) -> Vec<u8> {
    let short = |key: &str, value: u16| [&text(key)[..], &[0xa2], &value.to_be_bytes()].concat();
    [
        vec![0xe9],
        [&text("node_count")[..], &[0xc4], &nodes.to_be_bytes()].concat(),
        short("record_size", 24),
        short("ip_version", 4),
        [text("database_type"), text("Test-ASN")].concat(),
        [text("languages"), vec![0x00, 0x04]].concat(),
        short("binary_format_major_version", 2),
        short("binary_format_minor_version", 0),
        [&text("build_epoch")[..], &[0x01, 0x02, 1]].concat(),
        [text("description"), vec![0xe0]].concat(),
    ]
    .concat()
}
