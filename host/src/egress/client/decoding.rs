//! A response's body without its compression (RFC 9110, section 8.4.1).
//!
//! reqwest would do that as well, but keeps to itself how much came: then a body that grows a thousandfold is found out only when it is as
//! large as a body may be, and making others do that work is what it is for.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_util::io::StreamReader;

use crate::limits::{DECODED_BYTES_FREE, DECODED_PIECE_BYTES};

/// What an API may use (`Accept-Encoding`).
pub(super) const ACCEPTED: &str = "gzip, br, zstd";

/// A compression that the body has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Brotli,
    Zstandard,
}

impl Coding {
    /// The one that header fields name. None for none, and for what nobody asked for: a guest that did gets it as it is.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        match headers.get(CONTENT_ENCODING)?.to_str().ok()?.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstandard),
            _ => None,
        }
    }
}

/// A body as it comes, piece by piece.
pub(super) struct Body {
    source: Source,
    /// As it came, bytes.
    came: Arc<AtomicUsize>,
    /// As it was handed on, bytes.
    decoded: usize,
}

enum Source {
    /// As it is.
    Plain(reqwest::Response),
    /// Nothing of it has been read: there may be nothing, which is no compressed body, but none at all.
    Compressed(reqwest::Response, Coding),
    /// What takes the compression off.
    Decoder(Pin<Box<dyn AsyncRead + Send>>, BytesMut),
    /// Nothing more.
    End,
}

impl Body {
    /// That of a response.
    pub(super) fn of(response: reqwest::Response) -> Self {
        let source = match Coding::of(response.headers()) {
            Some(coding) => Source::Compressed(response, coding),
            None => Source::Plain(response),
        };
        Self { source, came: Arc::default(), decoded: 0 }
    }

    /// The next piece; none after the last.
    pub(super) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if let Source::Compressed(response, coding) = &mut self.source {
            let (first, coding) = (response.chunk().await.map_err(io::Error::other)?, *coding);
            let response = std::mem::replace(&mut self.source, Source::End);
            if let (Some(first), Source::Compressed(response, _)) = (first, response) {
                let decoder = decoder(first, response, coding, Arc::clone(&self.came));
                self.source = Source::Decoder(decoder, BytesMut::new());
            }
        }
        match &mut self.source {
            Source::Plain(response) => response.chunk().await.map_err(io::Error::other),
            Source::Decoder(decoder, buffer) => {
                buffer.reserve(DECODED_PIECE_BYTES);
                let read = decoder.read_buf(buffer).await?;
                self.decoded += read;
                Ok((read > 0).then(|| buffer.split().freeze()))
            }
            Source::Compressed(..) | Source::End => Ok(None),
        }
    }

    /// Whether it has grown to more than `most` times of what came. Little may grow as it likes.
    pub(super) fn has_grown_beyond(&self, most: usize) -> bool {
        let came = self.came.load(Ordering::Relaxed);
        self.decoded > DECODED_BYTES_FREE.max(came.saturating_mul(most))
    }

    /// All pieces, until it has grown to more than `most` times of what came.
    pub(super) fn into_stream(self, most: usize) -> impl Stream<Item = io::Result<Bytes>> {
        stream::try_unfold(self, move |mut body| async move {
            let piece = body.next().await?;
            if body.has_grown_beyond(most) {
                let cause = format!("it grows to more than {most} times of its compressed size");
                return Err(io::Error::other(cause));
            }
            Ok(piece.map(|piece| (piece, body)))
        })
    }
}

fn decoder(
    first: Bytes,
    rest: reqwest::Response,
    coding: Coding,
    came: Arc<AtomicUsize>,
) -> Pin<Box<dyn AsyncRead + Send>> {
    let rest = rest.bytes_stream().map_err(io::Error::other);
    let all = stream::once(async { Ok(first) }).chain(rest).inspect_ok(move |piece: &Bytes| {
        came.fetch_add(piece.len(), Ordering::Relaxed);
    });
    let all = StreamReader::new(Box::pin(all));
    match coding {
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(all);
            // RFC 1952, section 2.2: a file is one member after the other.
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        Coding::Brotli => Box::pin(BrotliDecoder::new(all)),
        Coding::Zstandard => {
            let mut decoder = ZstdDecoder::new(all);
            // RFC 8878, section 3: frames, too.
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::HeaderValue;

    use super::*;

    fn response(coding: &str, pieces: Vec<Vec<u8>>) -> reqwest::Response {
        let pieces = stream::iter(pieces.into_iter().map(Ok::<_, io::Error>));
        let response = http::Response::builder().header(CONTENT_ENCODING, coding);
        response.body(reqwest::Body::wrap_stream(pieces)).unwrap().into()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    async fn all(mut body: Body) -> io::Result<Vec<u8>> {
        let mut read = Vec::new();
        while let Some(piece) = body.next().await? {
            read.extend_from_slice(&piece);
        }
        Ok(read)
    }

    #[test]
    fn a_coding_is_known_by_its_name() {
        for (name, coding) in [
            ("gzip", Some(Coding::Gzip)),
            ("x-gzip", Some(Coding::Gzip)),
            (" BR ", Some(Coding::Brotli)),
            ("zstd", Some(Coding::Zstandard)),
            ("identity", None),
            ("deflate", None),
            ("gzip, br", None),
        ] {
            let name = HeaderValue::from_str(name).unwrap();
            let headers = HeaderMap::from_iter([(CONTENT_ENCODING, name)]);
            assert_eq!(Coding::of(&headers), coding);
        }
        assert_eq!(Coding::of(&HeaderMap::new()), None);
    }

    #[tokio::test]
    async fn a_body_is_the_same_however_it_comes() {
        let text = "what there is to say ".repeat(10_000).into_bytes();
        let (middle, compressed) = (text.len() / 2, gzip(&text));
        let bytewise = compressed.iter().map(|byte| vec![*byte]).collect();
        let members = vec![gzip(&text[..middle]), gzip(&text[middle..])];
        for pieces in [vec![compressed.clone()], bytewise, members] {
            assert_eq!(all(Body::of(response("gzip", pieces))).await.unwrap(), text);
        }
        let plain = response("identity", vec![text.clone()]);
        assert_eq!(all(Body::of(plain)).await.unwrap(), text);
        // An answer to HEAD has the field and no body.
        assert!(all(Body::of(response("zstd", Vec::new()))).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_is_cut_off_or_no_such_thing_is_an_error() {
        let cut = gzip(&[7; 1000])[..12].to_vec();
        assert!(all(Body::of(response("gzip", vec![cut]))).await.is_err());
        for coding in ["gzip", "br", "zstd"] {
            let none = response(coding, vec![b"<html>no</html>".to_vec()]);
            assert!(all(Body::of(none)).await.is_err(), "{coding}");
        }
    }

    #[tokio::test]
    async fn growth_shows_where_there_is_much_of_it() {
        let zeros = vec![0; 4 * DECODED_BYTES_FREE];
        let mut body = Body::of(response("gzip", vec![gzip(&zeros)]));
        let mut read = 0;
        while let Some(piece) = body.next().await.unwrap() {
            read += piece.len();
            assert_eq!(body.has_grown_beyond(1), read > DECODED_BYTES_FREE, "{read}");
            assert!(!body.has_grown_beyond(2000), "gzip cannot");
        }
        assert_eq!(read, zeros.len());
    }
}
