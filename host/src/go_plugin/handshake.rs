//! The one line on stdout by which Grafana learns where this process listens: contract section 1.3. Nothing else is ever
//! written there, because the first line that comes is the handshake, whatever it says.

use std::io::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

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
    say(&line(
        listener.network(),
        listener.address(),
        listener.certificate(),
        environment.asks_for_multiplexing,
    ))
}

/// Says where a developer's plugin listens, as Go's plugins do: this line has no field for a certificate. To be called once.
pub(super) fn announce_standalone(address: &str) -> io::Result<()> {
    say(&format!("{CORE_PROTOCOL_VERSION}|{PROTOCOL_VERSION}|tcp|{address}|grpc\n"))
}

fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.flush()
}

/// Without mutual TLS the field for the server's certificate, DER, stays empty: a certificate that the other side did not ask
/// for crashes it. The field for multiplexing is there only for those who ask: older clients would take it for part of the
/// certificate.
fn line(
    network: &str,
    address: &str,
    certificate: Option<&[u8]>,
    asks_for_multiplexing: bool,
) -> String {
    let certificate = STANDARD_NO_PAD.encode(certificate.unwrap_or_default());
    let multiplexing = if asks_for_multiplexing { "|false" } else { "" };
    format!(
        "{CORE_PROTOCOL_VERSION}|{PROTOCOL_VERSION}|{network}|{address}|grpc|{certificate}{multiplexing}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_as_go_plugin_writes_it() {
        assert_eq!(line("unix", "/tmp/x/plugin", None, false), "1|2|unix|/tmp/x/plugin|grpc|\n");
        let tcp = line("tcp", "127.0.0.1:10000", None, false);
        assert_eq!(tcp, "1|2|tcp|127.0.0.1:10000|grpc|\n");
    }

    #[test]
    fn who_asks_for_multiplexing_is_told_that_there_is_none() {
        assert_eq!(line("unix", "/s", None, true), "1|2|unix|/s|grpc||false\n");
    }

    #[test]
    fn a_certificate_is_base64_without_padding() {
        assert_eq!(line("unix", "/s", Some(b"\xff\xfe"), false), "1|2|unix|/s|grpc|//4\n");
        assert_eq!(line("unix", "/s", Some(b"\xff"), true), "1|2|unix|/s|grpc|/w|false\n");
    }
}
