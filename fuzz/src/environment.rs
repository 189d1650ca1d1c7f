//! The environment that a plugin is started with.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use graft_host::go_plugin::{Environment, Network};

/// Reads an environment. The bytes are its variables, a line each: `NAME=value`.
pub fn environment(data: &[u8]) {
    let variables: HashMap<OsString, OsString> =
        data.split(|byte| *byte == b'\n').filter_map(variable).collect();
    match Environment::from_variables(&variables) {
        Ok(Environment { network: Network::Tcp { ports }, .. }) => {
            assert!(ports.start() <= ports.end(), "{ports:?}");
        }
        Ok(Environment { network: Network::Unix { folder, .. }, .. }) => {
            assert!(!folder.as_os_str().is_empty());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn variable(line: &[u8]) -> Option<(OsString, OsString)> {
    let equals = line.iter().position(|byte| *byte == b'=')?;
    let text = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    Some((text(&line[..equals]), text(&line[equals + 1..])))
}
