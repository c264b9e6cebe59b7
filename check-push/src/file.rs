//! Files that flags name, read whole and bounded.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// It cannot be read, or is larger.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    // One more than allowed shows that there is more; a device file never ends.
    File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > limit {
        return Err(format!("larger than {} MiB", limit >> 20));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_end_is_not_read_to_its_end() {
        assert_eq!(read(Path::new("/dev/zero"), 1 << 20), Err("larger than 1 MiB".into()));
        assert_eq!(read(Path::new("/dev/null"), 1 << 20), Ok(Vec::new()));
        assert!(read(Path::new("/nowhere"), 1).is_err());
    }
}
