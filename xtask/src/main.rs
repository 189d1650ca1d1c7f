//! What the repository does to itself: `cargo xtask` sets up, builds, shows, tests, checks and measures.
#![expect(
    clippy::print_stdout,
    reason = "results go to stdout, and what happens meanwhile to stderr"
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod repository;
mod step;
mod setup;
mod guests;
mod host;
mod frontend;
mod server;
mod process;
mod table;
mod demo;
mod package;
mod test;
mod tidy;
mod ci;
mod bench;
mod soak;

/// Sets up, builds, shows, tests, checks and measures Graft.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the plugin at work on this machine's own figures.
    Demo(demo::Arguments),
    /// Install what the other commands need and is missing.
    Setup {
        /// Add the compiler's WebAssembly target by rustup, even where Debian's packages would do.
        #[arg(long)]
        rustup: bool,
    },
    /// Build the guests into target/guests.
    Guests,
    /// Make what admins install: a plugin folder and a zip of it.
    Package(package::Arguments),
    /// Run all tests.
    Test,
    /// Check what compilers do not: who imports whom, lengths, leftovers.
    Tidy,
    /// Do all that is done before a change is accepted.
    Ci,
    /// Compare the host with plugins in other languages, and with native code.
    Bench(bench::Arguments),
    /// Send good and hostile queries for a long time, and see whether all are answered and nothing grows.
    Soak(soak::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Setup { rustup } => setup::run(rustup),
        Command::Guests => guests::run(),
        Command::Package(arguments) => package::run(&arguments),
        Command::Test => test::run(),
        Command::Tidy => tidy::run(),
        Command::Ci => ci::run(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Soak(arguments) => soak::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
