use std::os::unix::fs::MetadataExt as _;

use tempfile::TempDir;

use super::*;

fn variables(address: Option<&str>) -> HashMap<OsString, OsString> {
    address.map(|address| (ADDRESS_VARIABLE.into(), address.into())).into_iter().collect()
}

/// A folder with these files, whose folders are made.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

const OURS: &str = r#"{"id": "graft-datasource", "executable": "gpx_graft"}"#;

fn found(folder: &TempDir, current: &str) -> Option<PathBuf> {
    let found = PluginFolder::find(&folder.path().join(current)).ok()?;
    assert_eq!(found.executable, "gpx_graft");
    let base = fs::canonicalize(folder.path()).unwrap();
    Some(found.path.strip_prefix(base).unwrap().to_owned())
}

#[test]
fn the_plugins_id_is_that_of_its_plugin_json() {
    let manifest: serde_json::Value =
        serde_json::from_str(include_str!("../../../../plugin.json")).unwrap();
    assert_eq!(manifest["id"], PLUGIN_ID);
    let name = PLUGIN_ID.to_uppercase().replace('-', "_");
    assert_eq!(ADDRESS_VARIABLE, format!("GF_PLUGIN_GRPC_ADDRESS_{name}"));
}

#[test]
fn without_a_host_an_address_is_this_machines_alone() {
    for (variable, expected) in [
        (None, "127.0.0.1:0"),
        (Some(""), "127.0.0.1:0"),
        (Some(":4000"), "127.0.0.1:4000"),
        (Some("0.0.0.0:4000"), "0.0.0.0:4000"),
        (Some("localhost:4000"), "localhost:4000"),
    ] {
        assert_eq!(address(&variables(variable)), expected);
    }
}

#[test]
fn the_plugins_folder_is_found_as_the_go_sdk_finds_it() {
    for (files, current, expected) in [
        (&[("plugin.json", OURS)][..], "", Some("")),
        (&[("b/c/plugin.json", OURS), ("d/plugin.json", OURS)], "", Some("b/c")),
        (&[("plugin.json", OURS), ("dist/plugin.json", OURS)], "", Some("dist")),
        (&[("plugin.json", OURS), ("dist/x", "")], "", None),
        (&[("plugin.json", OURS), ("pkg/main.go", "")], "pkg", Some("")),
        (&[("dist/plugin.json", OURS), ("pkg/main.go", "")], "pkg", Some("dist")),
        (&[("plugin.json", OURS), ("src/main.rs", "")], "src", None),
        (&[("a/plugin.json", r#"{"id": "other"}"#), ("b/plugin.json", OURS)], "", Some("b")),
        (&[("a/plugin.json", "{")], "", None),
        (&[("plugin.json/plugin.json", OURS)], "", Some("plugin.json")),
    ] {
        let folder = folder(files);
        assert_eq!(found(&folder, current), expected.map(PathBuf::from), "{files:?}");
    }
    let error = PluginFolder::find(folder(&[]).path()).unwrap_err().to_string();
    assert!(error.contains("no plugin.json with the id 'graft-datasource'"), "{error}");
}

/// What a plugin in this folder makes of it.
fn located(folder: &TempDir, variable: Option<&str>) -> Result<Option<Locator>, Ignored> {
    Locator::find(&variables(variable), None, &folder.path().join("gpx_graft_linux_amd64"))
}

#[test]
fn a_link_to_the_binary_is_looked_beside_before_the_binary() {
    let (installed, built) = (folder(&[("standalone.txt", ":4000")]), folder(&[]));
    let link = installed.path().join("gpx_graft_linux_amd64");
    let binary = built.path().join("gpx_graft");
    let find = |started_as| Locator::find(&variables(None), started_as, &binary);
    let found = find(Some(link.as_path())).unwrap().unwrap();
    assert!(format!("{found:?}").contains(":4000"), "{found:?}");
    assert_eq!(find(None).unwrap(), None);
    assert_eq!(find(Some(Path::new("gpx_graft_linux_amd64"))).unwrap(), None);

    fs::write(built.path().join("standalone.txt"), ":5000").unwrap();
    let nowhere = folder(&[]).path().join("gpx_graft_linux_amd64");
    for (started_as, address) in [(&link, ":4000"), (&nowhere, ":5000")] {
        let found = find(Some(started_as.as_path())).unwrap().unwrap();
        assert!(format!("{found:?}").contains(address), "{started_as:?}: {found:?}");
    }
}

#[test]
fn nothing_means_that_the_plugin_serves() {
    for files in [&[][..], &[("standalone.txt", " \n")], &[("pid.txt", "1")]] {
        assert_eq!(located(&folder(files), None).unwrap(), None, "{files:?}");
    }
}

#[test]
fn a_file_with_the_number_of_a_process_that_runs_counts() {
    let files = [("standalone.txt", "127.0.0.1:4000\n"), ("pid.txt", &own_number())];
    let found = located(&folder(&files), None).unwrap().unwrap();
    let number = |found: &Locator| format!("{found:?}");
    assert!(number(&found).contains("127.0.0.1:4000"), "{found:?}");
    assert!(number(&found).contains(&own_number()), "{found:?}");
    let without_number = located(&folder(&files[..1]), None).unwrap();
    assert!(without_number.is_some(), "as Grafana's oldest plugins write it");
}

#[test]
fn the_variable_counts_more_than_files() {
    let stale = folder(&[("standalone.txt", ":1"), ("pid.txt", "x")]);
    let found = located(&stale, Some("host.docker.internal:4000")).unwrap().unwrap();
    assert!(format!("{found:?}").contains("host.docker.internal:4000"), "{found:?}");
}

#[test]
fn what_is_wrong_with_the_files_is_told() {
    for (address, number, words) in [
        ("4000", "", "standalone.txt' says '4000', which is not of the form host:port"),
        ("a|b:1", "", "says 'a|b:1'"),
        (":0", "", "says ':0'"),
        (":99999", "", "says ':99999'"),
        ("a\nb:1", "", "which is not of the form"),
        (":1", "x", "pid.txt' says 'x', which is no process number"),
        (":1", "0", "pid.txt' says '0'"),
        (":1", "-5", "pid.txt' says '-5'"),
        // Linux has no numbers above four million.
        (":1", "2000000000", "names process 2000000000, which does not run any more"),
    ] {
        let folder = folder(&[("standalone.txt", address), ("pid.txt", number)]);
        let message = located(&folder, None).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
        assert!(message.contains("this plugin serves by itself"), "{message}");
    }
    let message = located(&folder(&[]), Some("nowhere")).unwrap_err().to_string();
    assert!(message.starts_with(ADDRESS_VARIABLE), "{message}");
}

#[test]
fn the_files_are_there_as_long_as_the_announcement() {
    let folder = folder(&[("plugin.json", OURS), ("pid.txt", "stale")]);
    let read = |name: &str| fs::read_to_string(folder.path().join(name));
    let plugin = PluginFolder::find(folder.path()).unwrap();
    let announcement = Announcement::make(plugin.clone(), "127.0.0.1:4000").unwrap();
    assert_eq!(read("standalone.txt").unwrap(), "127.0.0.1:4000");
    assert_eq!(read("pid.txt").unwrap(), own_number());
    for name in ["standalone.txt", "pid.txt"] {
        let mode = fs::metadata(folder.path().join(name)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    drop(announcement);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "plugin.json alone");

    let announcement = Announcement::make(plugin, "127.0.0.1:4000").unwrap();
    fs::write(folder.path().join("standalone.txt"), "127.0.0.1:5000").unwrap();
    drop(announcement);
    assert_eq!(read("standalone.txt").unwrap(), "127.0.0.1:5000", "it is another's by now");
}
