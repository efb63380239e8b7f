//! One look at one page. Redirects are followed within the site; one that leads elsewhere is an answer like any other.

use outbox::address::Reach;
use outbox::dial::{Answer, Dial, Resolver};
use std::sync::Arc;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::seen::Sight;
use crate::{LOOK_MAX, REDIRECTS_MAX, Reason};

/// The first status that says that a page is not there.
const BAD_STATUS: u16 = 400;

/// Looks at pages. Cheap to clone.
#[derive(Clone)]
pub struct Eye(Dial);

impl Eye {
    pub fn new(reach: Reach, resolver: Arc<dyn Resolver>) -> anyhow::Result<Eye> {
        Dial::new(reach, resolver).map(Eye)
    }

    /// Ok: it answered below 400, whole or as far as is read of it, in time: how many milliseconds that took. `is_own` says which hosts redirects may lead to.
    pub async fn look(&self, url: &Url, is_own: impl Fn(&Url) -> bool) -> Sight {
        let began = Instant::now();
        timeout(LOOK_MAX, self.follow(url.clone(), is_own)).await.map_err(|_| Reason::Slow)??;
        Ok(began.elapsed().as_millis() as u32)
    }

    async fn follow(&self, mut url: Url, is_own: impl Fn(&Url) -> bool) -> Result<(), Reason> {
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.0.get(&url).await?;
            if answer.status.as_u16() >= BAD_STATUS {
                return Err(Reason::Status(answer.status.as_u16()));
            }
            match leads_to(&url, &answer).filter(&is_own) {
                Some(next) => url = next,
                None => return Ok(()),
            }
        }
        Err(Reason::Redirects)
    }
}

fn leads_to(url: &Url, answer: &Answer) -> Option<Url> {
    let to = answer.headers.get("location").filter(|_| answer.status.is_redirection())?;
    url.join(to.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};
    use std::sync::Mutex;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    use super::*;

    /// Of every name the same address, but of one that is nobody's none, and of one that is private a private one.
    struct Names;

    #[async_trait::async_trait]
    impl Resolver for Names {
        async fn addresses(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
            let address: IpAddr = match host {
                "nobody.example" => return Err(std::io::ErrorKind::NotFound.into()),
                "private.example" => [10, 0, 0, 1].into(),
                _ => [127, 0, 0, 1].into(),
            };
            Ok(vec![SocketAddr::new(address, port)])
        }
    }

    fn eye() -> Eye {
        Eye::new(Reach::PublicAndLoopback, Arc::new(Names)).unwrap()
    }

    /// A host whose answer is made of the path that is asked for; what was asked for.
    struct Host {
        port: u16,
        asked: Arc<Mutex<Vec<String>>>,
        serving: JoinHandle<()>,
    }

    impl Drop for Host {
        fn drop(&mut self) {
            self.serving.abort();
        }
    }

    impl Host {
        async fn answering(of: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Host {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let asked = Arc::new(Mutex::new(Vec::new()));
            let heard = Arc::clone(&asked);
            let serving = tokio::spawn(async move {
                loop {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    let mut request = Vec::new();
                    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                        let mut some = [0; 1_024];
                        match stream.read(&mut some).await {
                            Ok(count @ 1..) => request.extend_from_slice(&some[..count]),
                            _ => break,
                        }
                    }
                    let request = String::from_utf8_lossy(&request).into_owned();
                    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                    heard.lock().unwrap().push(path.clone());
                    let _ = stream.write_all(&of(&path)).await;
                    if !path.starts_with("/silent") {
                        let _ = stream.shutdown().await;
                    } else {
                        // Kept open, and nothing more is said.
                        tokio::spawn(async move {
                            tokio::time::sleep(Duration::from_secs(3_600)).await;
                            drop(stream);
                        });
                    }
                }
            });
            Host { port, asked, serving }
        }

        async fn seen(&self, path: &str) -> Result<(), Reason> {
            let own = |url: &Url| {
                matches!(url.host_str(), Some("localhost" | "private.example" | "nobody.example"))
            };
            let url = Url::parse(&format!("http://localhost:{}{path}", self.port)).unwrap();
            eye().look(&url, own).await.map(drop)
        }

        fn asked(&self) -> Vec<String> {
            self.asked.lock().unwrap().clone()
        }
    }

    fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    fn redirect(to: &str) -> Vec<u8> {
        answer("302 Found", &format!("location: {to}\r\n"), "")
    }

    #[tokio::test]
    async fn a_page_is_there_that_answers_below_400() {
        let host = Host::answering(|path| answer(&format!("{} X", &path[1..4]), "", "")).await;
        for status in [200, 204, 304, 399] {
            assert_eq!(host.seen(&format!("/{status}")).await, Ok(()), "{status}");
        }
        for status in [400, 401, 404, 429, 500, 503, 599] {
            assert_eq!(host.seen(&format!("/{status}")).await, Err(Reason::Status(status)));
        }
    }

    #[tokio::test]
    async fn how_long_an_answer_took_is_told_with_every_redirect() {
        let late = Duration::from_millis(150);
        let host = Host::answering(move |path| {
            std::thread::sleep(late);
            if path == "/" { redirect("/there") } else { answer("200 OK", "", "tea") }
        })
        .await;
        let url = Url::parse(&format!("http://localhost:{}/", host.port)).unwrap();
        let took = eye().look(&url, |_| true).await.unwrap();
        assert!((300..10_000).contains(&took), "{took} ms");
    }

    #[tokio::test]
    async fn redirects_are_followed_within_the_site_up_to_a_maximum() {
        let host = Host::answering(|path| match path[1..].parse::<usize>() {
            Ok(0) => answer("200 OK", "", "tea"),
            Ok(left) => redirect(&format!("/{}", left - 1)),
            Err(_) => redirect(path),
        })
        .await;
        assert_eq!(host.seen(&format!("/{REDIRECTS_MAX}")).await, Ok(()));
        assert_eq!(host.asked().len(), REDIRECTS_MAX + 1);
        assert_eq!(host.seen(&format!("/{}", REDIRECTS_MAX + 1)).await, Err(Reason::Redirects));
        assert_eq!(host.seen("/round").await, Err(Reason::Redirects));
        assert_eq!(host.asked().len(), 3 * (REDIRECTS_MAX + 1));
    }

    #[tokio::test]
    async fn a_redirect_leads_to_nobody_elses_door_and_to_no_private_one() {
        let host = Host::answering(|path| redirect(&format!("http:/{path}"))).await;
        // It answered; the other host is not asked.
        assert_eq!(host.seen("/10.0.0.1/").await, Ok(()));
        assert_eq!(host.seen("/other.example/").await, Ok(()));
        assert_eq!(host.asked().len(), 2);
        assert_eq!(host.seen("/private.example/").await, Err(Reason::NotPublic));
        assert_eq!(host.seen("/nobody.example/").await, Err(Reason::Unknown));
    }

    #[tokio::test]
    async fn a_page_that_never_ends_is_read_as_far_as_that_goes() {
        let host = Host::answering(|path| match path {
            "/silent-head" => b"HTTP/1.1 200 OK\r\n".to_vec(),
            "/silent-body" => b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec(),
            "/silent-long" => [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![b'x'; 128 * 1024]].concat(),
            _ => b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec(),
        })
        .await;
        assert_eq!(
            host.seen("/silent-long").await,
            Ok(()),
            "it goes on for ever, and what is read of it came"
        );
        assert_eq!(host.seen("/torn").await, Err(Reason::Broken));
        let (head, body) = tokio::join!(host.seen("/silent-head"), host.seen("/silent-body"));
        assert_eq!((head, body), (Err(Reason::Slow), Err(Reason::Slow)));
    }

    #[tokio::test]
    async fn a_host_that_is_not_there_or_not_to_be_trusted_is_down() {
        let host = Host::answering(|_| b"220 mail.example ESMTP\r\n".to_vec()).await;
        assert_eq!(host.seen("/").await, Err(Reason::Broken));
        let bare = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let https = format!("https://localhost:{}/", bare.local_addr().unwrap().port());
        let hung_up = tokio::spawn(async move {
            let (mut stream, _) = bare.accept().await.unwrap();
            let _greeting = stream.read(&mut [0; 4_096]).await;
        });
        assert_eq!(eye().look(&Url::parse(&https).unwrap(), |_| true).await, Err(Reason::Untrusted));
        hung_up.await.unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        for (url, reason) in [
            (format!("http://localhost:{closed}/"), Reason::Unreachable),
            ("http://nobody.example/".to_owned(), Reason::Unknown),
            ("http://private.example/".to_owned(), Reason::NotPublic),
            ("http://10.0.0.1/".to_owned(), Reason::NotPublic),
        ] {
            assert_eq!(eye().look(&Url::parse(&url).unwrap(), |_| true).await, Err(reason), "{url}");
        }
    }
}
