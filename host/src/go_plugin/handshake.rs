//! The one line on stdout by which Grafana learns where this process listens: contract section 1.3. Nothing else is ever
//! written there, because the first line that comes is the handshake, whatever it says.

use std::io::{self, Write as _};

use super::environment::Environment;
use super::listener::Listener;

/// go-plugin's own version.
const CORE_PROTOCOL_VERSION: u32 = 1;
/// The version of Grafana's plugin protocol, package `pluginv2`.
const PROTOCOL_VERSION: u32 = 2;

/// Says where this process listens. To be called once, when connections can be accepted.
pub fn announce(environment: &Environment, listener: &Listener) -> io::Result<()> {
    let offered = &environment.protocol_versions;
    if !offered.contains(&PROTOCOL_VERSION) {
        tracing::warn!(
            ?offered,
            "Grafana does not offer version 2 of the plugin protocol, which is what this plugin speaks"
        );
    }
    let line = line(listener.network(), listener.address(), environment.asks_for_multiplexing);
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.flush()
}

/// The field for the server's certificate stays empty: a certificate that the other side did not ask for crashes it.
fn line(network: &str, address: &str, asks_for_multiplexing: bool) -> String {
    let multiplexing = if asks_for_multiplexing { "|false" } else { "" };
    format!("{CORE_PROTOCOL_VERSION}|{PROTOCOL_VERSION}|{network}|{address}|grpc|{multiplexing}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_as_go_plugin_writes_it() {
        assert_eq!(line("unix", "/tmp/x/plugin", false), "1|2|unix|/tmp/x/plugin|grpc|\n");
        assert_eq!(line("tcp", "127.0.0.1:10000", false), "1|2|tcp|127.0.0.1:10000|grpc|\n");
    }

    #[test]
    fn who_asks_for_multiplexing_is_told_that_there_is_none() {
        assert_eq!(line("unix", "/s", true), "1|2|unix|/s|grpc||false\n");
    }
}
