//! Which pages may be looked at: those on hosts that the site says are its own, so that nobody makes us knock on others' doors.

use model::{Site, limits::WATCHED_URL_BYTES_MAX};
use outbox::address::Reach;
use url::Url;

/// The address as it is kept, without what stands behind its `#`. Err: what is wrong, as people read it.
pub fn page(site: &Site, reach: Reach, text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("Give the address of a page, as https://shop.example/.".to_owned());
    }
    let Ok(mut url) = Url::parse(text) else {
        return Err("This is no address; write it whole, as https://shop.example/.".to_owned());
    };
    url.set_fragment(None);
    if let Some(refusal) = reach.page_refusal(url.as_str()) {
        return Err(refusal.to_owned());
    }
    if url.as_str().len() > WATCHED_URL_BYTES_MAX {
        return Err(format!("The address is too long: at most {WATCHED_URL_BYTES_MAX} bytes."));
    }
    match is_own(site, &url) {
        true => Ok(url.into()),
        false => Err(format!(
            "“{}” is none of the site's hostnames; name it in the site's settings first.",
            url.host_str().unwrap_or_default()
        )),
    }
}

/// Whether the host is one that the site names.
pub fn is_own(site: &Site, url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    site.names_hostname(host.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Millis, SiteId};

    fn check(hostnames: &[&str], text: &str) -> Result<String, String> {
        page(&Site::new(SiteId::of(1), "s", hostnames, Millis(0)), Reach::Public, text)
    }

    #[test]
    fn a_page_is_on_a_host_of_the_sites_own() {
        for (hostnames, text, kept) in [
            (&["shop.example"][..], "https://shop.example", "https://shop.example/"),
            (&["shop.example"], " https://SHOP.example/a?b=c#d ", "https://shop.example/a?b=c"),
            (&["shop.example"], "http://shop.example:8080/", "http://shop.example:8080/"),
            (&["*.shop.example"], "https://eu.shop.example/", "https://eu.shop.example/"),
            (&["shop.example"], "https://shop.example./", "https://shop.example./"),
        ] {
            assert_eq!(check(hostnames, text).as_deref(), Ok(kept), "{text}");
        }
    }

    #[test]
    fn nobody_makes_us_knock_on_others_doors() {
        for (hostnames, text) in [
            (&["shop.example"][..], ""),
            (&["shop.example"], "shop.example"),
            (&["shop.example"], "/cart"),
            (&["shop.example"], "https://other.example/"),
            (&["shop.example"], "https://shop.example.evil.example/"),
            (&["shop.example"], "https://eu.shop.example/"),
            (&["*"], "https://anybody.example/"),
            (&[], "https://shop.example/"),
            (&["shop.example"], "ftp://shop.example/"),
            (&["shop.example"], "javascript:alert(1)"),
            (&["shop.example"], "https://me:you@shop.example/"),
            (&["10.0.0.1"], "http://10.0.0.1/"),
            (&["127.0.0.1"], "http://127.0.0.1/"),
            (&["[::1]"], "http://[::1]/"),
            (&["169.254.169.254"], "http://169.254.169.254/latest"),
        ] {
            assert!(check(hostnames, text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_is_taken_at_its_limit_and_refused_past_it() {
        let stem = "https://shop.example/";
        let longest = format!("{stem}{}", "a".repeat(WATCHED_URL_BYTES_MAX - stem.len()));
        assert_eq!(check(&["shop.example"], &longest).as_deref(), Ok(longest.as_str()));
        let refused = check(&["shop.example"], &format!("{longest}a"));
        assert!(refused.is_err_and(|said| said.contains("1024 bytes")));
    }
}
