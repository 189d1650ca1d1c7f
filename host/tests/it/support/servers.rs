//! Real servers, started for one test on ports and in folders of their own; they end with their value.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::target;

const PATIENCE: Duration = Duration::from_secs(60);

/// A process that ends with this value.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// A port that is free. Who asks the system for any port, as other tests do, is given one of a range above these.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let own = u16::try_from(std::process::id() % 10_000).unwrap();
        let port = 20_000 + (own + number) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A Debian program that is there, or none, which only a machine that is not CI's may have.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = folders.map(|folder| folder.join(name)).find(|program| program.is_file());
    found.or_else(|| missing(name))
}

fn missing<T>(name: &str) -> Option<T> {
    let missing = format!("NOT TESTED: {name} is not there; `cargo xtask setup` installs it");
    assert!(std::env::var_os("CI").is_none(), "{missing}");
    eprintln!("{missing}");
    None
}

/// Starts a program that listens on a port, and waits until it does.
fn listening(command: &mut Command, port: u16) -> Process {
    let mut process = Process(command.stdin(Stdio::null()).spawn().unwrap());
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = process.0.try_wait().unwrap();
        assert!(ended.is_none() && begun.elapsed() < PATIENCE, "{command:?} does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    process
}

/// nginx.
pub(crate) struct Nginx {
    pub(crate) port: u16,
    _folder: TempDir,
    _process: Process,
}

impl Nginx {
    /// One with these files in its folder, and this server in its configuration. `listen` stands for the port, `folder` for the folder.
    pub(crate) fn start(files: &[(&str, &[u8])], server: &str) -> Option<Self> {
        Self::with(files, |own| format!("http {{ {own} server {{ {server} }} }}"), "")
    }

    /// One that hands on what is in TLS to another port.
    pub(crate) fn unwrapping(files: &[(&str, &[u8])], server: &str) -> Option<Self> {
        let modules = "load_module /usr/lib/nginx/modules/ngx_stream_module.so;";
        Self::with(files, |_own| format!("stream {{ server {{ {server} }} }}"), modules)
    }

    fn with(
        files: &[(&str, &[u8])],
        contexts: impl Fn(&str) -> String,
        modules: &str,
    ) -> Option<Self> {
        let program = program("nginx")?;
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let mut own = "access_log off; default_type application/json;".to_owned();
        for temporary in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            let _infallible = write!(own, " {temporary}_temp_path folder/{temporary};");
        }
        let configuration = format!(
            "{modules} daemon off; master_process off; pid folder/pid; error_log folder/log; events {{}} {}",
            contexts(&own)
        );
        let path = folder.path().to_str().unwrap();
        let configuration = configuration
            .replace("listen", &format!("listen 127.0.0.1:{port}"))
            .replace("folder/", &format!("{path}/"));
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration).unwrap();
        let mut command = Command::new(program);
        command.arg("-c").arg(&file).arg("-p").arg(folder.path());
        command.arg("-e").arg(folder.path().join("log"));
        let process = listening(&mut command, port);
        Some(Self { port, _folder: folder, _process: process })
    }
}

/// Apache, for what nginx has not.
pub(crate) struct Apache {
    pub(crate) port: u16,
    _folder: TempDir,
    _process: Process,
}

impl Apache {
    /// One that shows a file to whoever proves by digest authentication that he is one of these users, in the realm `here`.
    pub(crate) fn with_digests(users: &str, file: &str) -> Option<Self> {
        const MODULES: &str = "/usr/lib/apache2/modules";
        let program = program("apache2")?;
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let path = folder.path().to_str().unwrap();
        let write =
            |name: &str, content: &str| fs::write(folder.path().join(name), content).unwrap();
        write("index.html", file);
        write("users", users);
        let modules = [
            "mpm_event",
            "authn_core",
            "authn_file",
            "authz_core",
            "authz_user",
            "auth_digest",
            "dir",
        ];
        let mut configuration = format!(
            "ServerName localhost\nListen 127.0.0.1:{port}\nPidFile {path}/pid\nErrorLog {path}/log\n\
             DefaultRuntimeDir {path}\nDocumentRoot {path}\nDirectoryIndex index.html\n"
        );
        for module in modules {
            let _infallible =
                writeln!(configuration, "LoadModule {module}_module {MODULES}/mod_{module}.so");
        }
        let _infallible = write!(
            configuration,
            "<Location />\nAuthType Digest\nAuthName here\nAuthUserFile {path}/users\nRequire valid-user\n</Location>\n"
        );
        write("apache.conf", &configuration);
        let mut command = Command::new(program);
        // In one process: its children would outlive it.
        command.args(["-X", "-f"]).arg(folder.path().join("apache.conf"));
        let process = listening(&mut command, port);
        Some(Self { port, _folder: folder, _process: process })
    }
}

/// tinyproxy, which hands on to another proxy.
pub(crate) struct Tinyproxy {
    pub(crate) port: u16,
    _folder: TempDir,
    _process: Process,
}

impl Tinyproxy {
    /// One that takes this user and password, and hands on what is asked for to another proxy at `upstream`.
    pub(crate) fn start(user: &str, password: &str, upstream: &str) -> Option<Self> {
        let program = program("tinyproxy")?;
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let file = folder.path().join("tinyproxy.conf");
        let configuration = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nBasicAuth {user} {password}\n\
             LogFile \"{}\"\nMaxClients 20\nUpstream http {upstream}\n",
            folder.path().join("log").display()
        );
        fs::write(&file, configuration).unwrap();
        let mut command = Command::new(program);
        command.arg("-d").arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let process = listening(&mut command, port);
        Some(Self { port, _folder: folder, _process: process })
    }
}

/// microsocks, a SOCKS5 server.
pub(crate) struct Microsocks {
    pub(crate) port: u16,
    _process: Process,
}

impl Microsocks {
    /// One that takes this user and password.
    pub(crate) fn start(user: &str, password: &str) -> Option<Self> {
        let (program, port) = (program("microsocks")?, free_port());
        let mut command = Command::new(program);
        command.args(["-i", "127.0.0.1", "-p", &port.to_string(), "-u", user, "-P", password]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = listening(&mut command, port);
        Some(Self { port, _process: process })
    }
}

/// A program of `host/tests/servers`, which says where it is by a line of JSON.
pub(crate) struct Script {
    pub(crate) says: Value,
    _process: Process,
}

impl Script {
    /// The token server and its API.
    pub(crate) fn oauth2(arguments: &[&str]) -> Option<Self> {
        let packages = servers().join("node_modules");
        let found = packages.is_dir().then(|| "node".into());
        Self::start(found.or_else(|| missing("oauth2-mock-server"))?, "oauth2.mjs", arguments)
    }

    /// The API that takes AWS's signatures, and the token service.
    pub(crate) fn sigv4(arguments: &[&str]) -> Option<Self> {
        let python = target().join("python/bin/python");
        let found = python.is_file().then_some(python);
        Self::start(found.or_else(|| missing("botocore"))?, "sigv4.py", arguments)
    }

    fn start(interpreter: PathBuf, script: &str, arguments: &[&str]) -> Option<Self> {
        let mut command = Command::new(interpreter);
        command.arg(servers().join(script)).args(arguments);
        // Python's caches would lie between the sources.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process(command.spawn().unwrap());
        let mut line = String::new();
        let stdout = process.0.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let says = serde_json::from_str(&line);
        let says = says.unwrap_or_else(|error| panic!("{script} says {line:?}: {error}"));
        Some(Self { says, _process: process })
    }

    /// One of its addresses.
    pub(crate) fn url(&self, name: &str) -> &str {
        self.says[name].as_str().unwrap()
    }
}

fn servers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers")
}
