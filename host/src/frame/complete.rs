//! All frames of a query, once there are no more to come: what can be said and done only about them together.

use bytes::Bytes;

use super::alert::{self, Readiness};
use super::error::{Error, Position};
use super::live::LiveFrame;
use super::pages::CheckedFrame;
use super::{ipc, json, kind};
use crate::model::Format;

/// All frames of one query, each what its kind promises.
#[derive(Debug)]
pub struct CompleteFrames {
    /// In the order in which the guest returned them.
    frames: Vec<CheckedFrame>,
    /// What the columns of a frame in another shape may take.
    bytes_max: usize,
}

impl CompleteFrames {
    /// Checks the frames against their kinds.
    pub(super) fn check(frames: Vec<CheckedFrame>, bytes_max: usize) -> Result<Self, Error> {
        kind::check(&frames)?;
        Ok(Self { frames, bytes_max })
    }

    /// The frames as an alert rule has to get them: long ones wide, and no rows at all as "no data". An error says why no
    /// rule can evaluate them.
    pub fn for_alert(self) -> Result<Self, Error> {
        let (frames, Readiness { ready, reasons, .. }) =
            alert::prepare(self.frames, self.bytes_max);
        if ready { Ok(Self { frames, ..self }) } else { Err(Error::NotForAlerts(reasons)) }
    }

    /// What an alert rule would make of the frames. Values are shared, not copied, but for those of long frames.
    pub fn alert_readiness(&self) -> Readiness {
        alert::prepare(self.frames.clone(), self.bytes_max).1
    }

    /// The one frame that a stream carries; none if there is no frame.
    pub fn into_live(self) -> Result<Option<LiveFrame>, Error> {
        LiveFrame::of(self.frames, self.bytes_max).map_err(Error::NotOneFrame)
    }

    /// Encodes each frame as Grafana asked: an Arrow IPC file or a JSON document each, stamped with the query's ref id.
    /// Each frame's columns are dropped as soon as they are written.
    pub fn encode(self, ref_id: &str, format: Format) -> Result<Vec<Bytes>, Error> {
        let encode = |(index, frame): (usize, CheckedFrame)| {
            let position = Position { index, name: frame.name.clone() };
            let encoded = match format {
                Format::Arrow => ipc::encode(frame, ref_id).map_err(|error| error.to_string()),
                Format::Json => json::encode(frame, ref_id).map_err(|error| error.to_string()),
            };
            match encoded {
                Ok(bytes) => Ok(Bytes::from(bytes)),
                Err(cause) => Err(Error::Encoding { frame: position, cause }),
            }
        };
        self.frames.into_iter().enumerate().map(encode).collect()
    }
}
