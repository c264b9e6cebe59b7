//! Whatever a resolver sends, reading it ends well and keeps little.

use hickory_proto::rr::rdata::{A, CNAME};
use hickory_proto::rr::{RData, Record};
use proptest::prelude::*;

use super::*;

const NAME: &str = "eu-channel.spotme.com";
const ID: u16 = 0x1234;

fn is_bounded(reply: &Reply) -> bool {
    let texts = reply.extended.iter().map(|extended| &extended.text).chain(&reply.aliases);
    reply.addresses.len() <= MOST
        && reply.aliases.len() <= CHAIN
        && reply.extended.len() <= 8
        && texts.clone().all(|text| text.len() <= 4096 && !text.chars().any(char::is_control))
}

/// An answer as resolvers give it: an alias, and addresses of it.
fn good(addresses: usize) -> Vec<u8> {
    let question = question(NAME, RecordType::A, ID, true).unwrap();
    let mut message = Message::from_vec(&question).unwrap();
    message.metadata.message_type = MessageType::Response;
    let name = Name::from_ascii(format!("{NAME}.")).unwrap();
    let alias = Name::from_ascii("lb.example.net.").unwrap();
    message.add_answer(Record::from_rdata(name, 60, RData::CNAME(CNAME(alias.clone()))));
    for number in 0..addresses {
        let octets = u32::try_from(number).unwrap().to_be_bytes();
        let address = A::from(std::net::Ipv4Addr::from(octets));
        message.add_answer(Record::from_rdata(alias.clone(), 60, RData::A(address)));
    }
    message.to_vec().unwrap()
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(raw in any::<Vec<u8>>()) {
        if let Ok(reply) = answer(&raw, NAME, RecordType::A, ID) {
            prop_assert!(is_bounded(&reply));
        }
    }

    #[test]
    fn any_bytes_behind_the_right_header_are_read_without_harm(counts in any::<[u8; 8]>(), rest in any::<Vec<u8>>()) {
        let raw = [&ID.to_be_bytes()[..], &[0x81, 0x80], &counts, &rest].concat();
        if let Ok(reply) = answer(&raw, NAME, RecordType::A, ID) {
            prop_assert!(is_bounded(&reply));
        }
    }

    #[test]
    fn an_answer_with_wrong_bytes_is_read_without_harm(
        faults in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        end in any::<prop::sample::Index>(),
    ) {
        let mut raw = good(3);
        for (at, byte) in faults {
            let at = at.index(raw.len());
            raw[at] = byte;
        }
        raw.truncate(end.index(raw.len()) + 1);
        if let Ok(reply) = answer(&raw, NAME, RecordType::A, ID) {
            prop_assert!(is_bounded(&reply));
        }
    }

    #[test]
    fn of_many_addresses_some_are_kept(count in 0usize..500) {
        let reply = answer(&good(count), NAME, RecordType::A, ID).unwrap();
        prop_assert_eq!(reply.addresses.len(), count.min(MOST));
        prop_assert_eq!(reply.aliases, ["lb.example.net"]);
    }
}

#[test]
fn another_id_or_another_question_is_not_ours() {
    let raw = good(1);
    assert_eq!(answer(&raw, NAME, RecordType::A, ID + 1), Err(Unfit::NotOurs));
    assert_eq!(answer(&raw, "other.example", RecordType::A, ID), Err(Unfit::NotOurs));
    assert_eq!(answer(&raw, NAME, RecordType::AAAA, ID), Err(Unfit::NotOurs));
}
