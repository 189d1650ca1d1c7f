//! What of a frame is new to those who look: the whole of it, when its schema is not what they know, else only rows. Pure.

use bytes::Bytes;

use crate::frame::{Error, Fingerprint, LiveFrame};

/// What has been sent of one stream.
#[derive(Default)]
pub(super) struct News {
    ref_id: String,
    /// None before the first frame.
    sent: Option<Sent>,
}

struct Sent {
    fingerprint: Fingerprint,
    /// The last point in time; none if there were no rows.
    last: Option<i64>,
    /// The frame itself, where its rows are in no order of time.
    content: Option<LiveFrame>,
}

impl News {
    pub(super) fn new(ref_id: &str) -> Self {
        Self { ref_id: ref_id.to_owned(), sent: None }
    }

    /// The packet for a frame that holds all of a window of time, most of which was sent before.
    pub(super) fn of_window(&mut self, frame: &LiveFrame) -> Result<Option<Bytes>, Error> {
        let fingerprint = frame.fingerprint()?;
        let Some(sent) = self.sent.as_mut().filter(|sent| sent.fingerprint == fingerprint) else {
            return self.whole(frame, fingerprint).map(Some);
        };
        if !frame.is_ordered_by_time() {
            return match &sent.content {
                Some(content) if frame.has_content_of(content)? => Ok(None),
                _ => self.whole(frame, fingerprint).map(Some),
            };
        }
        let newer = sent.last.map_or_else(|| frame.clone(), |last| frame.after(last));
        if newer.rows() == 0 {
            return Ok(None);
        }
        sent.last = newer.last_time();
        newer.data().map(Some)
    }

    /// The packet for a frame that holds what is new, and nothing else.
    pub(super) fn of_event(&mut self, frame: &LiveFrame) -> Result<Option<Bytes>, Error> {
        let fingerprint = frame.fingerprint()?;
        match &self.sent {
            Some(sent) if sent.fingerprint == fingerprint && frame.rows() == 0 => Ok(None),
            Some(sent) if sent.fingerprint == fingerprint => frame.data().map(Some),
            _ => self.whole(frame, fingerprint).map(Some),
        }
    }

    fn whole(&mut self, frame: &LiveFrame, fingerprint: Fingerprint) -> Result<Bytes, Error> {
        let content = (!frame.is_ordered_by_time()).then(|| frame.clone());
        self.sent = Some(Sent { fingerprint, last: frame.last_time(), content });
        frame.whole(&self.ref_id)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::frame::Frames;
    use crate::limits::Limits;
    use crate::model::{Column, Field, Frame, FrameMeta, Kind, Texts};

    fn field(name: &str, values: Column) -> Field {
        let name = name.to_owned();
        Field { name, labels: Vec::new(), config: Vec::new(), values, validity: None }
    }

    /// A series whose value at second n is n.
    fn series(name: &str, seconds: &[u32]) -> LiveFrame {
        let times = seconds.iter().map(|second| i64::from(*second) * 1_000_000_000).collect();
        let values = seconds.iter().copied().map(f64::from).collect();
        let fields = vec![field("time", Column::Time(times)), field(name, Column::Float64(values))];
        frame(Frame {
            fields,
            meta: vec![FrameMeta::Kind(Kind::TimeseriesWide)],
            ..Frame::default()
        })
    }

    fn table(text: &str) -> LiveFrame {
        let length = i32::try_from(text.len()).unwrap();
        let texts = Texts { offsets: vec![0, length], bytes: text.as_bytes().to_vec() };
        frame(Frame { fields: vec![field("text", Column::String(texts))], ..Frame::default() })
    }

    fn frame(frame: Frame) -> LiveFrame {
        let mut frames = Frames::new(&Limits::default());
        frames.add(vec![frame]).unwrap();
        frames.complete().unwrap().into_live().unwrap().unwrap()
    }

    fn check(
        frames: impl IntoIterator<Item = LiveFrame>,
        packet: fn(&mut News, &LiveFrame) -> Result<Option<Bytes>, Error>,
        expected: &Expect,
    ) {
        let mut news = News::new("A");
        let shown = frames.into_iter().map(|frame| match packet(&mut news, &frame).unwrap() {
            Some(packet) => String::from_utf8(packet.to_vec()).unwrap() + "\n",
            None => "nothing\n".to_owned(),
        });
        expected.assert_eq(&shown.collect::<String>());
    }

    #[test]
    fn of_a_window_only_newer_rows_are_sent_and_all_when_the_schema_changes() {
        let windows = [
            series("a", &[1, 2]),
            series("a", &[2, 3]),
            series("a", &[2, 3]),
            series("b", &[3]),
            series("b", &[]),
            series("b", &[3, 4]),
        ];
        check(
            windows,
            News::of_window,
            &expect![[r#"
            {"schema":{"refId":"A","meta":{"type":"timeseries-wide","typeVersion":[0,1]},"fields":[{"name":"time","type":"time","typeInfo":{"frame":"time.Time"}},{"name":"a","type":"number","typeInfo":{"frame":"float64"}}]},"data":{"values":[[1000,2000],[1.0,2.0]]}}
            {"data":{"values":[[3000],[3.0]]}}
            nothing
            {"schema":{"refId":"A","meta":{"type":"timeseries-wide","typeVersion":[0,1]},"fields":[{"name":"time","type":"time","typeInfo":{"frame":"time.Time"}},{"name":"b","type":"number","typeInfo":{"frame":"float64"}}]},"data":{"values":[[3000],[3.0]]}}
            nothing
            {"data":{"values":[[4000],[4.0]]}}
        "#]],
        );
    }

    #[test]
    fn a_table_is_sent_again_only_when_it_is_another() {
        check(
            [table("a"), table("a"), table("b")],
            News::of_window,
            &expect![[r#"
            {"schema":{"refId":"A","fields":[{"name":"text","type":"string","typeInfo":{"frame":"string"}}]},"data":{"values":[["a"]]}}
            nothing
            {"schema":{"refId":"A","fields":[{"name":"text","type":"string","typeInfo":{"frame":"string"}}]},"data":{"values":[["b"]]}}
        "#]],
        );
    }

    #[test]
    fn of_events_all_rows_are_new() {
        let events = [series("a", &[5]), series("a", &[3]), series("a", &[]), series("b", &[4])];
        check(
            events,
            News::of_event,
            &expect![[r#"
            {"schema":{"refId":"A","meta":{"type":"timeseries-wide","typeVersion":[0,1]},"fields":[{"name":"time","type":"time","typeInfo":{"frame":"time.Time"}},{"name":"a","type":"number","typeInfo":{"frame":"float64"}}]},"data":{"values":[[5000],[5.0]]}}
            {"data":{"values":[[3000],[3.0]]}}
            nothing
            {"schema":{"refId":"A","meta":{"type":"timeseries-wide","typeVersion":[0,1]},"fields":[{"name":"time","type":"time","typeInfo":{"frame":"time.Time"}},{"name":"b","type":"number","typeInfo":{"frame":"float64"}}]},"data":{"values":[[4000],[4.0]]}}
        "#]],
        );
    }
}
