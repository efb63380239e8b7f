//! However a name resolves, nothing that is not public is reached; what answers is read within bounds.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Says the same of every name, and counts how often it is asked.
struct Says(Vec<IpAddr>, AtomicUsize);

#[async_trait]
impl Resolver for Says {
    async fn addresses(&self, _: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Ok(self.0.iter().map(|address| SocketAddr::new(*address, port)).collect())
    }
}

fn dial(reach: Reach, says: &[&str]) -> (Dial, Arc<Says>) {
    let says = says.iter().map(|address| address.parse().unwrap()).collect();
    let says = Arc::new(Says(says, AtomicUsize::new(0)));
    (Dial::new(reach, says.clone()).unwrap(), says)
}

/// Answers one request with these bytes; the request as it came.
async fn host(answer: Vec<u8>) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"hello") {
            let mut some = [0; 1_024];
            let count = stream.read(&mut some).await.unwrap();
            assert!(count > 0, "the request ends early");
            request.extend_from_slice(&some[..count]);
        }
        let _ = stream.write_all(&answer).await;
        let _ = stream.shutdown().await;
        String::from_utf8(request).unwrap()
    });
    (port, asked)
}

async fn post(dial: &Dial, url: &str) -> Result<Answer, NoAnswer> {
    dial.post(url, HeaderMap::new(), Bytes::from_static(b"hello")).await
}

#[tokio::test]
async fn a_name_that_stands_for_anything_private_is_not_reached() {
    for says in [
        &["127.0.0.1"][..],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["100.64.0.1"],
        &["::1"],
        &["fd00::1"],
        &["fe80::1"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["224.0.0.1"],
        &["8.8.8.8", "10.0.0.1"],
        &["2606:4700::1", "::1"],
    ] {
        let (dial, _) = dial(Reach::Public, says);
        let refused = post(&dial, "https://bots.example/x").await;
        assert!(matches!(refused, Err(NoAnswer::NotPublic)), "{says:?}: {refused:?}");
    }
    let (dial, says) = dial(Reach::Public, &[]);
    assert!(matches!(post(&dial, "https://bots.example/x").await, Err(NoAnswer::Unknown)));
    for never in ["https://127.0.0.1/", "http://bots.example/", "https://2130706433/", "https://[::1]/"] {
        assert!(matches!(post(&dial, never).await, Err(NoAnswer::Address)), "{never}");
    }
    assert_eq!(says.1.load(Ordering::SeqCst), 1, "what is written is refused before a name is asked for");
}

#[tokio::test]
async fn a_host_is_asked_once_at_the_address_that_was_looked_at() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\ntea".to_vec();
    let (port, asked) = host(answer).await;
    // A name may be local where the operator says so; its host is still the name.
    let (dial, says) = dial(Reach::PublicAndLoopback, &["127.0.0.1"]);
    let answer = post(&dial, &format!("http://localhost:{port}/a%20b?x=1#y")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_deref()), (StatusCode::OK, Some(&b"tea"[..])));
    assert_eq!(says.1.load(Ordering::SeqCst), 1);
    let request = asked.await.unwrap().to_ascii_lowercase();
    assert!(request.starts_with("post /a%20b?x=1 http/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("host: localhost:{port}\r\n")), "{request}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let answer = b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n".to_vec();
    let (port, asked) = host(answer).await;
    let (dial, _) = dial(Reach::PublicAndLoopback, &["127.0.0.1"]);
    assert_eq!(post(&dial, &format!("http://127.0.0.1:{port}/")).await.unwrap().status, StatusCode::FOUND);
    asked.await.unwrap();
}

#[tokio::test]
async fn of_an_answer_that_is_too_long_nothing_is_kept() {
    for (bytes, is_read) in [(ANSWER_BYTES_MAX, true), (ANSWER_BYTES_MAX + 1, false)] {
        let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n").into_bytes();
        answer.resize(answer.len() + bytes, b'x');
        let (port, asked) = host(answer).await;
        let (dial, _) = dial(Reach::PublicAndLoopback, &[]);
        let answer = post(&dial, &format!("http://127.0.0.1:{port}/")).await.unwrap();
        assert_eq!(answer.body.is_some(), is_read, "{bytes}");
        drop(answer);
        asked.await.unwrap();
    }
}

#[tokio::test]
async fn a_host_without_a_certificate_that_is_trusted_hears_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut greeting = [0; 4_096];
        let count = stream.read(&mut greeting).await.unwrap();
        drop(stream);
        greeting[..count].windows(5).any(|some| some == b"hello")
    });
    let (dial, _) = dial(Reach::PublicAndLoopback, &[]);
    let refused = post(&dial, &format!("https://127.0.0.1:{port}/")).await;
    assert!(matches!(refused, Err(NoAnswer::Untrusted(_))), "{refused:?}");
    assert!(!heard.await.unwrap());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_none() {
    let torn =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 300\r\n\r\nhalf of it".to_vec();
    let (port, asked) = host(torn).await;
    let (dial, _) = dial(Reach::PublicAndLoopback, &["127.0.0.1"]);
    let answer = post(&dial, &format!("http://127.0.0.1:{port}/")).await;
    assert!(matches!(answer, Err(NoAnswer::Torn | NoAnswer::Broken(_))), "{:?}", answer.err());
    asked.await.unwrap();
}
