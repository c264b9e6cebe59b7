//! The process that started this one.

use crate::system;

/// Takes signals whatever mask was inherited, and has the system end this process with its parent `named`; a process
/// that is not the child of `named` goes on by itself.
///
/// # Errors
/// The parent has ended already.
pub fn follow(named: Option<u32>) -> Result<(), &'static str> {
    system::parent::follow(named)
}
