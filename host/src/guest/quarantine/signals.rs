//! The signals by which a process dies of its own fault.
//!
//! Rust's own handler turns an overflow of a stack into an abort; wasmtime's, which is installed after this one and so asked before
//! it, takes what is a guest's trap. What is left ends the process: here it is noted whose fault it was.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

use libc::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, c_int, c_void, sigaction, siginfo_t};

use super::record::mark_crashed;

const SIGNALS: [c_int; 5] = [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV];

/// What was done about each of [`SIGNALS`] before.
static BEFORE: OnceLock<[sigaction; SIGNALS.len()]> = OnceLock::new();

/// Has crashes noted from now on; once for the process. Before wasmtime is set up, which keeps what was there before it.
pub(super) fn install() {
    if BEFORE.set(SIGNALS.map(action_of)).is_err() {
        return;
    }
    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = handle;
    for signal in SIGNALS {
        let mut action = action_of(signal);
        action.sa_sigaction = handler as usize;
        // On the stack that each thread has for signals: its own may be the one that overflowed.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: the action is a whole one, and its handler does only what a handler may.
        unsafe { sigaction(signal, &raw const action, ptr::null_mut()) };
    }
}

fn action_of(signal: c_int) -> sigaction {
    let mut action = MaybeUninit::<sigaction>::zeroed();
    // SAFETY: the place is there to be written to, and all zeros is an action as well: the default.
    unsafe {
        sigaction(signal, ptr::null(), action.as_mut_ptr());
        action.assume_init()
    }
}

/// Notes the crash, and leaves the rest to whoever was there before. An instruction that failed is tried again when this returns; a
/// signal that was sent, as an abort does, has to be sent again, and comes when this returns.
extern "C" fn handle(signal: c_int, information: *mut siginfo_t, _context: *mut c_void) {
    mark_crashed();
    let place = SIGNALS.iter().position(|known| *known == signal);
    if let (Some(before), Some(place)) = (BEFORE.get(), place) {
        // SAFETY: `sigaction` and `raise` are async-signal-safe (POSIX); the action is what the system gave us, and so is the
        // information (`SA_SIGINFO`), whose code is not above zero for what was sent.
        unsafe {
            sigaction(signal, &raw const before[place], ptr::null_mut());
            if (*information).si_code <= 0 {
                libc::raise(signal);
            }
        }
    }
}
