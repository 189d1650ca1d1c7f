//! Native code from a component, made in a process of its own.
//!
//! A file of 2 MB can cost a compiler a minute and a gigabyte, nothing can interrupt a compiler from inside its process, and it may
//! panic (ADR 0008). So the binary starts itself again with [`COMPILE_ARGUMENT`]: component on stdin, native code on stdout, and whatever
//! happens there stays there.

use std::ffi::OsStr;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus, Stdio};

use rustix::process::{Resource, Rlimit, nice, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use wasmtime::Engine;

use super::engine::configuration;
use crate::limits::{
    COMPILE_MEMORY_BYTES_MAX, COMPILE_THREADS_MAX, COMPILE_TIMEOUT, COMPILED_BYTES_MAX,
    COMPONENT_BYTES_MAX, ERROR_TEXT_BYTES_MAX,
};

/// The argument that makes the binary the compiler's process.
const COMPILE_ARGUMENT: &str = "compile-guest";

/// Why there is no native code. Reads as the end of "guest 'x' cannot be loaded: ".
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler's process cannot be started or spoken with.
    #[error("the compiler's process '{}' failed ({error})", .program.display())]
    Process {
        /// The binary.
        program: PathBuf,
        /// What happened.
        error: io::Error,
    },
    /// It took too long.
    #[error("compiling it takes more than {} s", COMPILE_TIMEOUT.as_secs())]
    TimedOut,
    /// The native code is larger than any guest's.
    #[error("its native code is larger than {COMPILED_BYTES_MAX} bytes")]
    TooLarge,
    /// The compiler says that the component is not valid.
    #[error("it is not a valid component ({0})")]
    Invalid(String),
    /// The compiler's process ended in another way: a panic, or a limit of memory or time.
    #[error("the compiler failed on it ({0})")]
    Crashed(String),
}

impl CompileError {
    /// Whether the machine is to blame, and not the component.
    pub(super) fn is_of_host(&self) -> bool {
        // How long it takes depends on what else the machine does.
        matches!(self, Self::Process { .. } | Self::TimedOut)
    }
}

/// Compiles a component with the binary `program`.
pub(super) async fn compile(program: &Path, component: &[u8]) -> Result<Vec<u8>, CompileError> {
    let failed = |error| CompileError::Process { program: program.to_owned(), error };
    let mut child = Command::new(program)
        .arg(COMPILE_ARGUMENT)
        .env_clear()
        // Address space is limited, and each thread's allocator reserves 64 MiB of it.
        .env("RAYON_NUM_THREADS", COMPILE_THREADS_MAX.min(cores()).to_string())
        .env("MALLOC_ARENA_MAX", "2")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let spoken = timeout(COMPILE_TIMEOUT, speak(&mut child, component)).await;
    let (status, code, text) =
        spoken.map_err(|_elapsed| CompileError::TimedOut)?.map_err(failed)?;
    if code.len() as u64 > COMPILED_BYTES_MAX {
        return Err(CompileError::TooLarge);
    }
    match status.code() {
        Some(0) => Ok(code),
        Some(INVALID) => Err(CompileError::Invalid(text)),
        _ => Err(CompileError::Crashed(ended(status, &text))),
    }
}

/// How many threads this machine can run at the same time.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Hands over the component and takes what comes back, at the same time.
async fn speak(child: &mut Child, component: &[u8]) -> io::Result<(ExitStatus, Vec<u8>, String)> {
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let mut stdin = child.stdin.take().ok_or_else(gone)?;
    let mut stdout = child.stdout.take().ok_or_else(gone)?.take(COMPILED_BYTES_MAX + 1);
    let mut stderr = child.stderr.take().ok_or_else(gone)?.take(ERROR_TEXT_BYTES_MAX as u64);
    let (mut code, mut text) = (Vec::new(), Vec::new());
    let write = async {
        // A process that died early says why by its status.
        let _written = stdin.write_all(component).await;
        drop(stdin);
        Ok(())
    };
    tokio::try_join!(write, stdout.read_to_end(&mut code), stderr.read_to_end(&mut text))?;
    // Whoever writes more than is read waits for ever, or finds the pipes closed.
    drop((stdout, stderr));
    let status = child.wait().await?;
    Ok((status, code, String::from_utf8_lossy(&text).trim().to_owned()))
}

fn ended(status: ExitStatus, text: &str) -> String {
    let last = text.lines().last().unwrap_or_default();
    match last {
        "" => format!("its process ended with {status}; the limits are memory and processor time"),
        last => format!("its process ended with {status}: {last}"),
    }
}

/// The exit status for a component that is not valid.
const INVALID: i32 = 3;

/// Whether this process is to be the compiler's, by its arguments.
pub fn is_compiler(mut arguments: impl Iterator<Item = impl AsRef<OsStr>>) -> bool {
    arguments.nth(1).is_some_and(|argument| argument.as_ref() == COMPILE_ARGUMENT)
}

/// The whole life of the compiler's process.
pub fn compiler() -> ExitCode {
    match compile_stdin() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Invalid(error)) => {
            // It may repeat a name of the component's, and nobody reads more than this.
            let text: String =
                format!("{error:#}").chars().take(ERROR_TEXT_BYTES_MAX / 4).collect();
            eprintln!("{text}");
            // The compiler's own exit statuses are 0, this, and 1 for all else.
            ExitCode::from(INVALID as u8)
        }
        Err(Failure::Io(error)) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

enum Failure {
    Io(io::Error),
    Invalid(wasmtime::Error),
}

fn compile_stdin() -> Result<(), Failure> {
    limit_this_process().map_err(|error| Failure::Io(error.into()))?;
    let mut component = Vec::new();
    io::stdin().take(COMPONENT_BYTES_MAX).read_to_end(&mut component).map_err(Failure::Io)?;
    let engine = Engine::new(&configuration()).map_err(Failure::Invalid)?;
    let code = engine.precompile_component(&component).map_err(Failure::Invalid)?;
    io::stdout().lock().write_all(&code).map_err(Failure::Io)
}

/// Whatever the component does to the compiler, the machine has an end to it, and Grafana's own work goes first.
fn limit_this_process() -> rustix::io::Result<()> {
    let limit = |most| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Cpu, limit(COMPILE_TIMEOUT.as_secs()))?;
    setrlimit(Resource::As, limit(COMPILE_MEMORY_BYTES_MAX))?;
    setrlimit(Resource::Core, limit(0))?;
    nice(10).map(|_nice| ())
}
