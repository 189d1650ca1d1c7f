//! What the running streams show, for those who come when a stream runs already: its packets hold only what is new.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::Channel;
use crate::datasource::RawSettings;
use crate::frame::LiveFrame;
use crate::limits::LIVE_SHOWN_BYTES_MAX;
use crate::query::elsewhere;

/// All running streams of this process.
#[derive(Default)]
pub struct Channels {
    running: Mutex<HashMap<Key, Shown>>,
    /// How many streams have begun so far.
    begun: AtomicU64,
}

/// A data source of an organisation, and a path below it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    org_id: i64,
    uid: String,
    path: String,
}

/// What a stream shows.
struct Shown {
    /// Tells a stream from the one that took its place.
    stream: u64,
    /// None before the first packet.
    frame: Option<LiveFrame>,
}

/// A stream's place among those that run, until it is dropped.
pub struct Running<'a> {
    channels: &'a Channels,
    key: Key,
    stream: u64,
}

impl Channels {
    /// A place for one more stream; none if there are `most` of them.
    pub fn begin(
        &self,
        settings: &RawSettings,
        channel: &Channel,
        most: usize,
    ) -> Option<Running<'_>> {
        let key = Key::of(settings, channel);
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if !running.contains_key(&key) && running.len() >= most {
            return None;
        }
        let stream = self.begun.fetch_add(1, Ordering::Relaxed);
        running.insert(key.clone(), Shown { stream, frame: None });
        Some(Running { channels: self, key, stream })
    }

    /// What a stream shows already, as its first packet for somebody who comes now; empty if there is nothing.
    pub async fn shown(&self, settings: &RawSettings, channel: &Channel) -> Bytes {
        let Some(frame) = self.frame(&Key::of(settings, channel)) else { return Bytes::new() };
        let ref_id = channel.ref_id().to_owned();
        let whole = elsewhere(move || frame.whole(&ref_id)).await;
        whole.ok().and_then(Result::ok).unwrap_or_default()
    }

    fn frame(&self, key: &Key) -> Option<LiveFrame> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(key).and_then(|shown| shown.frame.clone())
    }
}

impl Key {
    fn of(settings: &RawSettings, channel: &Channel) -> Self {
        let RawSettings { org_id, uid, .. } = settings;
        Self { org_id: *org_id, uid: uid.clone(), path: channel.path().to_owned() }
    }
}

impl Running<'_> {
    /// The stream shows this from now on.
    pub(super) fn shows(&self, frame: LiveFrame) {
        let mut running = self.channels.running.lock().unwrap_or_else(PoisonError::into_inner);
        let others = running.iter().filter(|(key, _shown)| **key != self.key);
        let frames = others.filter_map(|(_key, shown)| shown.frame.as_ref());
        let bytes = frames.map(LiveFrame::bytes).sum::<usize>() + frame.bytes();
        if let Some(shown) = running.get_mut(&self.key)
            && shown.stream == self.stream
        {
            shown.frame = (bytes <= LIVE_SHOWN_BYTES_MAX).then_some(frame);
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut running = self.channels.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.get(&self.key).is_some_and(|shown| shown.stream == self.stream) {
            running.remove(&self.key);
        }
    }
}
