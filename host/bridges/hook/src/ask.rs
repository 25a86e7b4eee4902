//! Asking the host over its Unix socket. Nothing here waits longer than until `end`.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use palisade_hook::{PanelCall, Printed};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send, socket_with,
};

use crate::time::left;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// The answer to a call of the panel.
    Real,
    /// The answer to a rehearsal, which changes nothing.
    Probe,
}

impl Asking {
    /// The path of the host's API that takes a panel's call, with the time that it has for it: the handlers' own
    /// `on-failure` decides when that is over, and not this program.
    fn path(self, end: Instant) -> String {
        let left = end.saturating_duration_since(Instant::now()).saturating_sub(WAY_BACK);
        let path = format!("/v1/bridge?within_ms={}", left.as_millis().max(1));
        match self {
            Asking::Real => path,
            Asking::Probe => format!("{path}&dry_run=true"),
        }
    }
}

/// What an answer may take to come back.
const WAY_BACK: Duration = Duration::from_millis(100);
/// Bytes of an answer, its head included.
const MAX_ANSWER: usize = 64 << 20;
/// Header lines of an answer.
const MAX_HEADERS: usize = 32;
/// Milliseconds between two tries to connect to a host that has as many callers waiting as it takes.
const RETRY_MS: u64 = 2;

/// Has the host answer the call.
pub fn ask(
    socket: &Path,
    call: &PanelCall,
    asking: Asking,
    end: Instant,
) -> Result<Printed, String> {
    let host = |error: &str| format!("the host at `{}` {error}", socket.display());
    let body = serde_json::to_vec(call).map_err(|error| error.to_string())?;
    let mut request = format!(
        "POST {} HTTP/1.1\r\nhost: palisade\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        asking.path(end),
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(&body);
    let stream = open(socket, end).map_err(|error| host(&format!("cannot be reached: {error}")))?;
    // A host that refuses a request answers before it has read all of it; the answer says why.
    let sent = write(&stream, &request, end);
    match (read_answer(&stream, end), sent) {
        (Ok(answer), _) => answer.map_err(|error| host(&error)),
        (Err(_), Err(error)) => Err(host(&format!("did not take the call: {error}"))),
        (Err(error), Ok(())) => Err(host(&format!("did not answer: {error}"))),
    }
}

/// Whether the host can be reached at all.
pub fn reach(socket: &Path, end: Instant) -> Result<(), String> {
    let unreached =
        |error| format!("the host at `{}` cannot be reached: {error}", socket.display());
    open(socket, end).map(drop).map_err(unreached)
}

fn open(path: &Path, end: Instant) -> Result<OwnedFd, Errno> {
    let address = SocketAddrUnix::new(path)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let stream = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    loop {
        match connect(&stream, &address) {
            Err(Errno::AGAIN) if Instant::now() < end => {
                std::thread::sleep(std::time::Duration::from_millis(RETRY_MS));
            }
            Err(Errno::INTR) => {}
            connected => return connected.map(|()| stream),
        }
    }
}

/// Waits until the stream can be read or written.
fn wait(stream: &OwnedFd, what: PollFlags, end: Instant) -> Result<(), Errno> {
    loop {
        match rustix::event::poll(&mut [PollFd::new(stream, what)], Some(&left(end))) {
            Ok(0) => return Err(Errno::TIMEDOUT),
            Err(Errno::INTR) => {}
            ready => return ready.map(drop),
        }
    }
}

fn write(stream: &OwnedFd, mut bytes: &[u8], end: Instant) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match send(stream, bytes, SendFlags::NOSIGNAL) {
            Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
            Err(Errno::AGAIN) => wait(stream, PollFlags::OUT, end)?,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads the answer. The inner error is the host's, the outer one that of the connection.
fn read_answer(stream: &OwnedFd, end: Instant) -> Result<Result<Printed, String>, String> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 << 10];
    loop {
        if let Some(answer) = parse(&bytes)? {
            return Ok(answer);
        }
        match rustix::io::read(stream, &mut buffer) {
            Ok(0) => return Err("the connection ended".to_owned()),
            Ok(read) => bytes.extend_from_slice(buffer.get(..read).unwrap_or_default()),
            Err(Errno::AGAIN) => wait(stream, PollFlags::IN, end).map_err(|error| match error {
                Errno::TIMEDOUT => "its time is over".to_owned(),
                error => error.to_string(),
            })?,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.to_string()),
        }
        if bytes.len() > MAX_ANSWER {
            return Err(format!("its answer has more than {MAX_ANSWER} bytes"));
        }
    }
}

/// The answer, once all of it is there.
fn parse(bytes: &[u8]) -> Result<Option<Result<Printed, String>>, String> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let head = match response.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(format!("its answer is no HTTP: {error}")),
    };
    let length = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse::<usize>().ok())
        .filter(|&length| length <= MAX_ANSWER)
        .ok_or("its answer does not say how long it is")?;
    let Some(body) = bytes.get(head..).and_then(|body| body.get(..length)) else { return Ok(None) };
    Ok(Some(match response.code {
        Some(200) => serde_json::from_slice(body)
            .map_err(|error| format!("gave an answer that is none: {error}")),
        code => {
            let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            let message = body.pointer("/error/message").and_then(serde_json::Value::as_str);
            Err(format!(
                "refused the call with status {}: {}",
                code.unwrap_or_default(),
                message.unwrap_or("it does not say why")
            ))
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(answer: &str) -> String {
        match parse(answer.as_bytes()) {
            Ok(None) => "more".to_owned(),
            Ok(Some(Ok(printed))) => format!("{} {}", printed.stdout.text(), printed.status),
            Ok(Some(Err(error))) | Err(error) => error,
        }
    }

    #[test]
    fn an_answer_is_read_when_all_of_it_is_there() {
        let answer =
            "HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{\"stdout\":\"1 ok\",\"status\":2}";
        let answer = answer.replace("27", &"{\"stdout\":\"1 ok\",\"status\":2}".len().to_string());
        assert_eq!(said(&answer), "1 ok 2");
        for end in [0, 5, 20, answer.len() - 1] {
            assert_eq!(said(answer.get(..end).unwrap()), "more");
        }
    }

    #[test]
    fn what_is_no_answer_is_said() {
        let head = "HTTP/1.1 200 OK\r\n";
        assert_eq!(said(&format!("{head}\r\n")), "its answer does not say how long it is");
        assert_eq!(
            said(&format!("{head}content-length: 99999999999\r\n\r\n")),
            "its answer does not say how long it is"
        );
        assert!(said("SSH-2.0\r\n").starts_with("its answer is no HTTP"));
        assert!(
            said(&format!("{head}content-length: 2\r\n\r\n[]"))
                .starts_with("gave an answer that is none")
        );
        let body = r#"{"error":{"message":"no such field"}}"#;
        assert_eq!(
            said(&format!("HTTP/1.1 422 X\r\ncontent-length: {}\r\n\r\n{body}", body.len())),
            "refused the call with status 422: no such field"
        );
        assert_eq!(
            said("HTTP/1.1 500 X\r\ncontent-length: 1\r\n\r\nx"),
            "refused the call with status 500: it does not say why"
        );
    }
}
