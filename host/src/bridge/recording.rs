//! Recordings: calls of panels as they were, one in a line.

use serde::{Deserialize, Serialize};

use super::PanelCall;

/// One call of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedCall {
    /// The time of the day, `HH:MM:SS`.
    pub at: String,
    /// The call.
    pub call: PanelCall,
}

/// What is wrong with a recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// A line is not a call.
    #[error("line {line} of the recording is not a call: {error}")]
    Line {
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// A recorded time is not one.
    #[error("line {line} of the recording has a time that is not `HH:MM:SS`: `{at}`")]
    Time {
        /// The number of the line, from 1.
        line: usize,
        /// The time.
        at: String,
    },
}

/// Reads a recording: one call in JSON on each line, empty lines aside.
pub fn recorded_calls(recording: &[u8]) -> Result<Vec<RecordedCall>, RecordingError> {
    let lines = recording
        .split(|&byte| byte == b'\n')
        .zip(1..)
        .filter(|(text, _)| !text.trim_ascii().is_empty());
    let call = |(text, line)| {
        let call: RecordedCall =
            serde_json::from_slice(text).map_err(|error| RecordingError::Line { line, error })?;
        match is_time(&call.at) {
            true => Ok(call),
            false => Err(RecordingError::Time { line, at: call.at }),
        }
    };
    lines.map(call).collect()
}

fn is_time(text: &str) -> bool {
    let part = |range, limit: u8| {
        let digits = text
            .get(range)
            .filter(|digits: &&str| digits.bytes().all(|byte| byte.is_ascii_digit()));
        digits.and_then(|digits| digits.parse().ok()).is_some_and(|number: u8| number < limit)
    };
    text.len() == 8
        && part(0..2, 24)
        && part(3..5, 60)
        && part(6..8, 60)
        && &text[2..3] == ":"
        && &text[5..6] == ":"
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        r#"{"at":"08:00:00","call":{"dialect":"plesk","env":{"B":"canary","A":""}}}"#;

    fn error_of(recording: &[u8]) -> String {
        recorded_calls(recording).unwrap_err().to_string()
    }

    #[test]
    fn a_recording_has_a_call_on_each_line() {
        let calls = recorded_calls(format!("{LINE}\n\n{LINE}\r\n").as_bytes()).unwrap();
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[0].call.env.keys().collect::<Vec<_>>(), ["B", "A"]);
        assert_eq!(serde_json::to_string(&calls[0]).unwrap(), LINE);
    }

    #[test]
    fn the_values_of_a_call_are_not_printed() {
        let calls = recorded_calls(LINE.as_bytes()).unwrap();
        assert!(!format!("{:?}", calls[0]).contains("canary"));
    }

    #[test]
    fn a_wrong_line_is_named() {
        let error = error_of(format!("{LINE}\n\n{{\"at\":1}}").as_bytes());
        assert!(
            error.starts_with("line 3 of the recording is not a call: invalid type: integer `1`"),
            "{error}"
        );
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = error_of(LINE.replace("env", "envs").as_bytes());
        assert!(
            error.starts_with("line 1 of the recording is not a call: unknown field `envs`"),
            "{error}"
        );
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_refused() {
        let line = [LINE.as_bytes(), b"\n{\"at\":\"\xff\"}"].concat();
        assert!(
            error_of(&line).starts_with("line 2 of the recording is not a call: invalid unicode")
        );
    }

    #[test]
    fn a_time_that_is_none_is_refused() {
        let error = error_of(LINE.replace("08:00:00", "24:00:00").as_bytes());
        assert_eq!(error, "line 1 of the recording has a time that is not `HH:MM:SS`: `24:00:00`");
        assert!(
            ["8:00:00", "08:00", "08:00:0é", "é8:00:00", "08-00-00", "+8:00:00"]
                .iter()
                .all(|text| !is_time(text))
        );
    }
}
