//! Grafana's secure SOCKS proxy: SOCKS5 (RFC 1928, RFC 1929) inside of TLS 1.3 with a client certificate (contract section 9).
//!
//! reqwest speaks SOCKS5, but not inside of TLS. So it speaks it to a bridge in this process, on loopback: the bridge goes to the proxy
//! by TLS, says there what reqwest said here, and copies bytes both ways. Whoever else is on this machine finds the bridge closed: it
//! takes a password that nobody knows but reqwest.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use fast_socks5::client::{Config, Socks5Stream};
use fast_socks5::server::Socks5ServerProtocol;
use fast_socks5::util::target_addr::TargetAddr;
use fast_socks5::{AuthenticationMethod, ReplyError, Socks5Command};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, copy, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::egress::settings::{SettingsError, Socks, SocksTls};
use crate::limits::{
    SOCKS_ACCEPT_PAUSE, SOCKS_CONNECTIONS_MAX, SOCKS_HALF_OPEN_TIME, SOCKS_TIMEOUT,
};

/// The way of one client through the proxy.
pub(super) struct Bridge {
    /// What reqwest is to use as its proxy.
    pub(super) proxy: reqwest::Proxy,
    /// What the last connection failed by.
    failed: Failed,
    /// Ends with the client. None where reqwest goes to the proxy itself.
    serving: Option<JoinHandle<()>>,
}

type Failed = Arc<Mutex<Option<String>>>;

impl Drop for Bridge {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

impl Bridge {
    /// A way through the proxy. Must be called within a runtime, whose tasks copy the bytes.
    pub(super) fn new(socks: &Socks) -> Result<Self, SettingsError> {
        let failed = Failed::default();
        let Some(tls) = &socks.tls else {
            let Socks { address, user, password, .. } = socks;
            let proxy = proxy(address, user, password.expose())?;
            return Ok(Self { proxy, failed, serving: None });
        };
        let connector = connector(tls)?;
        let name = ServerName::try_from(tls.server_name.clone())
            .map_err(|_no_name| wrong("its server name is none"))?;
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| {
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        });
        let listener = listener.map_err(|error| wrong(&error.to_string()))?;
        let own = listener.local_addr().map_err(|error| wrong(&error.to_string()))?;
        let key = random()?;
        let proxy = proxy(&own.to_string(), "graft", &key)?;
        let way = Arc::new(Way {
            socks: socks.clone(),
            connector,
            name,
            key,
            failed: Arc::clone(&failed),
        });
        let serving = tokio::spawn(serve(listener, way));
        Ok(Self { proxy, failed, serving: Some(serving) })
    }

    /// Why the last connection failed, if it did at the proxy or before it.
    pub(super) fn failure(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A proxy that resolves names itself.
fn proxy(address: &str, user: &str, password: &str) -> Result<reqwest::Proxy, SettingsError> {
    let proxy = reqwest::Proxy::all(format!("socks5h://{address}"));
    let proxy = proxy.map_err(|_no_url| wrong("its address is none"))?;
    // The proxy behind it has them as well where there is one.
    Ok(if user.is_empty() { proxy } else { proxy.basic_auth(user, password) })
}

fn random() -> Result<String, SettingsError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| wrong(&error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn connector(tls: &SocksTls) -> Result<TlsConnector, SettingsError> {
    let mut roots = RootCertStore::empty();
    for pem in &tls.authorities {
        for certificate in CertificateDer::pem_slice_iter(pem.expose().as_bytes()) {
            let certificate =
                certificate.map_err(|_no_pem| wrong("its CA certificate is no PEM"))?;
            roots.add(certificate).map_err(|_none| wrong("its CA certificate cannot be read"))?;
        }
    }
    if roots.is_empty() {
        return Err(wrong("it has no CA certificate"));
    }
    let chain = CertificateDer::pem_slice_iter(tls.certificate.expose().as_bytes());
    let chain: Result<Vec<_>, _> = chain.collect();
    let chain = chain.map_err(|_no_pem| wrong("its client certificate is no PEM"))?;
    let key = PrivateKeyDer::from_pem_slice(tls.key.expose().as_bytes());
    let key = key.map_err(|_no_pem| wrong("its client key is no PEM"))?;
    let config = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13]);
    let config = config.with_root_certificates(roots).with_client_auth_cert(chain, key);
    let config = config.map_err(|_unfit| wrong("its client certificate and key do not fit"))?;
    Ok(TlsConnector::from(Arc::new(config)))
}

fn wrong(reason: &str) -> SettingsError {
    SettingsError::Socks { reason: reason.to_owned() }
}

/// What the bridge knows.
struct Way {
    socks: Socks,
    connector: TlsConnector,
    name: ServerName<'static>,
    /// Who has it may cross.
    key: String,
    failed: Failed,
}

async fn serve(listener: TcpListener, way: Arc<Way>) {
    let places = Arc::new(tokio::sync::Semaphore::new(SOCKS_CONNECTIONS_MAX));
    // Those that are open end with the task that holds them.
    let mut open = tokio::task::JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _peer)) = listener.accept().await else {
            sleep(SOCKS_ACCEPT_PAUSE).await;
            continue;
        };
        let way = Arc::clone(&way);
        open.spawn(async move {
            way.cross(stream).await;
            drop(place);
        });
        while open.try_join_next().is_some() {}
    }
}

impl Way {
    /// One connection, from reqwest's first byte to its last.
    async fn cross(&self, stream: TcpStream) {
        let Ok(Some((waiting, target))) = timeout(SOCKS_TIMEOUT, self.ask(stream)).await else {
            return;
        };
        let connected = timeout(SOCKS_TIMEOUT, self.connect(target)).await;
        let connected = connected.unwrap_or_else(|_elapsed| {
            Err((ReplyError::TtlExpired, "it does not answer in time".to_owned()))
        });
        match connected {
            Ok(mut far) => {
                let any = SocketAddr::from(([127, 0, 0, 1], 0));
                let Ok(mut near) = waiting.reply_success(any).await else { return };
                copy_both_ways(&mut near, &mut far).await;
            }
            Err((reply, cause)) => {
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(cause);
                let _told = waiting.reply_error(&reply).await;
            }
        }
    }

    /// Where reqwest wants to go; none for whoever has not its password.
    async fn ask(&self, stream: TcpStream) -> Option<(Waiting, TargetAddr)> {
        let is_known = |_user, password: String| password == self.key;
        let accepted = Socks5ServerProtocol::accept_password_auth(stream, is_known).await;
        let (accepted, _is_known) = accepted.ok()?;
        let (waiting, command, target) = accepted.read_command().await.ok()?;
        (command == Socks5Command::TCPConnect).then_some((waiting, target))
    }

    /// A connection to there, through the proxy.
    async fn connect(
        &self,
        target: TargetAddr,
    ) -> Result<impl AsyncRead + AsyncWrite + Unpin + use<>, (ReplyError, String)> {
        let unreachable = |cause: String| (ReplyError::NetworkUnreachable, cause);
        let stream = TcpStream::connect(&self.socks.address).await;
        let stream =
            stream.map_err(|error| unreachable(format!("it cannot be reached ({error})")))?;
        // Without it one that is gone without a word would stay. It is only a wish to the system.
        let _set = rustix::net::sockopt::set_socket_keepalive(&stream, true);
        let tls = self.connector.connect(self.name.clone(), stream).await;
        let tls =
            tls.map_err(|error: io::Error| unreachable(format!("TLS with it failed ({error})")))?;
        let (username, password) =
            (self.socks.user.clone(), self.socks.password.expose().to_owned());
        let credentials = AuthenticationMethod::Password { username, password };
        let stream = Socks5Stream::use_stream(tls, Some(credentials), Config::default()).await;
        let mut stream = stream.map_err(|_refused| {
            let cause = "it does not take the user name and password".to_owned();
            (ReplyError::ConnectionNotAllowed, cause)
        })?;
        let connected = stream.request(Socks5Command::TCPConnect, target).await;
        connected.map_err(|error| {
            (ReplyError::HostUnreachable, format!("it does not reach the API ({error})"))
        })?;
        Ok(stream)
    }
}

/// Copies until one side has ended, and then what the other still says for a short time: one that says nothing and never ends would be kept
/// for ever, long after reqwest has given up.
async fn copy_both_ways<F: AsyncRead + AsyncWrite>(near: &mut TcpStream, far: F) {
    let (mut from_near, mut to_near) = near.split();
    let (mut from_far, mut to_far) = split(far);
    let there = async {
        let _copied = copy(&mut from_near, &mut to_far).await;
        let _gone = to_far.shutdown().await;
    };
    let back = async {
        let _copied = copy(&mut from_far, &mut to_near).await;
        let _gone = to_near.shutdown().await;
    };
    tokio::pin!(there, back);
    let _late = tokio::select! {
        () = &mut there => timeout(SOCKS_HALF_OPEN_TIME, back).await,
        () = &mut back => timeout(SOCKS_HALF_OPEN_TIME, there).await,
    };
}

type Waiting = Socks5ServerProtocol<TcpStream, fast_socks5::server::states::CommandRead>;
