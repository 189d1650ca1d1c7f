//! Connections to a plugin, as go-plugin opens them: to a Unix socket or by TCP, in plain text or by mutual TLS.

use std::io;

use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Error};

use crate::handshake::Address;
use crate::mutual_tls::NAME;

/// Where a plugin listens, and how.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: Address,
    /// None for plain text.
    pub(crate) tls: Option<TlsConnector>,
}

/// What bytes go over.
trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

impl Target {
    /// Opens a connection. go-plugin, too, writes `unused` where HTTP wants a host.
    pub(crate) async fn connect(&self) -> Result<Channel, Error> {
        let target = self.clone();
        let connector = tower::service_fn(move |_uri| {
            let target = target.clone();
            async move { target.open().await.map(TokioIo::new) }
        });
        Endpoint::from_static("http://unused").connect_with_connector(connector).await
    }

    async fn open(self) -> io::Result<Box<dyn Transport>> {
        let plain: Box<dyn Transport> = match self.address {
            Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        };
        let Some(tls) = self.tls else { return Ok(plain) };
        let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
        Ok(Box::new(tls.connect(name, plain).await?))
    }
}
