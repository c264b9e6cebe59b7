//! Programs in process groups of their own, which Ctrl-Break reaches, and in a job that ends with this process.
#![expect(unsafe_code, reason = "no crate offers jobs and console events; see each block")]

use std::os::windows::io::AsRawHandle;
use std::os::windows::process::CommandExt;
use std::process::{Child, Command};
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
};
use windows_sys::Win32::System::Threading::CREATE_NEW_PROCESS_GROUP;

/// The number of the job's handle: never closed, so the system closes it when this process ends, however it ends.
static JOB: OnceLock<usize> = OnceLock::new();

pub(crate) fn prepare(command: &mut Command) {
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

pub(crate) fn keep(child: &Child) {
    let job = *JOB.get_or_init(|| make_job() as usize) as HANDLE;
    if !job.is_null() {
        // SAFETY: both handles are open: the job's is never closed, the child's is while `child` is borrowed. A system that
        // refuses lets the program go on by itself.
        unsafe { AssignProcessToJobObject(job, child.as_raw_handle()) };
    }
}

/// A job whose processes end with its last handle; null where the system makes none.
fn make_job() -> HANDLE {
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    let length = u32::try_from(size_of_val(&limits)).unwrap_or(0);
    // SAFETY: null means no attributes and no name; the result is a handle or null.
    let job = unsafe { CreateJobObjectW(std::ptr::null(), std::ptr::null()) };
    if !job.is_null() {
        // SAFETY: the handle is the one just made; the system reads `length` bytes, the size of `limits`, which outlives the
        // call.
        unsafe {
            SetInformationJobObject(
                job,
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                length,
            )
        };
    }
    job
}

pub(crate) fn ask_to_end(child: &mut Child) {
    // SAFETY: the call takes numbers alone; the group's number is its first process's, which has not been waited for.
    let sent = unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, child.id()) };
    if sent == 0 {
        // Without a console nothing can be asked.
        let _ = child.kill();
    }
}
