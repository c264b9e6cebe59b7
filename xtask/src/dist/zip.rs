//! A ZIP archive (APPNOTE.TXT 6.3): deflated files in order, one time for all, so always the same bytes.

use std::io::{self, Write};

use flate2::{Compression, Crc, write::DeflateEncoder};
use jiff::Timestamp;

use super::tree::Tree;

/// What the signatures of the three records are.
const FILE: u32 = 0x0403_4b50;
const ENTRY: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
/// Version 2.0 has folders and deflate; the upper byte of who made it says Unix, which gives modes a meaning.
const NEEDED: u16 = 20;
const MADE_BY: u16 = 3 << 8 | NEEDED;
/// Bit 11: names are UTF-8. Method 8 is deflate.
const FLAGS: u16 = 1 << 11;
const DEFLATE: u16 = 8;

/// The archive; every entry is `epoch` seconds after 1970.
///
/// # Errors
/// A file that is too large for the format.
pub(crate) fn archive(files: &Tree, prefix: &str, epoch: u64) -> Result<Vec<u8>, String> {
    let moment = moment(epoch)?;
    let (mut bytes, mut directory, mut count) = (Vec::new(), Vec::new(), 0_u16);
    for (path, mode, contents) in files.entries() {
        let name = format!("{prefix}{path}");
        let packed = deflate(contents).map_err(|why| format!("packing {path}: {why}"))?;
        let mut crc = Crc::new();
        crc.update(contents);
        let at = size(bytes.len())?;
        let about = [crc.sum(), size(packed.len())?, size(contents.len())?].map(u32::to_le_bytes).concat();
        let length = u16::try_from(name.len()).map_err(|_| format!("{name}: the name is too long"))?;

        let mut common = [NEEDED, FLAGS, DEFLATE].map(u16::to_le_bytes).concat();
        common.extend(moment.to_le_bytes());
        common.extend(about);
        common.extend(length.to_le_bytes());
        // No extra field.
        common.extend(0_u16.to_le_bytes());

        bytes.extend(FILE.to_le_bytes());
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(packed);

        directory.extend(ENTRY.to_le_bytes());
        directory.extend(MADE_BY.to_le_bytes());
        directory.extend(common);
        // No comment, the first disk, no attributes of Windows'.
        directory.extend([0_u16; 3].map(u16::to_le_bytes).concat());
        directory.extend((mode << 16).to_le_bytes());
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
        count = count.checked_add(1).ok_or("too many files for a ZIP archive")?;
    }
    let (at, length) = (size(bytes.len())?, size(directory.len())?);
    bytes.extend(directory);
    bytes.extend(END.to_le_bytes());
    bytes.extend([0, 0, count, count].map(u16::to_le_bytes).concat());
    bytes.extend([length, at].map(u32::to_le_bytes).concat());
    bytes.extend(0_u16.to_le_bytes());
    Ok(bytes)
}

fn size(bytes: usize) -> Result<u32, String> {
    u32::try_from(bytes).map_err(|_| "too large for a ZIP archive".to_owned())
}

fn deflate(contents: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
    packer.write_all(contents)?;
    packer.finish()
}

/// The time and, above it, the date as MS-DOS writes them: to two seconds, from 1980 on.
fn moment(epoch: u64) -> Result<u32, String> {
    let at = i64::try_from(epoch).ok().and_then(|at| Timestamp::from_second(at).ok());
    let at = at.ok_or("a time beyond all calendars")?.to_zoned(jiff::tz::TimeZone::UTC);
    let bits = |number: i64, shift: u32| u32::try_from(number).unwrap_or(0) << shift;
    let date = bits(i64::from(at.year()) - 1980, 9) | bits(at.month().into(), 5) | bits(at.day().into(), 0);
    let time = bits(at.hour().into(), 11) | bits(at.minute().into(), 5) | bits((at.second() / 2).into(), 0);
    Ok(date << 16 | time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::tree::PROGRAM;

    #[test]
    fn a_moment_is_written_as_ms_dos_writes_it() {
        // 2024-02-03 04:05:06 UTC.
        assert_eq!(moment(1_706_933_106), Ok(44 << 25 | 2 << 21 | 3 << 16 | 4 << 11 | 5 << 5 | 3));
    }

    #[test]
    fn an_archive_is_the_same_each_time_and_ends_with_its_directory() {
        let mut tree = Tree::default();
        tree.add("bin/a.exe", PROGRAM, "contents");
        tree.add("b.txt", 0o644, "");
        let made = archive(&tree, "netcheck/", 1_706_933_106).unwrap();
        assert_eq!(made, archive(&tree, "netcheck/", 1_706_933_106).unwrap());
        let end = &made[made.len() - 22..];
        assert_eq!((&end[..4], &end[8..12]), (&END.to_le_bytes()[..], &[2, 0, 2, 0][..]));
        let at = usize::try_from(u32::from_le_bytes(end[16..20].try_into().unwrap())).unwrap();
        assert_eq!(made[at..at + 4], ENTRY.to_le_bytes());
    }
}
