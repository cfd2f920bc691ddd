//! The API behind all contenders: answers with the same 500 bytes, 100 KiB or a token, from one thread, as cheaply as
//! it can.

use crate::listen::{listen, request};
use anyhow::Result;
use tokio::{io::AsyncWriteExt, net::TcpStream};

/// Runs until the process ends.
pub(crate) struct Upstream {
    port: u16,
}

impl Upstream {
    pub(crate) fn start() -> Result<Self> {
        let answers = Answers::new();
        let port = listen("upstream", move |stream| serve(stream, answers))?;
        Ok(Self { port })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A JSON object of 500 bytes.
    pub(crate) fn body() -> String {
        let start = r#"{"id":"o-4711","state":"accepted","express":true,"lines":[{"sku":"x1","count":3}],"total":42.5,"note":""#;
        format!("{start}{}\"}}", "x".repeat(500 - start.len() - 2))
    }

    /// A JSON object of 100 KiB.
    pub(crate) fn large_body() -> String {
        let size = 100 << 10;
        let mut body = r#"{"items":["#.to_owned();
        let mut number = 1_000;
        while body.len() < size - 200 {
            body.push_str(&format!(
                r#"{{"id":{number},"name":"Ada \"the first\"","tags":["a","b"],"price":1.50}},"#
            ));
            number += 1;
        }
        let rest = size - body.len() - 2 - 2;
        format!("{body}\"{}\"]}}", "x".repeat(rest))
    }
}

/// All that it ever answers.
#[derive(Clone, Copy)]
struct Answers {
    small: &'static [u8],
    large: &'static [u8],
    token: &'static [u8],
}

impl Answers {
    fn new() -> Self {
        let answer = |body: &str| -> &'static [u8] {
            let length = body.len();
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            )
            .into_bytes()
            .leak()
        };
        Self {
            small: answer(&Upstream::body()),
            large: answer(&Upstream::large_body()),
            token: answer(r#"{"access_token":"token","token_type":"Bearer","expires_in":86400}"#),
        }
    }

    fn to(self, request: &[u8]) -> &'static [u8] {
        let path = request.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
        match path {
            b"/large" => self.large,
            b"/token" => self.token,
            _ => self.small,
        }
    }
}

async fn serve(mut stream: TcpStream, answers: Answers) -> Result<()> {
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let (_, end) = request(&mut stream, &mut buffer).await?;
        let answer = answers.to(&buffer);
        buffer.drain(..end);
        stream.write_all(answer).await?;
    }
}
