use std::fs::File;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::time::{Duration, SystemTime};

use tokio::net::{TcpStream, UnixStream};

use super::*;

fn unix(folder: &Path, group: Option<&str>) -> Network {
    Network::Unix { folder: folder.to_owned(), group: group.map(str::to_owned) }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[tokio::test]
async fn a_socket_is_for_this_user_alone_and_goes_with_the_listener() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::bind(&unix(folder.path(), None)).await.unwrap();
    let path = PathBuf::from(listener.address());

    assert_eq!(listener.network(), "unix");
    assert!(path.is_absolute() && path.starts_with(folder.path()), "{}", path.display());
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    UnixStream::connect(&path).await.unwrap();

    drop(listener);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn two_plugins_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let one = Listener::bind(&unix(folder.path(), None)).await.unwrap();
    let other = Listener::bind(&unix(folder.path(), None)).await.unwrap();
    assert_ne!(one.address(), other.address());
}

#[tokio::test]
async fn a_group_can_connect_when_go_plugin_says_so() {
    let folder = tempfile::tempdir().unwrap();
    // Anybody may give a file to a group of his own.
    let own = nix::unistd::getgid().as_raw();
    let listener = Listener::bind(&unix(folder.path(), Some(&own.to_string()))).await.unwrap();
    let path = PathBuf::from(listener.address());
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o660, 0o710));
    assert_eq!(fs::metadata(&path).unwrap().gid(), own);
}

#[tokio::test]
async fn a_group_is_found_by_its_name() {
    let own = Group::from_gid(nix::unistd::getgid()).unwrap().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::bind(&unix(folder.path(), Some(&own.name))).await.unwrap();
    assert_eq!(fs::metadata(listener.address()).unwrap().gid(), own.gid.as_raw());
}

#[tokio::test]
async fn a_socket_that_cannot_be_had_is_refused_with_its_reason_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("x".repeat(100));
    let piped = folder.path().join("a|b");
    fs::create_dir(&long).unwrap();
    fs::create_dir(&piped).unwrap();
    for (network, words) in [
        (unix(Path::new("/nonexistent"), None), "below '/nonexistent'"),
        (unix(&long, None), "at most 107 bytes"),
        (unix(&piped, None), "holds a '|'"),
        (unix(folder.path(), Some("no such group")), "'no such group', which this system"),
    ] {
        let error = Listener::bind(&network).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(fs::read_dir(&long).unwrap().count(), 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn tcp_takes_the_first_free_port_on_loopback() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let ports = port..=port.saturating_add(20);
    let listener = Listener::bind(&Network::Tcp { ports }).await.unwrap();
    assert_eq!(listener.network(), "tcp");
    assert!(listener.address().starts_with("127.0.0.1:"), "{}", listener.address());
    TcpStream::connect(listener.address()).await.unwrap();

    let error = Listener::bind(&Network::Tcp { ports: port..=port }).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("no port from {port} to {port} ")), "{error}");
}

#[tokio::test]
async fn port_0_is_any_free_port() {
    let listener = Listener::bind(&Network::Tcp { ports: 0..=0 }).await.unwrap();
    assert!(!listener.address().ends_with(":0"), "{}", listener.address());
}

/// A folder with a socket that nobody listens at any more, last changed so long ago.
fn left_over(parent: &Path, name: &str, age: Duration) -> PathBuf {
    let folder = parent.join(name);
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    drop(std::os::unix::net::UnixListener::bind(folder.join("plugin")).unwrap());
    make_old(&folder, age);
    folder
}

fn make_old(folder: &Path, age: Duration) {
    File::open(folder).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

#[tokio::test]
async fn what_killed_plugins_left_goes_and_nothing_else() {
    let (parent, long) = (tempfile::tempdir().unwrap(), Duration::from_secs(3600));
    let gone = left_over(parent.path(), "graft-dead", long);
    let with_more = left_over(parent.path(), "graft-with-more", long);
    fs::write(with_more.join("note"), "").unwrap();
    let open = left_over(parent.path(), "graft-open", long);
    fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
    let no_socket = left_over(parent.path(), "graft-no-socket", long);
    fs::remove_file(no_socket.join("plugin")).unwrap();
    fs::write(no_socket.join("plugin"), "").unwrap();
    let link = parent.path().join("graft-link");
    let elsewhere = left_over(parent.path(), "elsewhere", long);
    symlink(&elsewhere, &link).unwrap();
    let live = Listener::bind(&unix(parent.path(), None)).await.unwrap();
    let live_folder = Path::new(live.address()).parent().unwrap().to_owned();
    for folder in [&with_more, &no_socket, &live_folder] {
        make_old(folder, long);
    }
    let new = left_over(parent.path(), "graft-new", Duration::ZERO);

    let _another = Listener::bind(&unix(parent.path(), None)).await.unwrap();
    assert!(!gone.exists());
    for stays in [with_more, open, no_socket, link, elsewhere, live_folder, new] {
        assert!(stays.join("plugin").exists(), "{}", stays.display());
    }
}
