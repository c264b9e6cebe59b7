//! Users without numbers, the computer's name, and folders below the user's own.
#![expect(unsafe_code, reason = "no crate tells the computer's name; see the block")]

use std::io;
use std::path::Path;

use windows_sys::Win32::System::SystemInformation::{ComputerNamePhysicalDnsHostname, GetComputerNameExW};

pub(crate) fn id() -> u32 {
    0
}

pub(crate) fn host_name() -> String {
    let mut name = [0_u16; 256];
    let mut length = 256;
    // SAFETY: the system writes at most `length` units, terminator included, to the pointer, and `name` has that many; it
    // writes how many they were to `length`, which outlives the call.
    let told =
        unsafe { GetComputerNameExW(ComputerNamePhysicalDnsHostname, name.as_mut_ptr(), &raw mut length) };
    let length = usize::try_from(length).unwrap_or(0).min(name.len());
    if told == 0 { String::new() } else { String::from_utf16_lossy(&name[..length]) }
}

pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
    // The folder of temporary files is the user's own, and what is made in it inherits who may read it.
    std::fs::create_dir(folder)
}
