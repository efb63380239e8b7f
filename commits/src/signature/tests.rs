//! Signatures of each forge, and what is none.

use super::*;

const BODY: &[u8] = b"Hello, World!";
const SECRET: &str = "It's a Secret to Everybody";
/// GitHub's own example, from its documentation of validating deliveries.
const SIGNED: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
const NOW: Millis = Millis(1_800_000_000_000);
const NOW_SECONDS: u32 = 1_800_000_000;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(*name, value.parse().unwrap());
    }
    map
}

fn is_held(forge: Forge, pairs: &[(&'static str, &str)]) -> bool {
    holds(forge, &headers(pairs), BODY, SECRET, NOW)
}

#[test]
fn a_signature_in_hexadecimal_digits_holds() {
    let prefixed = format!("sha256={SIGNED}");
    assert!(is_held(Forge::GitHub, &[("x-hub-signature-256", &prefixed)]));
    assert!(is_held(Forge::GitHub, &[("x-hub-signature-256", &format!("sha256={}", SIGNED.to_uppercase()))]));
    assert!(is_held(Forge::Gitea, &[("x-gitea-signature", SIGNED)]));
    assert!(is_held(Forge::Forgejo, &[("x-forgejo-signature", SIGNED)]));
    assert!(is_held(Forge::Forgejo, &[("x-gitea-signature", SIGNED)]));
    assert!(is_held(Forge::BitbucketCloud, &[("x-hub-signature", &prefixed)]));
    assert!(is_held(Forge::BitbucketServer, &[("x-hub-signature", &prefixed)]));
}

#[test]
fn whatever_is_not_exactly_that_does_not() {
    let prefixed = format!("sha256={SIGNED}");
    for bad in [
        "",
        "sha256=",
        SIGNED,
        &prefixed[..70],
        &format!("{prefixed}0"),
        &format!("{prefixed}00"),
        "sha256=é",
    ] {
        assert!(!is_held(Forge::GitHub, &[("x-hub-signature-256", bad)]), "{bad}");
    }
    assert!(!is_held(Forge::GitHub, &[]));
    assert!(!is_held(Forge::GitHub, &[("x-hub-signature", &prefixed)]));
    assert!(!is_held(
        Forge::GitHub,
        &[("x-hub-signature-256", &prefixed), ("x-hub-signature-256", &prefixed)]
    ));
    assert!(!is_held(Forge::Forgejo, &[("x-gitea-signature", SIGNED), ("x-forgejo-signature", "00")]));
    let signed = headers(&[("x-hub-signature-256", &prefixed)]);
    assert!(holds(Forge::GitHub, &signed, BODY, SECRET, NOW));
    assert!(!holds(Forge::GitHub, &signed, b"Hello, World?", SECRET, NOW));
    assert!(!holds(Forge::GitHub, &signed, BODY, "another", NOW));
}

#[test]
fn a_token_is_the_secret_itself() {
    assert!(is_held(Forge::GitLab, &[("x-gitlab-token", SECRET)]));
    for bad in ["", "It's", "It's a Secret to Everybody!"] {
        assert!(!is_held(Forge::GitLab, &[("x-gitlab-token", bad)]), "{bad}");
    }
    // A token does not help a signature that does not hold.
    assert!(!is_held(Forge::GitLab, &[("x-gitlab-token", SECRET), ("webhook-signature", "v1,AA==")]));
}

#[test]
fn without_a_secret_nothing_holds() {
    assert!(!holds(Forge::GitLab, &headers(&[("x-gitlab-token", "")]), BODY, "", NOW));
    let secret = "s".repeat(limits::SECRET_BYTES_MAX);
    assert!(holds(Forge::GitLab, &headers(&[("x-gitlab-token", &secret)]), BODY, &secret, NOW));
    let longer = format!("{secret}s");
    assert!(!holds(Forge::GitLab, &headers(&[("x-gitlab-token", &longer)]), BODY, &longer, NOW));
}

fn is_standard(secret: &str, id: &str, seconds: &str, signature: &str) -> bool {
    let headers =
        headers(&[("webhook-id", id), ("webhook-timestamp", seconds), ("webhook-signature", signature)]);
    let held = holds(Forge::Git, &headers, BODY, secret, NOW);
    assert_eq!(held, holds(Forge::GitLab, &headers, BODY, secret, NOW));
    held
}

#[test]
fn a_standard_signature_is_of_id_moment_and_body() {
    for secret in [SECRET, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        let seconds = NOW_SECONDS.to_string();
        let signature = standard(secret, "m1", NOW_SECONDS, BODY).unwrap();
        assert!(is_standard(secret, "m1", &seconds, &signature));
        assert!(is_standard(secret, "m1", &seconds, &format!("v1a,x v1,AAAA {signature}")));
        assert!(!is_standard(secret, "m2", &seconds, &signature));
        assert!(!is_standard(secret, "m1", &(NOW_SECONDS + 1).to_string(), &signature));
        assert!(!is_standard("another", "m1", &seconds, &signature));
        assert!(!is_standard(secret, "m1", &seconds, signature.trim_start_matches("v1,")));
        let behind = format!("{}{signature}", "v1,AAAA ".repeat(limits::SIGNATURES_MAX));
        assert!(!is_standard(secret, "m1", &seconds, &behind));
        let last = format!("{}{signature}", "v1,AAAA ".repeat(limits::SIGNATURES_MAX - 1));
        assert!(is_standard(secret, "m1", &seconds, &last));
    }
    assert_eq!(standard("whsec_!", "m1", NOW_SECONDS, BODY), None);
    assert!(!is_standard("whsec_", "m1", &NOW_SECONDS.to_string(), "v1,AAAA"));
}

/// The example of the specification's reference libraries.
#[test]
fn a_standard_signature_is_that_of_others() {
    let signature = standard(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        br#"{"test": 2432232314}"#,
    );
    assert_eq!(signature.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
}

#[test]
fn a_standard_signature_is_good_for_a_while() {
    let age = limits::SIGNATURE_AGE_MAX.as_secs() as u32;
    for (seconds, held) in [
        (NOW_SECONDS - age, true),
        (NOW_SECONDS - age - 1, false),
        (NOW_SECONDS + age, true),
        (NOW_SECONDS + age + 1, false),
    ] {
        let signature = standard(SECRET, "m1", seconds, BODY).unwrap();
        assert_eq!(is_standard(SECRET, "m1", &seconds.to_string(), &signature), held, "{seconds}");
    }
    for bad in ["", "-1", "1e9", "99999999999"] {
        assert!(!is_standard(SECRET, "m1", bad, "v1,AAAA"), "{bad}");
    }
}
