//! The plugin as Grafana starts it: environment, log, configuration, guests, socket, handshake line, serve, drain.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use graft_host::config::Config;
use graft_host::datasource::Registry;
use graft_host::go_plugin::{
    Environment, EnvironmentError, Listener, handshake, hclog, panic_hook,
};
use graft_host::guest::{self, Guests};
use graft_host::{go_plugin, grafana};
use tokio::runtime;
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    if guest::is_compiler(env::args_os()) {
        return guest::compiler();
    }
    let variables: HashMap<OsString, OsString> = env::vars_os().collect();
    let environment = match Environment::from_variables(&variables) {
        Ok(environment) => environment,
        // To a person, in plain text.
        Err(error @ EnvironmentError::NotStartedByGrafana) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
        Err(error) => return failed(&error.into()),
    };
    panic_hook::install();
    match run(&environment, &variables) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn run(environment: &Environment, variables: &HashMap<OsString, OsString>) -> anyhow::Result<()> {
    let executable = env::current_exe().context("this program's own file cannot be found")?;
    let config = Config::from_variables(variables, &executable)?;
    hclog::install(config.log_level)?;
    for key in &config.unknown {
        tracing::warn!("{key}");
    }
    runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("graft")
        .build()
        .context("the runtime's threads cannot be started")?
        .block_on(serve(environment, config, executable))
}

/// Nothing is bound before everything is read, and nothing is announced before it is bound.
async fn serve(
    environment: &Environment,
    config: Config,
    executable: PathBuf,
) -> anyhow::Result<()> {
    let Config { limits, guest_folders, cache_folder, .. } = config;
    let (guests, loader) =
        Guests::start(&limits, guest_folders, cache_folder.as_deref(), executable)?;
    tokio::spawn(loader.run());
    let (registry, stopping) = (Registry::new(guests, limits.clone()), CancellationToken::new());
    let services = grafana::services(registry, limits, stopping.clone());
    let terminated = go_plugin::terminated().context("signals cannot be heard")?;
    let listener = Listener::bind(&environment.network).await?;
    handshake::announce(environment, &listener)
        .context("the handshake cannot be written to stdout")?;
    go_plugin::serve(listener, services, stopping, terminated).await?;
    Ok(())
}

/// The last line of the log, with the whole chain of reasons.
fn failed(error: &anyhow::Error) -> ExitCode {
    hclog::fatal(&format!("{error:#}"));
    ExitCode::FAILURE
}
