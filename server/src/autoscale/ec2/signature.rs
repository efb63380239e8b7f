//! Signs requests of AWS (Signature Version 4, of POSTs to `/` without a query, which is all that EC2's Query API takes).
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Never printed.
#[derive(Clone)]
pub struct Credentials {
    pub key_id: String,
    pub secret: String,
    /// Of credentials that end.
    pub token: Option<String>,
}

pub struct Signed<'a> {
    pub region: &'a str,
    pub service: &'a str,
    pub host: &'a str,
    pub content_type: &'a str,
    /// As `20150830T123600Z`.
    pub time: &'a str,
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// The value of `Authorization`.
    pub fn authorization(&self, credentials: &Credentials) -> String {
        let day = &self.time[..8];
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let (headers, names) = self.headers(credentials);
        let request = format!("POST\n/\n\n{headers}\n{names}\n{}", hex(&Sha256::digest(self.body)));
        let text =
            format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{}", self.time, hex(&Sha256::digest(request.as_bytes())));
        let first = format!("AWS4{}", credentials.secret).into_bytes();
        let parts = [day, self.region, self.service, "aws4_request"];
        let key = parts.iter().fold(first, |key, part| keyed(&key, part));
        let signature = hex(&keyed(&key, &text));
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            credentials.key_id
        )
    }

    /// In the order of their names, a line each; and their names.
    fn headers(&self, credentials: &Credentials) -> (String, &'static str) {
        let headers =
            format!("content-type:{}\nhost:{}\nx-amz-date:{}\n", self.content_type, self.host, self.time);
        match &credentials.token {
            None => (headers, "content-type;host;x-amz-date"),
            Some(token) => (
                format!("{headers}x-amz-security-token:{token}\n"),
                "content-type;host;x-amz-date;x-amz-security-token",
            ),
        }
    }
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length is one");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `post-x-www-form-urlencoded` of the test suite that AWS publishes.
    #[test]
    fn a_published_example_is_signed_as_published() {
        let signed = Signed {
            region: "us-east-1",
            service: "service",
            host: "example.amazonaws.com",
            content_type: "application/x-www-form-urlencoded",
            time: "20150830T123600Z",
            body: b"Param1=value1",
        };
        let credentials = Credentials {
            key_id: "AKIDEXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            token: None,
        };
        assert_eq!(
            signed.authorization(&credentials),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
    }
}
