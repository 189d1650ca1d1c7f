//! What could not be built or measured, a sentence each. It is no error: what is left is still worth knowing.

/// The sentences.
#[derive(Default)]
pub(super) struct LeftOut(Vec<String>);

impl LeftOut {
    /// Takes a result, or says why there is none.
    pub(super) fn unless<T>(&mut self, what: &str, result: anyhow::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.say(format!("Left out is {what}: {error:#}"));
                None
            }
        }
    }

    /// Adds a sentence, its full stop where it needs one.
    pub(super) fn say(&mut self, sentence: impl Into<String>) {
        let mut sentence = sentence.into();
        if !sentence.ends_with('.') {
            sentence.push('.');
        }
        eprintln!("{sentence}");
        self.0.push(sentence);
    }

    /// All of them, in the order in which they came up.
    pub(super) fn sentences(&self) -> &[String] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_with_its_reason() {
        let mut left_out = LeftOut::default();
        assert_eq!(left_out.unless("nothing", Ok(7)), Some(7));
        assert_eq!(left_out.unless("Go", Err::<(), _>(anyhow::anyhow!("it is missing"))), None);
        assert_eq!(left_out.sentences(), ["Left out is Go: it is missing."]);
    }
}
