//! WPAD: where the network itself says that a proxy script is, by DHCP (option 252) and by DNS (`wpad.DOMAIN`).

use std::net::Ipv4Addr;

use netcheck_record::escape;

/// The magic of DHCP options (RFC 2132 section 2).
const MAGIC: [u8; 4] = [99, 130, 83, 99];
/// The option that holds the script's URL.
const OPTION: u8 = 252;
/// DHCPINFORM and DHCPACK.
const INFORM: u8 = 8;
const ACK: u8 = 5;
/// The fixed part of a message.
const FIXED: usize = 236;

/// DHCPINFORM (RFC 2131 section 4.4.3) from a machine that has its address and asks for option 252.
#[must_use]
pub fn inform(own: Ipv4Addr, id: u32) -> Vec<u8> {
    let mut message = vec![0; FIXED];
    // BOOTREQUEST over Ethernet.
    message[..3].copy_from_slice(&[1, 1, 6]);
    message[4..8].copy_from_slice(&id.to_be_bytes());
    message[12..16].copy_from_slice(&own.octets());
    // A hardware address that no card has, locally administered: nothing here needs ours.
    message[28..34].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
    message.extend(MAGIC);
    message.extend([53, 1, INFORM, 55, 1, OPTION, 255]);
    message
}

/// The URL in the answer to [`inform`], if this is it and it has one.
#[must_use]
pub fn announced(raw: &[u8], id: u32) -> Option<String> {
    if raw.first() != Some(&2) || raw.get(4..8)? != id.to_be_bytes() || raw.get(FIXED..FIXED + 4)? != MAGIC {
        return None;
    }
    let mut rest = raw.get(FIXED + 4..)?;
    let (mut kind, mut url) = (0, Vec::new());
    while let Some((code, after)) = rest.split_first() {
        match code {
            0 => rest = after,
            255 => break,
            _ => {
                let (length, after) = after.split_first()?;
                let (value, after) = after.split_at_checked(usize::from(*length))?;
                match *code {
                    53 => kind = *value.first()?,
                    // A long option comes in several pieces (RFC 3396).
                    OPTION => url.extend_from_slice(value),
                    _ => {}
                }
                rest = after;
            }
        }
    }
    let url = String::from_utf8(url).ok()?;
    let url = url.trim_matches(['\0', ' ', '\n', '\r']);
    (kind == ACK && url.starts_with("http") && url == escape::line(url, 1000)).then(|| url.to_owned())
}

/// The URLs to be tried by DNS, for a machine with this search list: never above the last two labels.
#[must_use]
pub fn candidates(search: &[String]) -> Vec<String> {
    let mut urls = Vec::new();
    for domain in search {
        let labels: Vec<&str> = domain.split('.').filter(|label| !label.is_empty()).collect();
        for at in 0..labels.len().saturating_sub(1) {
            let url = format!("http://wpad.{}/wpad.dat", labels.get(at..).unwrap_or_default().join("."));
            if !urls.contains(&url) && urls.len() < 6 {
                urls.push(url);
            }
        }
    }
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(id: u32, options: &[u8]) -> Vec<u8> {
        let mut raw = inform(Ipv4Addr::new(10, 0, 0, 2), id);
        raw[0] = 2;
        raw.truncate(FIXED + 4);
        raw.extend_from_slice(options);
        raw
    }

    #[test]
    fn an_announced_script_is_read_from_its_own_answer_only() {
        let url = b"http://wpad.lab.test/p.pac";
        let mut options = vec![53, 1, ACK, 0, OPTION, 20];
        options.extend_from_slice(&url[..20]);
        options.extend([OPTION, 7]);
        options.extend_from_slice(&url[20..]);
        options.extend([0, 255]);
        assert_eq!(announced(&answer(7, &options), 7).as_deref(), Some("http://wpad.lab.test/p.pac"));
        assert_eq!(announced(&answer(8, &options), 7), None);
        assert_eq!(announced(&answer(7, &[53, 1, ACK, 255]), 7), None);
        assert_eq!(announced(&answer(7, &[53, 1, ACK, OPTION, 200, 1]), 7), None);
        assert_eq!(announced(&inform(Ipv4Addr::LOCALHOST, 7), 7), None);
    }

    #[test]
    fn names_are_looked_for_below_two_labels_only() {
        let list = ["a.b.corp.test".to_owned(), "corp.test".to_owned(), "test".to_owned()];
        assert_eq!(
            candidates(&list),
            [
                "http://wpad.a.b.corp.test/wpad.dat",
                "http://wpad.b.corp.test/wpad.dat",
                "http://wpad.corp.test/wpad.dat"
            ]
        );
    }
}
