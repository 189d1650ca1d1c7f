//! The plugin as Grafana starts it: environment, log, configuration, guests, socket, handshake line, serve, drain. Then the same as
//! a developer starts it, beside Grafana.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use graft_host::budget::Budget;
use graft_host::config::Config;
use graft_host::datasource::Registry;
use graft_host::go_plugin::standalone::{self, Announcement, Locator, PluginFolder};
use graft_host::go_plugin::{
    Environment, EnvironmentError, Listener, MutualTls, Task, UnknownArgument, handshake, hclog,
    panic_hook,
};
use graft_host::guest::{self, Guests};
use graft_host::limits::RUNTIME_TIMEOUT;
use graft_host::metrics::Metrics;
use graft_host::traces::Traces;
use graft_host::{go_plugin, grafana};
use tokio::runtime;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

type Variables = HashMap<OsString, OsString>;

/// The plugin's id, as `plugin.json` has it.
const PLUGIN_ID: &str = "graft-datasource";

fn main() -> ExitCode {
    if guest::is_compiler(env::args_os()) {
        return guest::compiler();
    }
    let variables: Variables = env::vars_os().collect();
    match run(&variables) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if is_for_a_person(&error) {
                eprintln!("{error}");
            } else {
                // The last line of the log, with the whole chain of reasons.
                hclog::fatal(&format!("{error:#}"));
            }
            ExitCode::FAILURE
        }
    }
}

/// Only a person starts this program without Grafana's variable, or with arguments.
fn is_for_a_person(error: &anyhow::Error) -> bool {
    error.is::<UnknownArgument>()
        || matches!(error.downcast_ref(), Some(EnvironmentError::NotStartedByGrafana))
}

fn run(variables: &Variables) -> anyhow::Result<()> {
    let task = Task::from_arguments(env::args_os().skip(1))?;
    if let Some(text) = task.text() {
        return io::stdout().write_all(text.as_bytes()).context("stdout cannot be written to");
    }
    let environment = match task {
        Task::Standalone => None,
        _ => Some(Environment::from_variables(variables)?),
    };
    panic_hook::install();
    let executable = env::current_exe().context("this program's own file cannot be found")?;
    let config = Config::from_variables(variables, &executable)?;
    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("graft")
        .build()
        .context("the runtime's threads cannot be started")?;
    let traces = {
        let _entered = runtime.enter();
        log(&config)?
    };
    let done = runtime.block_on(async {
        match environment {
            Some(environment) => serve(&environment, config, &executable, variables).await,
            None => serve_standalone(config, &executable, variables).await,
        }
    });
    if let Some(traces) = traces {
        traces.end();
    }
    runtime.shutdown_timeout(RUNTIME_TIMEOUT);
    done
}

/// From here on there is a log, and there are traces, if Grafana wants any.
fn log(config: &Config) -> anyhow::Result<Option<Traces>> {
    let traces = config.traces.as_ref().map(|settings| Traces::start(settings, PLUGIN_ID));
    let (traces, error) = match traces {
        Some(Ok(traces)) => (Some(traces), None),
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    };
    hclog::install(config.log_level, traces.as_ref().map(Traces::layer))?;
    for key in &config.unknown {
        tracing::warn!("{key}");
    }
    for warning in &config.traces_warnings {
        tracing::warn!("{warning}");
    }
    if let Some(error) = error {
        tracing::warn!(%error, "Traces cannot be sent: GF_INSTANCE_OTLP_ADDRESS is no address, such as 'host:4317'");
    }
    Ok(traces)
}

/// Nothing is bound before everything is read, and nothing is announced before it is bound.
async fn serve(
    environment: &Environment,
    config: Config,
    executable: &Path,
    variables: &Variables,
) -> anyhow::Result<()> {
    let ended = go_plugin::ended_from_outside().context("signals cannot be heard")?;
    let started_as = env::args_os().next().map(PathBuf::from);
    match Locator::find(variables, started_as.as_deref(), executable) {
        Ok(None) => {}
        Ok(Some(locator)) => return locator.run(ended).await.context(HANDSHAKE_FAILED),
        Err(ignored) => tracing::warn!("{:#}", anyhow::Error::from(ignored)),
    }
    let stopping = CancellationToken::new();
    let services = services(config, executable, &stopping)?;
    let mutual_tls = environment.client_certificate.as_ref().map(MutualTls::new).transpose()?;
    let listener = Listener::bind(&environment.network).await?.secured(mutual_tls);
    handshake::announce(environment, &listener).context(HANDSHAKE_FAILED)?;
    Ok(go_plugin::serve(listener, services, stopping, ended).await?)
}

const HANDSHAKE_FAILED: &str = "the handshake cannot be written to stdout";

/// The same for a developer. Guests are also where Grafana would look for them.
async fn serve_standalone(
    mut config: Config,
    executable: &Path,
    variables: &Variables,
) -> anyhow::Result<()> {
    let current = env::current_dir().context("the current folder cannot be found")?;
    let folder = PluginFolder::find(&current)?;
    config.guest_folders.push(folder.path.join("guests"));
    let ended = go_plugin::ended_by_hand().context("signals cannot be heard")?;
    let stopping = CancellationToken::new();
    let services = services(config, executable, &stopping)?;
    let listener = Listener::bind_address(&standalone::address(variables)).await?;
    let _announcement = Announcement::make(folder, listener.address())?;
    Ok(go_plugin::serve_standalone(listener, services, stopping, ended).await?)
}

/// What Grafana asks for. Guests are loaded from now on, when they are first asked for.
fn services(
    config: Config,
    executable: &Path,
    stopping: &CancellationToken,
) -> anyhow::Result<Routes> {
    let Config { limits, guest_folders, cache_folder, trust, traces, allowed_hosts, .. } = config;
    let executable = executable.to_owned();
    let propagation = traces.map(|traces| traces.propagation).unwrap_or_default();
    let (metrics, budget) = (Metrics::new()?, Budget::new(&limits));
    let (guests, loader) = Guests::start(
        &limits,
        guest_folders,
        cache_folder.as_deref(),
        executable,
        trust,
        Arc::clone(&budget),
        metrics.clone(),
    )?;
    tokio::spawn(loader.run());
    let registry = Registry::new(guests, limits.clone(), allowed_hosts, budget, metrics.clone());
    Ok(grafana::services(registry, limits, metrics, propagation, stopping.clone()))
}
