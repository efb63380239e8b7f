//! Access logs of a JSON object a line, as nginx (`log_format … escape=json`) and Caddy write them.

use jiff::Timestamp;
use model::Millis;
use serde_json::{Map, Value};

use super::{Line, moment};

type Object = Map<String, Value>;

/// Keys are nginx' variables, each under any of the names that people give it. Method and target stand in `request`, or
/// in `request_method` and `request_uri`.
pub fn nginx(text: &str) -> Option<Line> {
    let object = object(text)?;
    let any = |names: &[&str]| names.iter().find_map(|name| text_of(object.get(*name)?)).unwrap_or_default();
    let request = any(&["request"]);
    let mut parts = request.split(' ');
    let (method, target) = match any(&["request_method", "method"]) {
        method if method.is_empty() => {
            (parts.next()?.to_owned(), parts.next().unwrap_or_default().to_owned())
        }
        method => (method, any(&["request_uri", "uri", "path"])),
    };
    let time = ["msec", "time_iso8601", "time_local", "timestamp", "@timestamp", "time", "ts"];
    Some(Line {
        address: some(any(&["remote_addr", "client_ip", "remote_ip", "ip", "client"]))?,
        at: time.iter().find_map(|name| moment_of(object.get(*name)?))?,
        method,
        target,
        status: status(object.get("status")?)?,
        referrer: known(any(&["http_referer", "http_referrer", "referer", "referrer"])),
        agent: any(&["http_user_agent", "user_agent", "agent"]),
        host: hostname(&any(&["host", "http_host", "server_name", "vhost"])),
    })
}

pub fn caddy(text: &str) -> Option<Line> {
    let object = object(text)?;
    let request = object.get("request")?.as_object()?;
    let text = |name: &str| request.get(name).and_then(text_of).unwrap_or_default();
    let header = |name: &str| {
        let headers = request.get("headers")?.as_object()?;
        let (_, values) = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        text_of(values.as_array()?.first()?)
    };
    Some(Line {
        address: some(text("client_ip")).or_else(|| some(text("remote_ip")))?,
        at: moment_of(object.get("ts")?)?,
        method: some(text("method"))?,
        target: text("uri"),
        status: status(object.get("status")?)?,
        referrer: header("referer").unwrap_or_default(),
        agent: header("user-agent").unwrap_or_default(),
        host: hostname(&text("host")),
    })
}

fn object(text: &str) -> Option<Object> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    serde_json::from_str(text).ok()
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty() && text != "-").then_some(text)
}

fn known(text: String) -> String {
    if text == "-" { String::new() } else { text }
}

fn status(value: &Value) -> Option<u16> {
    text_of(value)?.parse().ok().filter(|status| (100..1_000).contains(status))
}

/// Seconds since 1970 with their fraction, RFC 3339, or as the combined format has it.
fn moment_of(value: &Value) -> Option<Millis> {
    let text = text_of(value)?;
    if let Ok(seconds) = text.parse::<f64>() {
        // Far more than a calendar holds; the importer refuses what lies ahead.
        return (seconds.abs() < 1e12).then(|| Millis((seconds * 1_000.0).round() as i64));
    }
    let at = text.parse::<Timestamp>().ok();
    at.map(|at| Millis(at.as_millisecond())).or_else(|| moment(&text))
}

fn hostname(host: &str) -> String {
    let host = known(host.to_ascii_lowercase());
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            name.to_owned()
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_caddy_is_read() {
        let line = caddy(
            r#"{"level":"info","ts":1646861401.5241024,"logger":"http.log.access","msg":"handled request",
            "request":{"remote_ip":"127.0.0.1","client_ip":"192.0.2.7","method":"GET","host":"Shop.example:443",
            "uri":"/tea?x=1","headers":{"User-Agent":["Mozilla/5.0"],"Referer":["https://a.example/"]}},
            "status":200,"size":10900}"#,
        );
        let expected = Line {
            address: "192.0.2.7".into(),
            at: Millis(1_646_861_401_524),
            method: "GET".into(),
            target: "/tea?x=1".into(),
            status: 200,
            referrer: "https://a.example/".into(),
            agent: "Mozilla/5.0".into(),
            host: "shop.example".into(),
        };
        assert_eq!(line, Some(expected));
    }

    #[test]
    fn lines_of_nginx_are_read_whatever_their_keys_are_called() {
        let read = |text: &str| nginx(text).map(|line| (line.at.0, line.method, line.target, line.status));
        let expected = Some((1_431_849_903_000, "GET".into(), "/tea".into(), 304));
        let rest = r#""remote_addr":"192.0.2.7","http_referer":"-","http_user_agent":"x""#;
        for (time, request, status) in [
            (r#""time_local":"17/May/2015:10:05:03 +0200""#, r#""request":"GET /tea HTTP/1.1""#, "304"),
            (
                r#""time_iso8601":"2015-05-17T10:05:03+02:00""#,
                r#""request_method":"GET","request_uri":"/tea""#,
                r#""304""#,
            ),
            (r#""msec":"1431849903.000""#, r#""request":"GET /tea HTTP/2.0""#, r#""304""#),
        ] {
            assert_eq!(read(&format!(r#"{{{time},{request},"status":{status},{rest}}}"#)), expected);
        }
    }

    #[test]
    fn what_is_no_request_is_none() {
        for text in
            ["", "{", "[]", "{}", r#"{"msg":"serving","ts":1}"#, r#"{"status":"x","remote_addr":"a"}"#]
        {
            assert_eq!((caddy(text), nginx(text)), (None, None), "{text}");
        }
    }
}
