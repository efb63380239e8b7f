//! Letters as they come: whom they are for, what they say, what machines wrote, and what is meant to do harm.

use chat::ReplyAddress;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789";

fn desk() -> Letter {
    Letter {
        address: ReplyAddress::of("replies@shop.example").unwrap(),
        own: Some("hello@shop.example".into()),
    }
}

fn letter(head: &str, body: &str) -> String {
    let to = format!("replies+{SECRET}@shop.example");
    format!(
        "From: Ann <ann@x.example>\r\nTo: <{to}>\r\nMessage-ID: <1@x.example>\r\nSubject: Re: x\r\n{head}\r\n{body}"
    )
}

fn read(text: &str) -> Result<Reply, NotForUs> {
    desk().read(text.as_bytes(), None)
}

#[track_caller]
fn said(head: &str, body: &str) -> String {
    read(&letter(head, body)).unwrap().said
}

#[test]
fn a_letter_says_what_was_written_in_it() {
    let reply =
        read(&letter("", "It leaks.\r\n\r\nOn 3/3/25 10:00, The Shop wrote:\r\n> It comes.\r\n")).unwrap();
    assert_eq!((reply.said.as_str(), reply.id.as_str()), ("It leaks.", "1@x.example"));
    assert_eq!(reply.secrets, [SECRET]);
    assert!(reply.whole.unwrap().contains("It comes."));
    assert_eq!(read(&letter("", "Yes.")).unwrap().whole, None);
    for (head, body, expected) in [
        (
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n",
            "w4dhIGZ1aXQ=",
            "Ça fuit",
        ),
        (
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n",
            "=C3=87a fu=\r\nit",
            "Ça fuit",
        ),
        (
            "Content-Type: text/plain; charset=gb2312\r\nContent-Transfer-Encoding: base64\r\n",
            "wqnLrg==",
            "漏水",
        ),
        (
            "Content-Type: text/plain; charset=windows-1256\r\nContent-Transfer-Encoding: base64\r\n",
            "x9PRyA==",
            "اسرب",
        ),
        (
            "Content-Type: text/plain; charset=utf-8; format=flowed\r\n",
            "It leaks \r\nand drips.\r\n -- no\r\n-- \r\nAnn",
            "It leaks and drips.\n-- no",
        ),
        ("Content-Type: text/plain; format=flowed; delsp=yes\r\n", "It leak \r\ns.", "It leaks."),
        ("Content-Type: text/html\r\n", "<p>It <b>leaks</b>.</p><blockquote>no</blockquote>", "It leaks."),
        (
            "Content-Type: multipart/alternative; boundary=b\r\n",
            "--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>other</p>\r\n--b--\r\n",
            "plain",
        ),
        (
            "Content-Type: multipart/alternative; boundary=b\r\n",
            "--b\r\nContent-Type: text/html\r\n\r\n<div>only<br>this</div>\r\n--b--\r\n",
            "only\nthis",
        ),
    ] {
        assert_eq!(said(head, body), expected, "{head}");
    }
}

#[test]
fn whom_it_is_for_stands_in_any_line_that_says_so() {
    let to = format!("REPLIES+{SECRET}@Shop.Example");
    for line in [
        format!("To: \"The Shop\" <{to}>"),
        format!("To: bob@x.example, {to}"),
        format!("Cc: {to}"),
        format!("Delivered-To: {to}"),
        format!("X-Original-To: {to}"),
        format!("To: replies@shop.example\r\nEnvelope-To: <{to}>"),
        format!("To: undisclosed-recipients:;\r\nX-Forwarded-To: {to}"),
    ] {
        let found = read(&format!("From: ann@x.example\r\n{line}\r\n\r\nIt leaks.")).unwrap();
        assert_eq!(found.secrets, [SECRET], "{line}");
    }
    for line in [
        "To: replies@shop.example",
        "To: replies+1@shop.example",
        "X-To: replies+0@shop.example",
        "Subject: x",
    ] {
        assert_eq!(
            read(&format!("From: ann@x.example\r\n{line}\r\n\r\nIt leaks.")),
            Err(NotForUs::Nobodys),
            "{line}"
        );
    }
    // Whoever guesses has no more than a few tries a letter.
    let many: Vec<String> = (0..50).map(|number| format!("replies+{number:042x}@shop.example")).collect();
    let found = read(&format!("From: ann@x.example\r\nTo: {}\r\n\r\nx", many.join(", "))).unwrap();
    assert_eq!(found.secrets.len(), SECRETS_MAX);
}

#[test]
fn what_machines_write_is_said_to_nobody() {
    for head in [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; owner-email=\"x@y\"",
        "auto-submitted: Auto-Notified",
        "X-Autoreply: yes",
        "X-Autorespond: Out of office",
        "Precedence: bulk",
        "Precedence: auto_reply",
        "Precedence: LIST",
        "Precedence: junk",
        "List-Id: Tea <tea.x.example>",
        "Return-Path: <>",
        "Return-Path:  <> ",
        "X-Auto-Response-Suppress: All",
        "X-Auto-Response-Suppress: DR, OOF, AutoReply",
        "X-Failed-Recipients: ann@x.example",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
    ] {
        assert_eq!(read(&letter(&format!("{head}\r\n"), "I am away.")), Err(NotForUs::Machine), "{head}");
    }
    for from in ["MAILER-DAEMON@x.example", "postmaster@x.example", "Mail <mailer-daemon@x.example>"] {
        let bounced = letter("", "It did not arrive.").replace("Ann <ann@x.example>", from);
        assert_eq!(read(&bounced), Err(NotForUs::Machine), "{from}");
    }
    for head in
        ["Auto-Submitted: no", "Precedence: first-class", "Return-Path: <ann@x.example>", "X-Priority: 1"]
    {
        assert_eq!(said(&format!("{head}\r\n"), "I am here."), "I am here.", "{head}");
    }
}

#[test]
fn our_own_letters_are_not_heard() {
    for from in [
        "hello@shop.example",
        "The Shop <HELLO@shop.example>",
        "replies@shop.example",
        &format!("replies+{SECRET}@shop.example"),
    ] {
        let ours = letter("", "It comes.").replace("Ann <ann@x.example>", from);
        assert_eq!(read(&ours), Err(NotForUs::Own), "{from}");
    }
}

#[test]
fn one_letter_is_the_same_by_its_id_or_by_all_of_it() {
    let with = |id: &str| letter("", "x").replace("Message-ID: <1@x.example>\r\n", id);
    assert_eq!(read(&with("Message-ID: <a.b+c@x.example>\r\n")).unwrap().id, "a.b+c@x.example");
    let hashed = read(&with("")).unwrap().id;
    assert_eq!((hashed.len(), &read(&with("")).unwrap().id), (64, &hashed));
    assert_ne!(read(&with("X-Other: 1\r\n")).unwrap().id, hashed);
    for unsound in [
        "Message-ID: <>\r\n",
        "Message-ID: <a b@x>\r\n",
        "Message-ID: x\r\n",
        &format!("Message-ID: <{}@x>\r\n", "m".repeat(MESSAGE_ID_BYTES_MAX)),
    ] {
        assert_eq!(read(&with(unsound)).unwrap().id.len(), 64, "{unsound}");
    }
}

fn mixed(parts: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (head, content) in parts {
        body.push_str(&format!("--b\r\n{head}\r\n\r\n{content}\r\n"));
    }
    letter("Content-Type: multipart/mixed; boundary=b\r\n", &format!("{body}--b--\r\n"))
}

#[test]
fn what_came_along_becomes_files() {
    let text = ("Content-Type: text/plain", "See these.");
    let reply = read(&mixed(&[
        text,
        ("Content-Type: application/pdf; name=\"bill.pdf\"\r\nContent-Disposition: attachment; filename=\"bill.pdf\"\r\nContent-Transfer-Encoding: base64", "AAECAw=="),
        ("Content-Type: text/plain\r\nContent-Disposition: attachment; filename*=UTF-8''l%C3%B6g.txt", "a log"),
        ("Content-Type: message/rfc822", "From: bob@x.example\r\nSubject: inner\r\n\r\nInner."),
        ("Content-Type: application/pgp-signature; name=signature.asc", "-----BEGIN"),
        ("Content-Type: image/png; name=image001.png\r\nContent-ID: <logo>\r\nContent-Disposition: inline; filename=image001.png\r\nContent-Transfer-Encoding: base64", "iVBORw=="),
    ]))
    .unwrap();
    let names: Vec<(&str, usize)> =
        reply.files.iter().map(|(name, bytes)| (name.as_str(), bytes.len())).collect();
    assert_eq!(names, [("bill.pdf", 4), ("lög.txt", 5), ("letter.eml", 45)]);
    assert_eq!((reply.said.as_str(), reply.left_out.len()), ("See these.", 0));
    let one = ("Content-Type: application/octet-stream; name=a", "x");
    let many: Vec<(&str, &str)> =
        std::iter::once(text).chain(std::iter::repeat_n(one, FILES_A_MESSAGE_MAX)).collect();
    let reply = read(&mixed(&many)).unwrap();
    assert_eq!((reply.files.len(), reply.left_out.len()), (FILES_A_MESSAGE_MAX, 0));
    let more: Vec<(&str, &str)> = many.iter().copied().chain([one, one]).collect();
    let reply = read(&mixed(&more)).unwrap();
    assert_eq!((reply.files.len(), reply.left_out.len()), (FILES_A_MESSAGE_MAX, 1));
    assert!(reply.left_out[0].contains("at most 10 files"), "{:?}", reply.left_out);
    // Files alone are an answer, nothing at all is none.
    assert_eq!(read(&mixed(&[one])).unwrap().files.len(), 1);
    assert_eq!(read(&letter("", " \r\n")), Err(NotForUs::Empty));
    let long = cut(&format!("{}.jpeg", "é".repeat(200)));
    assert!(long.len() <= FILE_NAME_BYTES_MAX && long.ends_with("é.jpeg"), "{long}");
}

#[test]
fn of_a_letter_that_is_torn_the_words_are_heard() {
    let whole = mixed(&[
        ("Content-Type: text/plain", "See this."),
        ("Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64", &"iVBORw==".repeat(99)),
    ]);
    let reply = desk().read(&whole.as_bytes()[..whole.len() - 300], Some(40_000_000)).unwrap();
    assert_eq!((reply.said.as_str(), reply.files.len()), ("See this.", 0));
    assert!(reply.left_out[0].contains("40000000 bytes"), "{:?}", reply.left_out);
}

#[test]
fn heads_and_parts_are_bounded() {
    let long = |bytes: usize| letter(&format!("X-Long: {}\r\n", "m".repeat(bytes)), "x");
    let bare = long(0).len() - 1;
    assert_eq!(read(&long(HEAD_BYTES_MAX - bare)).unwrap().said, "x");
    assert_eq!(read(&long(HEAD_BYTES_MAX)), Err(NotForUs::Head));
    let parts = |count: usize| vec![("Content-Type: text/plain", "x"); count];
    // One is the letter's own, by what is said of its parts as by what they are.
    assert!(read(&mixed(&parts(PARTS_MAX - 1))).is_ok());
    assert_eq!(read(&mixed(&parts(PARTS_MAX))), Err(NotForUs::Parts));
    let unsaid = |count: usize| vec![("X-Part: 1", "x"); count];
    assert!(read(&mixed(&unsaid(PARTS_MAX - 1))).is_ok());
    assert_eq!(read(&mixed(&unsaid(PARTS_MAX))), Err(NotForUs::Parts));
}

/// How deep letters stand in letters.
fn depth(message: &Message<'_>) -> usize {
    let nested = message.parts.iter().map(|part| match &part.body {
        PartType::Message(inner) => 1 + depth(inner),
        _ => 0,
    });
    nested.max().unwrap_or(0)
}

#[test]
fn no_letter_within_a_letter_is_looked_into() {
    for content_type in [
        "message/rfc822",
        "MESSAGE/RFC822",
        "message / rfc822",
        "message\r\n /rfc822",
        "message/\r\n\trfc822; x=y",
        "(a) message/rfc822",
        "message/(a)rfc822",
        "message/\"rfc822\"",
        "message/global",
        "multipart/digest; boundary=b",
        "multipart/\r\n digest; boundary=b",
        "x; a=b; message/rfc822",
    ] {
        let inner = "From: a@b\r\nSubject: inner\r\n\r\nInner.";
        let part = format!("Content-Type: {content_type}");
        for whole in [
            letter(&format!("{part}\r\n"), &format!("--b\r\n\r\n{inner}\r\n--b--")),
            mixed(&[(part.as_str(), inner)]),
            mixed(&[(&part.replace("Content-Type", "content-type "), inner)]),
            mixed(&[(
                &format!("{part}\r\nContent-Transfer-Encoding: base64"),
                "RnJvbTogYUBiDQoNCklubmVyLg==",
            )]),
        ] {
            let plain = without_nested(whole.as_bytes());
            let message = MessageParser::default().parse(&plain).unwrap();
            assert_eq!(depth(&message), 0, "{content_type}");
        }
    }
    let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(100_000);
    assert_eq!(read(&letter("", &deep)).err(), Some(NotForUs::Parts));
    let plain = without_nested(letter("", &deep).as_bytes());
    assert!(MessageParser::default().parse(&plain).is_some());
    let nested: String = (0..900)
        .map(|at| format!("Content-Type: multipart/mixed; boundary=b{at}\r\n\r\n--b{at}\r\n"))
        .collect();
    assert!(read(&letter(&nested, "x")).is_ok());
}

#[test]
fn a_letter_that_is_broken_in_any_way_is_read_or_refused() {
    let sound = [
        letter("", "It leaks.\r\n\r\nOn 3/3/25 10:00, The Shop wrote:\r\n> It comes.\r\n"),
        mixed(&[
            (
                "Content-Type: text/html; charset=gb2312\r\nContent-Transfer-Encoding: base64",
                "PHA+wqnLrjwvcD4=",
            ),
            (
                "Content-Type: image/png; name=\"=?utf-8?B?w6QucG5n?=\"\r\nContent-Transfer-Encoding: base64",
                "iVBORw==",
            ),
        ]),
        letter(
            "Content-Type: multipart/alternative; boundary=\"b\"\r\n",
            "--b\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=87a \r\nfuit=\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nTo: a\r\n\r\nx\r\n--b--",
        ),
    ];
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let pieces: [&[u8]; 14] = [
        b"\r\n",
        b"\n\n",
        b"\0",
        b"\xff\xfe",
        b"--b",
        b"--b--",
        b"Content-Type: ",
        b"multipart/mixed; boundary=b\r\n\r\n",
        b"=?utf-8?Q?=?=",
        b"<>",
        b"\"",
        b"(((",
        b";charset=",
        "\u{202e}写道：".as_bytes(),
    ];
    let mut heard = 0;
    for _ in 0..10_000 {
        let mut bytes = random.choice(&sound).expect("there are some").clone().into_bytes();
        for _ in 0..random.usize(1..8) {
            let at = random.usize(0..=bytes.len());
            match random.u8(0..5) {
                0 => {
                    drop(bytes.splice(at..at, random.choice(pieces).expect("there are some").iter().copied()))
                }
                1 => bytes.truncate(at.max(20)),
                2 => drop(bytes.drain(at..(at + random.usize(0..40)).min(bytes.len()))),
                3 => bytes.splice(at..at, random.clone().u64(..).to_le_bytes()).for_each(drop),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = random.u8(..);
                    }
                }
            }
        }
        let torn = random.bool().then_some(99);
        if let Ok(reply) = desk().read(&bytes, torn) {
            heard += 1;
            assert!(reply.files.len() <= FILES_A_MESSAGE_MAX && reply.id.len() <= MESSAGE_ID_BYTES_MAX);
            assert!(!reply.said.contains('\0') && !reply.said.contains('\r'));
        }
    }
    assert!(heard > 1_000, "{heard}: some are still good");
}
