use super::*;
use crate::guest::SignatureKey;
use std::time::Duration;

const EXECUTABLE: &str = "/var/lib/grafana/plugins/graft-datasource/gpx_graft_linux_amd64";

fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables =
        variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Config::from_variables(&variables, Path::new(EXECUTABLE))
}

fn limits(name: &str, value: &str) -> Limits {
    read(&[(name, value)]).unwrap().limits
}

fn message(name: &str, value: &str) -> String {
    read(&[(name, value)]).unwrap_err().to_string()
}

#[test]
fn without_a_word_from_the_admin_everything_has_its_default() {
    let expected = Config {
        limits: Limits::default(),
        guest_folders: vec!["/var/lib/grafana/plugins/graft-datasource/guests".into()],
        cache_folder: None,
        trust: Trust::default(),
        allowed_hosts: None,
        log_level: Level::INFO,
        grafana_version: None,
        traces: None,
        traces_warnings: Vec::new(),
        unknown: Vec::new(),
    };
    assert_eq!(read(&[]).unwrap(), expected);
    let nothing: Vec<String> =
        keys().iter().map(|key| format!("GF_PLUGIN_{}", key.key.to_uppercase())).collect();
    let nothing: Vec<(&str, &str)> = nothing.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(read(&nothing).unwrap(), expected, "set to nothing is not set");
}

#[test]
fn each_limit_is_a_key_under_its_own_name() {
    let shown = format!("{:#?}", Limits::default());
    let fields = shown.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(": "));
    let fields: Vec<&str> =
        fields.map(|(name, _)| name).filter(|name| !name.starts_with(' ')).collect();
    let keys: Vec<&str> = limit_keys::LIMITS.iter().map(|limit| limit.key).collect();
    assert_eq!(keys, fields);
}

#[test]
fn each_key_changes_its_own_limit_and_no_other() {
    for limit in limit_keys::LIMITS {
        let mut changed = Limits::default();
        let before = limit.bound.show(&mut changed);
        let value = if before.contains(' ') { "17 MiB" } else { "17" };
        let value = if limit.key == "header_bytes" { "17 KiB" } else { value };
        changed = limits(&format!("GF_PLUGIN_{}", limit.key.to_uppercase()), value);
        let name = format!("{}: ", limit.key);
        let (default, shown) = (format!("{:#?}", Limits::default()), format!("{changed:#?}"));
        let differences = default.lines().zip(shown.lines()).filter(|(one, other)| one != other);
        let differences: Vec<&str> = differences.map(|(_, line)| line.trim()).collect();
        assert!(matches!(differences[..], [line] if line.starts_with(&name)), "{differences:?}");
    }
}

#[test]
fn each_default_lies_within_its_ends_and_can_be_written_in_grafana_ini() {
    for key in keys().iter().skip(8) {
        let name = format!("GF_PLUGIN_{}", key.key.to_uppercase());
        assert_eq!(limits(&name, &key.default), Limits::default(), "{key:?}");
    }
}

#[test]
fn sizes_are_read_with_and_without_units() {
    for (value, bytes) in [
        ("268435456", 256 << 20),
        ("256MiB", 256 << 20),
        ("256 MiB", 256 << 20),
        (" 256 mib ", 256 << 20),
        ("256 MB", 256_000_000),
        ("256M", 256_000_000),
        ("1.5GiB", 3 << 29),
        ("4 GiB", 4 << 30),
        ("4MiB", 4 << 20),
    ] {
        assert_eq!(
            limits("GF_PLUGIN_GUEST_MEMORY_BYTES", value).guest_memory_bytes,
            bytes,
            "{value}"
        );
    }
}

#[test]
fn durations_are_read_with_units_or_as_seconds() {
    for (value, time) in [
        ("10", Duration::from_secs(10)),
        ("10s", Duration::from_secs(10)),
        ("500ms", Duration::from_millis(500)),
        ("1m 30s", Duration::from_secs(90)),
        (" 2min ", Duration::from_secs(120)),
    ] {
        assert_eq!(limits("GF_PLUGIN_GUEST_CPU", value).guest_cpu, time, "{value}");
    }
}

#[test]
fn what_is_no_value_or_beyond_the_ends_is_refused_with_key_value_and_what_is_expected() {
    let size = "a size from 4 MiB to 4 GiB, such as '64 MiB', or a number of bytes";
    let time = "a duration from 100ms to 10m, such as '500ms', or a number of seconds";
    let number = "a whole number from 1 to 10000";
    for (key, value, expected) in [
        ("guest_memory_bytes", "0", size),
        ("guest_memory_bytes", "4194303", size),
        ("guest_memory_bytes", "4294967297", size),
        ("guest_memory_bytes", "-1", size),
        ("guest_memory_bytes", "much", size),
        ("guest_memory_bytes", "256 Mio", size),
        ("guest_memory_bytes", "99999999999999999999999 EiB", size),
        ("guest_cpu", "0", time),
        ("guest_cpu", "99ms", time),
        ("guest_cpu", "601", time),
        ("guest_cpu", "10 parsecs", time),
        ("guest_cpu", "-5s", time),
        ("guest_cpu", "99999999999999999999", time),
        ("rounds", "0", number),
        ("rounds", "10001", number),
        ("rounds", "1.5", number),
        ("rounds", "5 rounds", number),
        ("rounds", "4294967297", number),
    ] {
        let expected = format!(
            "'{key}' is '{value}' in grafana.ini, section [plugin.graft-datasource], which is not {expected}. Mend the \
             value, or remove it for the default."
        );
        assert_eq!(message(&format!("GF_PLUGIN_{}", key.to_uppercase()), value), expected);
    }
}

#[test]
fn zero_is_a_value_where_it_means_something() {
    assert_eq!(limits("GF_PLUGIN_GUEST_CALLS", "0").guest_calls, 0);
    assert_eq!(limits("GF_PLUGIN_GUEST_LOG_LINES", "0").guest_log_lines, 0);
}

#[test]
fn guests_are_looked_for_beside_the_executable_and_then_where_the_admin_says() {
    let folders = |value| read(&[("GF_PLUGIN_GUESTS", value)]).unwrap().guest_folders;
    let beside = "/var/lib/grafana/plugins/graft-datasource/guests";
    for (value, added) in [
        ("/a", &["/a"][..]),
        (" /a b , /c ,, ", &["/a b", "/c"]),
        ("/a,/a", &["/a"]),
        (beside, &[]),
        (",", &[]),
    ] {
        let expected: Vec<PathBuf> = [beside].iter().chain(added).map(PathBuf::from).collect();
        assert_eq!(folders(value), expected, "{value}");
    }
}

#[test]
fn a_relative_path_is_refused_because_nobody_knows_where_grafana_runs() {
    for (key, value, shown) in [
        ("guests", "/a,plugins/guests", "plugins/guests"),
        ("guests", "~/guests", "~/guests"),
        ("cache", ".", "."),
    ] {
        let message = message(&format!("GF_PLUGIN_{}", key.to_uppercase()), value);
        let words = format!("'{key}' is '{shown}' in grafana.ini");
        assert!(message.starts_with(&words) && message.contains("an absolute path"), "{message}");
    }
}

#[test]
fn the_cache_is_where_the_admin_says_else_where_caches_are_else_nowhere() {
    let (xdg, home) = (("XDG_CACHE_HOME", "/x"), ("HOME", "/h"));
    for (variables, folder) in [
        (&[("GF_PLUGIN_CACHE", "/c"), xdg, home][..], Some("/c")),
        (&[xdg, home], Some("/x/graft")),
        (&[home], Some("/h/.cache/graft")),
        (&[("XDG_CACHE_HOME", "relative"), home], Some("/h/.cache/graft")),
        (&[("XDG_CACHE_HOME", ""), home], Some("/h/.cache/graft")),
        (&[("HOME", "relative")], None),
        (&[], None),
    ] {
        assert_eq!(
            read(variables).unwrap().cache_folder,
            folder.map(PathBuf::from),
            "{variables:?}"
        );
    }
}

/// Public keys, of nobody's; the second was made in minisign's own documentation.
const KEYS: [&str; 2] = [
    "RWSk9rC1LkPxjrPF1H1OYwTvDkHIhGY9VL7TIxSmLUvwYgL6Xh0oJ3Vq",
    "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
];

#[test]
fn what_is_demanded_of_guests_files_is_read_and_nothing_is_demanded_by_default() {
    let trust = |variables: &[(&str, &str)]| read(variables).unwrap().trust;
    assert_eq!(trust(&[]), Trust::default());
    for (value, is_on) in [("true", true), (" True ", true), ("false", false), ("FALSE", false)] {
        assert_eq!(trust(&[("GF_PLUGIN_REQUIRE_LOCK", value)]).require_lock, is_on, "{value}");
    }
    let keys = format!(" {} ,{},", KEYS[0], KEYS[1]);
    let read =
        trust(&[("GF_PLUGIN_SIGNATURE_KEYS", &keys), ("GF_PLUGIN_REQUIRE_SIGNATURE", "true")]);
    let expected = KEYS.map(|key| SignatureKey::parse(key).unwrap());
    assert_eq!(read.keys, expected);
    assert!(read.require_signature && !read.require_lock);
}

#[test]
fn a_key_that_is_none_ends_the_start_without_showing_all_of_it() {
    let other = KEYS[0].replace("RW", "QW");
    let secret = "RWRTY0IyfGHJ".repeat(20);
    for (value, shown) in [
        (KEYS[0][..55].to_owned(), "RWSk9rC1LkPxjrPF…"),
        (other, "QWSk9rC1LkPxjrPF…"),
        (secret, "RWRTY0IyfGHJRWRT…"),
        ("key".to_owned(), "key"),
    ] {
        let message = message("GF_PLUGIN_SIGNATURE_KEYS", &format!("{},{value}", KEYS[1]));
        let words = format!("'signature_keys' is '{shown}' in grafana.ini");
        assert!(message.starts_with(&words), "{message}");
        assert!(message.contains("not a public key of minisign's"), "{message}");
    }
}

#[test]
fn no_signature_can_be_required_where_none_would_count() {
    let sentence = message("GF_PLUGIN_REQUIRE_SIGNATURE", "true");
    assert!(sentence.contains("which is not possible without 'signature_keys'"), "{sentence}");
    let sentence = message("GF_PLUGIN_REQUIRE_LOCK", "yes");
    assert!(sentence.contains("'require_lock' is 'yes'"), "{sentence}");
    assert!(sentence.contains("not 'true' or 'false'"), "{sentence}");
}

#[test]
fn the_log_level_is_one_of_five_words() {
    for (value, level) in [
        ("trace", Level::TRACE),
        ("debug", Level::DEBUG),
        ("info", Level::INFO),
        (" Warn ", Level::WARN),
        ("ERROR", Level::ERROR),
    ] {
        assert_eq!(read(&[("GF_PLUGIN_LOG_LEVEL", value)]).unwrap().log_level, level);
    }
    for value in ["verbose", "1", "off"] {
        let message = message("GF_PLUGIN_LOG_LEVEL", value);
        let words = format!("'log_level' is '{value}' in grafana.ini");
        assert!(message.starts_with(&words), "{message}");
        assert!(message.contains("not 'trace', 'debug', 'info', 'warn' or 'error'"), "{message}");
    }
}

#[test]
fn hosts_that_data_sources_may_allow_are_any_or_those_of_a_list() {
    let hosts = |value: &str| read(&[("GF_PLUGIN_ALLOWED_HOSTS", value)]).unwrap().allowed_hosts;
    assert_eq!(read(&[]).unwrap().allowed_hosts, None);
    let listed = Some(vec!["a.example".to_owned(), "b.example:8443".to_owned()]);
    assert_eq!(hosts("A.example, b.example:8443,"), listed);
    assert_eq!(hosts("none"), Some(Vec::new()));
}

#[test]
fn grafana_says_its_version() {
    let version = read(&[("GF_VERSION", "12.0.0")]).unwrap().grafana_version;
    assert_eq!(version.as_deref(), Some("12.0.0"));
}

#[test]
fn a_slip_is_told_with_the_key_that_was_meant() {
    for (name, meant) in [
        ("GF_PLUGIN_GUEST_MEMORY_BYTE", "guest_memory_bytes"),
        ("GF_PLUGIN_GUEST_MEMORY", "guest_memory_bytes"),
        ("GF_PLUGIN_GUEST-MEMORY-BYTES", "guest_memory_bytes"),
        ("GF_PLUGIN_CACHE_FOLDER", "cache"),
        ("GF_PLUGIN_ROW", "rows"),
        ("GF_PLUGIN_LOGLEVEL", "log_level"),
        ("GF_PLUGIN_NETWROK", "network"),
        ("GF_PLUGIN_RESPONSE_BYTES_MAX", "response_bytes"),
    ] {
        let unknown = read(&[(name, "1")]).unwrap().unknown;
        let key = name.trim_start_matches("GF_PLUGIN_").to_lowercase();
        assert_eq!(unknown, [UnknownKey { key: key.clone(), meant }]);
        let expected = format!(
            "'{key}' in grafana.ini, section [plugin.graft-datasource], has no effect: did you mean '{meant}'?"
        );
        assert_eq!(unknown[0].to_string(), expected);
    }
}

#[test]
fn what_others_set_under_the_same_prefix_is_no_slip() {
    let others = [
        "GF_PLUGIN_VERSION",
        "GF_PLUGIN_TRACING",
        "GF_PLUGIN_NETWORK",
        "GF_PLUGIN_APP_CLIENT_ID",
        "GF_PLUGIN_APP_CLIENT_SECRET",
        "GF_PLUGIN_APP_PRIVATE_KEY",
        "GF_PLUGIN_PROFILING_ENABLED",
        "GF_PLUGIN_PROFILING_PORT",
        "GF_PLUGIN_PROFILING_BLOCK_RATE",
        "GF_PLUGIN_PROFILING_MUTEX_RATE",
        "GF_PLUGIN_GRAFT_DATASOURCE_ROWS",
        "GF_PLUGINS_PROFILER",
        "GF_PLUGIN_",
        "ROW",
    ];
    let unknown = read(&others.map(|name| (name, "unix"))).unwrap().unknown;
    assert_eq!(unknown, []);
}

#[test]
fn each_key_is_documented_in_one_sentence() {
    for Key { key, default, expected, meaning } in keys() {
        assert!(meaning.ends_with('.') && !default.is_empty() && !expected.is_empty(), "{key}");
    }
}
