//! Files that a person, a flag or a setting names: read whole, and never further than a bound.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Reads a file of at most `most` bytes. What has no end, such as a device, is found out at the bound.
///
/// # Errors
/// It cannot be read, or is larger.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // One more than allowed shows that there is more.
    let bytes = beginning(path, most + 1)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!("larger than {}", size(most))));
    }
    Ok(bytes)
}

/// Reads the beginning of a file, `most` bytes of it: for settings, where a part is better than nothing.
///
/// # Errors
/// It cannot be read.
pub fn beginning(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a file of text of at most `most` bytes.
///
/// # Errors
/// It cannot be read, is larger, or is not UTF-8.
pub fn text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8 text"))
}

fn size(bytes: u64) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{} KiB", bytes >> 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_end_is_read_to_the_bound_and_refused() {
        let why = |most| read(Path::new("/dev/zero"), most).unwrap_err().to_string();
        assert_eq!((why(1 << 20), why(64 << 10)), ("larger than 1 MiB".into(), "larger than 64 KiB".into()));
        assert_eq!(read(Path::new("/dev/null"), 0).unwrap(), b"");
        assert_eq!(text(Path::new("/nowhere"), 1).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_of_exactly_the_bound_is_read() {
        let own = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/file.rs"));
        let length = std::fs::metadata(own).unwrap().len();
        assert_eq!(text(own, length).unwrap().len() as u64, length);
        assert!(read(own, length - 1).is_err());
    }
}
