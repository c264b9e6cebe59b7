//! The domain that an NTLM challenge names ([MS-NLMP] section 2.2.1.2). NTLM is not spoken: nothing is sent to draw one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use netcheck_record::escape;

const SIGNATURE: &[u8] = b"NTLMSSP\0";
/// The message type of a challenge.
const CHALLENGE: u32 = 2;
/// `NTLMSSP_NEGOTIATE_UNICODE`: names are in UTF-16.
const UNICODE: u32 = 1;
/// The longest token that is read, and the longest name that is shown.
const LONGEST_TOKEN: usize = 8192;
const LONGEST_NAME: usize = 100;

/// The target name of a challenge: the domain or machine that would check the login.
pub(super) fn domain(token68: &str) -> Option<String> {
    let raw = (token68.len() <= LONGEST_TOKEN).then(|| STANDARD.decode(token68).ok())??;
    let number = |at: usize| Some(u32::from_le_bytes(*raw.get(at..)?.first_chunk()?));
    if !raw.starts_with(SIGNATURE) || number(8)? != CHALLENGE {
        return None;
    }
    let length = usize::from(u16::from_le_bytes(*raw.get(12..)?.first_chunk()?));
    let at = usize::try_from(number(16)?).ok()?;
    let name = raw.get(at..at.checked_add(length)?)?;
    let name = if number(20)? & UNICODE == 0 {
        String::from_utf8_lossy(name).into_owned()
    } else {
        let units = name.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    (!name.is_empty()).then(|| escape::line(&name, LONGEST_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(flags: u32, name: &[u8]) -> Vec<u8> {
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        let parts: [&[u8]; 8] = [
            SIGNATURE,
            &2u32.to_le_bytes(),
            &length,
            &length,
            &32u32.to_le_bytes(),
            &flags.to_le_bytes(),
            &[7; 8],
            name,
        ];
        parts.concat()
    }

    #[test]
    fn the_domain_of_a_challenge_is_read_in_either_encoding() {
        let wide: Vec<u8> = "CORP".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for message in [challenge(UNICODE, &wide), challenge(2, b"CORP")] {
            assert_eq!(domain(&STANDARD.encode(message)).as_deref(), Some("CORP"));
        }
    }

    #[test]
    fn what_is_no_whole_challenge_names_nothing() {
        let whole = challenge(2, b"CORP");
        for end in 0..whole.len() {
            assert_eq!(domain(&STANDARD.encode(&whole[..end])), None, "{end}");
        }
        let mut first = whole.clone();
        first[8] = 1;
        let mut far = whole.clone();
        far[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
        for message in [first, far, challenge(2, b"")] {
            assert_eq!(domain(&STANDARD.encode(message)), None);
        }
        assert_eq!(domain("no base64!"), None);
    }
}
