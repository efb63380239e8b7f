//! What a text becomes, and that no text becomes anything else.

use super::*;
use model::AccountId;
use model::limits::MESSAGE_BYTES_MAX;

const ANN: Who = Who::Account(AccountId::of(1));

fn rendered(text: &str) -> String {
    html(text, &HashMap::from([(ANN, "Ann <&> \"A\"".to_owned())]))
}

fn check(text: &str, expected: &str) {
    assert_eq!(rendered(text), expected, "{text}");
}

/// Within one paragraph.
fn check_line(text: &str, expected: &str) {
    check(text, &format!("<p>{expected}</p>"));
}

fn link(address: &str, said: &str) -> String {
    format!("<a href=\"{address}\" rel=\"nofollow noopener noreferrer ugc\" target=\"_blank\">{said}</a>")
}

#[test]
fn blocks_are_told_apart() {
    check("", "");
    check("\n \n", "");
    check("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>");
    check("> a\n> > b\nc", "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote><p>c</p>");
    check("- a\n* b\n1. c\n12. d", "<ul><li>a</li><li>b</li></ul><ol><li>c</li><li>d</li></ol>");
    check(
        "```rust\nlet a = \"<b>\";\n\n**x**\n```\nend",
        "<pre><code><span class=\"code-word\">let</span> a = <span class=\"code-text\">&quot;&lt;b&gt;&quot;</span>;\n\n**x**</code></pre><p>end</p>",
    );
    check("```\nopen", "<pre><code>open</code></pre>");
    check("-no list\n1.no list\n1234. no list", "<p>-no list<br>1.no list<br>1234. no list</p>");
    check("# no heading", "<p># no heading</p>");
}

#[test]
fn marks_stand_around_words() {
    check_line(
        "**a** __b__ *c* _d_ ~~e~~",
        "<strong>a</strong> <strong>b</strong> <em>c</em> <em>d</em> <del>e</del>",
    );
    check_line("**a *b* c**", "<strong>a <em>b</em> c</strong>");
    check_line("*a **b***", "<em>a <strong>b</strong></em>");
    check_line("snake_case_name 2*3*4 ** * _ ~~", "snake_case_name 2<em>3</em>4 ** * _ ~~");
    check_line("**open", "**open");
    check_line("`**a** <b>` `", "<code>**a** &lt;b&gt;</code> `");
}

#[test]
fn addresses_lead_out_and_nowhere_else() {
    check_line(
        "see https://example.org/a_b_c?d=1&e=2.",
        &format!(
            "see {}.",
            link("https://example.org/a_b_c?d=1&amp;e=2", "https://example.org/a_b_c?d=1&amp;e=2")
        ),
    );
    check_line("(http://example.org)", &format!("({})", link("http://example.org", "http://example.org")));
    check_line("http://a.org/x(y)", &link("http://a.org/x(y)", "http://a.org/x(y)"));
    let wiki = "https://x.example/a_(b)";
    check_line(&format!("({wiki})"), &format!("({})", link(wiki, wiki)));
    check_line(
        &format!("(see {wiki}), {wiki}.)"),
        &format!("(see {}), {}.)", link(wiki, wiki), link(wiki, wiki)),
    );
    check_line(
        "((https://x.example/a))",
        &format!("(({}))", link("https://x.example/a", "https://x.example/a")),
    );
    check_line(&format!("[tea]({wiki})"), &link(wiki, "tea"));
    check_line(
        "[tea](https://x.example/(b and c)",
        &format!("[tea]({} and c)", link("https://x.example/(b", "https://x.example/(b")),
    );
    check_line("[tea <b>](https://example.org)", &link("https://example.org", "tea &lt;b&gt;"));
    check_line("[mail](mailto:a@example.org)", &link("mailto:a@example.org", "mail"));
    for bad in [
        "javascript:alert(1)",
        "JAVASCRIPT:x",
        "data:text/html,x",
        "//example.org",
        "/path",
        "vbscript:x",
        "https://",
        "java\tscript:x",
    ] {
        assert!(!rendered(&format!("[x]({bad})")).contains("<a"), "{bad}");
    }
    check_line("xhttps://example.org", "xhttps://example.org");
    check_line(
        "[](https://example.org/)",
        &format!("[]({})", link("https://example.org/", "https://example.org/")),
    );
}

#[test]
fn people_are_named_and_counted_once() {
    let mention = "<span class=\"mention\" data-who=\"AC-00000001\">@Ann &lt;&amp;&gt; &quot;A&quot;</span>";
    check_line("@AC-00000001, hello", &format!("{mention}, hello"));
    check_line("**@AC-00000001**", &format!("<strong>{mention}</strong>"));
    check_line(
        "@AC-00000002 @AC-0000000 a@AC-00000001 @AC-000000011",
        "@AC-00000002 @AC-0000000 a@AC-00000001 @AC-000000011",
    );
    check_line("`@AC-00000001`", "<code>@AC-00000001</code>");
    let text =
        "@AC-00000002 **@AC-00000001** `@AC-00000003`\n```\n@AC-00000004\n```\n> @AC-00000002 @BT-00000005";
    let found: Vec<String> = mentions(text).iter().map(Who::to_string).collect();
    assert_eq!(found, ["AC-00000002", "AC-00000001", "BT-00000005"]);
}

#[test]
fn shortcodes_become_emoji() {
    check_line(":tada: :+1: :no_such: 12:30:45 :", "🎉 👍 :no_such: 12:30:45 :");
}

#[test]
fn a_paste_is_its_characters() {
    assert_eq!(paste("<b>\n**x** :tada:\u{7}"), "<pre><code>&lt;b&gt;\n**x** :tada:\u{FFFD}</code></pre>");
}

/// Reads HTML as strictly as it is meant: known tags, known attributes, closed in order, nothing bare.
fn assert_safe(html: &str, text: &str) {
    const TAGS: [&str; 11] =
        ["p", "blockquote", "ul", "ol", "li", "pre", "code", "strong", "em", "del", "span"];
    let mut open = Vec::new();
    let mut rest = html;
    while let Some(begin) = rest.find('<') {
        assert!(!rest[..begin].contains('>'), "bare > in {html:?} of {text:?}");
        let end = rest.find('>').unwrap_or_else(|| panic!("an open tag in {html:?} of {text:?}"));
        let tag = &rest[begin + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name.to_owned()), "{html:?} of {text:?}");
        } else if let Some(attributes) = tag.strip_prefix("a href=\"") {
            let (address, behind) = attributes.split_once('"').unwrap();
            let lower = address.to_lowercase();
            assert!(
                ["http://", "https://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme)),
                "{html:?}"
            );
            assert_eq!(behind, " rel=\"nofollow noopener noreferrer ugc\" target=\"_blank\"");
            open.push("a".into());
        } else if tag != "br" {
            let name = tag.split(' ').next().unwrap();
            assert!(TAGS.contains(&name), "<{tag}> of {text:?}");
            const MARKS: [&str; 6] = ["word", "text", "number", "remark", "added", "taken"];
            let is_mark = MARKS.iter().any(|mark| tag == format!("span class=\"code-{mark}\""));
            let is_plain = tag == name || is_mark || tag == "span class=\"mention\" data-who=\"AC-00000001\"";
            assert!(is_plain, "<{tag}> of {text:?}");
            open.push(name.to_owned());
        }
    }
    assert!(!rest.contains('>') && open.is_empty(), "{html:?} of {text:?}");
}

#[test]
fn no_text_becomes_a_tag_of_its_own() {
    const PIECES: [&str; 40] = [
        "<",
        ">",
        "\"",
        "'",
        "&",
        "`",
        "```",
        "\n",
        "\n\n",
        "> ",
        "- ",
        "1. ",
        "*",
        "**",
        "_",
        "__",
        "~~",
        "[",
        "](",
        ")",
        "https://",
        "javascript:",
        "mailto:",
        "@AC-00000001",
        ":tada:",
        "<script>",
        "</p>",
        "onerror=",
        "<img src=x>",
        "\\",
        " ",
        "a",
        "é",
        "\u{202E}",
        "\u{0}",
        "\t",
        "data:",
        "&lt;",
        "%22",
        "東",
    ];
    let seed = fastrand::u64(..);
    let mut rng = fastrand::Rng::with_seed(seed);
    for round in 0..20_000 {
        let count = rng.usize(1..40);
        let text: String = std::iter::repeat_with(|| PIECES[rng.usize(..PIECES.len())]).take(count).collect();
        assert_safe(&rendered(&text), &format!("{text} (seed {seed}, round {round})"));
        assert_safe(&paste(&text), &text);
    }
}

#[test]
fn the_longest_hostile_text_takes_no_square_time() {
    for piece in
        ["*", "**a", "_a ", "~~", "[", "[a](", "> ", "`a", "@AC-0000000", ":a", "https://a", "- ", "a*b_"]
    {
        let text = piece.repeat(MESSAGE_BYTES_MAX / piece.len());
        let began = std::time::Instant::now();
        assert_safe(&rendered(&text), piece);
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "{piece}");
    }
    check(
        &"> ".repeat(6),
        &format!("{}<p>&gt; &gt; </p>{}", "<blockquote>".repeat(4), "</blockquote>".repeat(4)),
    );
}
