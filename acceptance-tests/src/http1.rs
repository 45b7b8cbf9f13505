//! As much of HTTP/1.1 as a proxy or a webhook of the lab needs: messages are read as they are framed, and written
//! as Kubernetes writes them.
//!
//! Bodies keep their framing in [`Request::raw`], so that what is passed on is byte for byte what came.

use std::io;

use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, sink,
};

/// A request line or header longer than this is not from a client of Kubernetes.
const LINE_LIMIT: u64 = 64 * 1024;

/// A whole request.
pub(crate) struct Request {
    /// The first line and the headers.
    pub(crate) head: String,
    /// All of it, as it came.
    pub(crate) raw: Vec<u8>,
    /// What it carries, without framing.
    pub(crate) body: Vec<u8>,
}

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
}

/// Reads one request with its body; `None` at the end of the connection.
pub(crate) async fn read_request(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Request>> {
    let Some((head, framing)) = read_head(stream).await? else { return Ok(None) };
    let mut raw = head.clone().into_bytes();
    let mut body = Vec::new();
    pass_body(stream, &mut raw, &mut body, framing).await?;
    Ok(Some(Request { head, raw, body }))
}

/// Reads the first line and the headers of a request or an answer; `None` at the end of the connection.
pub(crate) async fn read_head(
    stream: &mut (impl AsyncBufRead + Unpin),
) -> io::Result<Option<(String, Framing)>> {
    let mut framing = Framing::Length(0);
    let mut head = String::new();
    loop {
        let line = read_line(stream).await?;
        if line.is_empty() {
            return if head.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        head.push_str(&line);
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                framing = Framing::Length(value.trim().parse().map_err(|_| invalid("content-length"))?);
            }
            Some((name, value))
                if name.eq_ignore_ascii_case("transfer-encoding")
                    && value.trim().eq_ignore_ascii_case("chunked") =>
            {
                framing = Framing::Chunked;
            }
            _ if line.trim_end().is_empty() => return Ok(Some((head, framing))),
            _ => {}
        }
    }
}

/// Reads a body and writes it twice: as it is framed, and bare. Each piece is flushed, because a watch has no end.
pub(crate) async fn pass_body(
    from: &mut (impl AsyncBufRead + Unpin),
    framed: &mut (impl AsyncWrite + Unpin),
    bare: &mut (impl AsyncWrite + Unpin),
    framing: Framing,
) -> io::Result<()> {
    let Framing::Length(length) = framing else {
        loop {
            let line = read_line(from).await?;
            let size = line.trim_end().split(';').next().unwrap_or_default();
            let size = u64::from_str_radix(size, 16).map_err(|_| invalid("chunk size"))?;
            framed.write_all(line.as_bytes()).await?;
            pass(from, framed, bare, size).await?;
            let end = read_line(from).await?;
            framed.write_all(end.as_bytes()).await?;
            framed.flush().await?;
            if size == 0 {
                return Ok(());
            }
        }
    };
    pass(from, framed, bare, length).await?;
    framed.flush().await
}

/// The same for a body whose content is of no interest.
pub(crate) async fn relay_body(
    from: &mut (impl AsyncBufRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    framing: Framing,
) -> io::Result<()> {
    pass_body(from, to, &mut sink(), framing).await
}

/// An answer with a JSON body. `headers` are whole lines.
pub(crate) fn json_answer(status: u16, headers: &str, body: &str) -> String {
    let phrase =
        http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()).unwrap_or("Error");
    format!(
        "HTTP/1.1 {status} {phrase}\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn pass(
    from: &mut (impl AsyncBufRead + Unpin),
    framed: &mut (impl AsyncWrite + Unpin),
    bare: &mut (impl AsyncWrite + Unpin),
    mut count: u64,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    while count > 0 {
        let room = usize::try_from(count).unwrap_or(usize::MAX).min(buffer.len());
        let read = from.read(buffer.get_mut(..room).unwrap_or_default()).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let piece = buffer.get(..read).unwrap_or_default();
        framed.write_all(piece).await?;
        bare.write_all(piece).await?;
        count -= u64::try_from(read).unwrap_or(count);
    }
    Ok(())
}

async fn read_line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut line = String::new();
    stream.take(LINE_LIMIT).read_line(&mut line).await?;
    Ok(line)
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("invalid {what}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    async fn check(bytes: &str, bodies: &[&str]) {
        let mut stream = BufReader::new(bytes.as_bytes());
        let mut raw = Vec::new();
        for body in bodies {
            let request = read_request(&mut stream).await.unwrap().unwrap();
            assert_eq!(String::from_utf8(request.body).unwrap(), *body, "{bytes:?}");
            raw.extend(request.raw);
        }
        assert!(read_request(&mut stream).await.unwrap().is_none(), "{bytes:?}");
        assert_eq!(String::from_utf8(raw).unwrap(), bytes);
    }

    #[tokio::test]
    async fn requests_follow_each_other() {
        check("GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n", &["", ""]).await;
        check("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n", &["abc", ""]).await;
        let chunked =
            "PATCH / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        check(chunked, &["abcde"]).await;
    }

    #[tokio::test]
    async fn nonsense_is_an_error() {
        for bytes in [
            "POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nab",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\n",
        ] {
            assert!(read_request(&mut BufReader::new(bytes.as_bytes())).await.is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn the_length_is_that_of_the_body() {
        let answer = json_answer(503, "retry-after: 1\r\n", "{\"a\":\"ä\"}");
        assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
        assert!(answer.ends_with("retry-after: 1\r\ncontent-length: 10\r\n\r\n{\"a\":\"ä\"}"), "{answer}");
    }
}
