//! What somebody wrote in a letter, without what it answers and without signatures. Mail programs mark these in their own ways, each in the language of
//! whoever uses it. What is doubtful stays: too much said is better than too little.

/// The line of our letters above which one writes.
pub use chat::ANSWER_ABOVE;

/// Bytes of a text that is looked at: what somebody wrote stands at its beginning, and the whole of a long one is a file.
pub const WRITTEN_BYTES_MAX: usize = 64 * 1024;
/// Lines that may say together who wrote what follows, and when: some programs break that line.
const INTRODUCTION_LINES_MAX: usize = 4;
/// Bytes of such an introduction.
const INTRODUCTION_BYTES_MAX: usize = 400;
/// Lines of the head that Outlook puts before what is answered.
const HEAD_LINES_MAX: usize = 8;

/// What was written; the text as it came where nothing would be left of it.
pub fn written(text: &str) -> String {
    let whole = tidy(&text[..text.floor_char_boundary(WRITTEN_BYTES_MAX)]);
    let own = without_signature(&without_quotes(&above_our_line(&whole)));
    let own = tidy(&own);
    if own.is_empty() { whole } else { own }
}

/// Lines end in one way, nothing stands at their ends, and no more than one line is empty at once.
fn tidy(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line: String = line.chars().filter(|letter| is_shown(*letter)).collect();
        let line = line.trim_end_matches(|letter: char| letter.is_whitespace() || letter == '\u{200e}');
        if line.is_empty() && lines.last().is_none_or(|last| last.is_empty()) {
            continue;
        }
        lines.push(line.replace('\u{a0}', " "));
    }
    lines.join("\n").trim_end().to_owned()
}

/// Nothing that controls a terminal, nor marks of an order of bytes.
fn is_shown(letter: char) -> bool {
    letter == '\t' || !letter.is_control() && !matches!(letter, '\u{feff}' | '\u{200b}')
}

/// Without marks of quotes and spaces before it.
fn bare(line: &str) -> &str {
    line.trim_start_matches(|letter: char| letter == '>' || letter.is_whitespace() || is_of_direction(letter))
        .trim_end_matches(|letter: char| letter.is_whitespace() || is_of_direction(letter))
}

/// Programs that write from right to left mark where that begins and ends.
fn is_of_direction(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_quoted(line: &str) -> bool {
    line.trim_start_matches(|letter: char| letter.is_whitespace() || is_of_direction(letter)).starts_with('>')
}

/// What stands above our own line, with the introduction of what it is quoted from.
fn above_our_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    match lines.iter().position(|line| line.contains(ANSWER_ABOVE)) {
        // Somebody may write below: then all else is looked at.
        Some(at) if lines[..at].iter().any(|line| is_own(line)) => lines[..at].join("\n"),
        _ => text.to_owned(),
    }
}

fn is_own(line: &str) -> bool {
    !is_quoted(line) && !bare(line).is_empty()
}

fn without_quotes(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut own = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let rest = &lines[at..];
        if is_quoted(rest[0]) {
            at += 1;
        } else if is_separator(rest[0]) || is_head(rest) {
            break;
        } else if let Some(length) = introduction(rest) {
            // Answers may stand between what is quoted; where it is not marked, nothing tells them from it.
            let next = rest[length..].iter().find(|line| !bare(line).is_empty());
            if next.is_some_and(|next| !is_quoted(next)) {
                break;
            }
            at += length;
        } else {
            own.push(rest[0]);
            at += 1;
        }
    }
    own.join("\n")
}

/// The line with which Outlook and others begin what they answer.
fn is_separator(line: &str) -> bool {
    let line = bare(line);
    if line.len() >= 20 && line.bytes().all(|byte| byte == b'_') {
        return true;
    }
    let dashes = line.bytes().take_while(|byte| *byte == b'-').count();
    let named = line.trim_matches(['-', ' ']).to_lowercase();
    dashes >= 2
        && [
            "original message",
            "forwarded message",
            "original appointment",
            "reply message",
            "message d'origine",
            "message d’origine",
            "message original",
            "message transféré",
            "ursprüngliche nachricht",
            "originalnachricht",
            "original-nachricht",
            "weitergeleitete nachricht",
            "mensaje original",
            "mensaje reenviado",
            "原始邮件",
            "原始郵件",
            "原邮件",
            "转发邮件",
            "邮件原件",
            "الرسالة الأصلية",
            "رسالة أصلية",
        ]
        .contains(&named.as_str())
}

/// Names of the lines of such a head, by language: who wrote, when, to whom, about what.
const FROM: &[&str] = &["from", "de", "von", "发件人", "寄件者", "寄件人", "发件者", "من", "المرسل"];
const OTHERS: &[&str] = &[
    "sent",
    "date",
    "to",
    "cc",
    "subject",
    "reply-to", // English
    "envoyé",
    "envoyé le",
    "à",
    "objet",
    "copie à",
    "répondre à", // French
    "gesendet",
    "datum",
    "an",
    "betreff",
    "kopie", // German
    "enviado",
    "enviado el",
    "fecha",
    "para",
    "asunto",
    "cc", // Spanish
    "发送时间",
    "日期",
    "收件人",
    "抄送",
    "主题",
    "傳送日期",
    "收件者",
    "主旨",
    "时间", // Chinese
    "تاريخ الإرسال",
    "الإرسال",
    "التاريخ",
    "تم الإرسال",
    "إلى",
    "الموضوع",
    "نسخة", // Arabic
];

/// Whether a head begins here: who wrote, and at least two more of its lines soon.
fn is_head(lines: &[&str]) -> bool {
    if !named(lines[0]).is_some_and(|name| FROM.contains(&name.as_str())) {
        return false;
    }
    let soon = lines.iter().skip(1).take(HEAD_LINES_MAX);
    let is_other = |line: &&&str| named(line).is_some_and(|name| OTHERS.contains(&name.as_str()));
    soon.filter(is_other).count() >= 2
}

/// What stands before the colon of a line, small: `*From:* Ann` is `from`.
fn named(line: &str) -> Option<String> {
    let line = bare(line).trim_start_matches('*');
    let (name, _) = line.split_once([':', '：'])?;
    let name = name.trim_matches(|letter: char| {
        letter == '*' || letter.is_whitespace() || letter == '\u{a0}' || is_of_direction(letter)
    });
    (name.chars().count() <= 20).then(|| name.to_lowercase())
}

/// How many lines say who wrote what follows.
fn introduction(lines: &[&str]) -> Option<usize> {
    let mut said = String::new();
    for (index, line) in lines.iter().take(INTRODUCTION_LINES_MAX).enumerate() {
        let line = bare(line);
        if line.is_empty() || said.len() + line.len() > INTRODUCTION_BYTES_MAX {
            return None;
        }
        if !said.is_empty() {
            said.push(' ');
        }
        said.push_str(line);
        if introduces(&said) {
            return Some(index + 1);
        }
    }
    None
}

/// Beginnings, and ends before the colon, that belong together. Whichever it is, when it was is said by numbers.
const INTRODUCTIONS: &[(&[&str], &[&str])] = &[
    (&["on ", "at "], &["wrote", "writes"]),
    (&["le ", "el ", "en "], &["a écrit", "escribió"]),
    (&["am ", "den "], &["schrieb", "geschrieben"]),
];
/// Words with which it ends, whatever it begins with: `Ann Lee <ann@…> schrieb am Mo., 3. März 2025, 10:00:`.
const ENDS: &[&str] = &["写道", "寫道", "來信寫道", "كتب", "كتبت", "كتب ما يلي"];

fn introduces(said: &str) -> bool {
    let has_number = said.chars().any(char::is_numeric);
    let small = said.to_lowercase();
    let Some(before) =
        small.strip_suffix([':', '：']).map(|before| before.trim_end_matches([' ', '\u{a0}', '\u{202f}']))
    else {
        return false;
    };
    if !has_number {
        return false;
    }
    let is_known = INTRODUCTIONS.iter().any(|(begins, ends)| {
        begins.iter().any(|begin| before.starts_with(begin)) && ends.iter().any(|end| holds_word(before, end))
    });
    let has_address = before.contains('@');
    let is_turned = has_address
        && ["wrote", "a écrit", "schrieb", "escribió"].iter().any(|word| holds_word(before, word));
    is_known
        || is_turned
        || ENDS.iter().any(|end| before.ends_with(end) || has_address && before.contains(end))
}

/// As a word of its own, near the end: a name or a date may stand behind it.
fn holds_word(text: &str, word: &str) -> bool {
    let Some(at) = text.rfind(word) else {
        return false;
    };
    let is_letter = |letter: Option<char>| letter.is_some_and(char::is_alphabetic);
    !is_letter(text[..at].chars().next_back()) && !is_letter(text[at + word.len()..].chars().next())
}

/// What phones and programs put below everything, by how it begins.
const SENT_FROM: &[&str] = &[
    "sent from my ",
    "sent from outlook",
    "sent from mail for",
    "sent from yahoo",
    "sent from proton",
    "sent via ",
    "get outlook for ",
    "envoyé de mon ",
    "envoyé depuis ",
    "envoyé à partir de ",
    "télécharger outlook pour ",
    "obtenir outlook pour ",
    "von meinem ",
    "gesendet von ",
    "gesendet mit ",
    "diese nachricht wurde von meinem ",
    "outlook für ",
    "holen sie sich outlook",
    "enviado desde mi ",
    "enviado desde ",
    "obtener outlook para ",
    "发自我的",
    "从我的",
    "發自我的",
    "从 ",
    "获取 outlook",
    "أُرسلت من ",
    "أرسلت من ",
    "تم الإرسال من ",
    "مرسل من ",
    "الحصول على outlook",
];
/// Characters of such a line: a sentence that begins so is longer, or goes on.
const SENT_FROM_CHARS_MAX: usize = 90;

/// Without what stands below `-- `, and without what phones add.
fn without_signature(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    // The customary line has a space at its end, which `tidy` took.
    let end = lines
        .iter()
        .position(|line| matches!(*line, "--" | "—"))
        .filter(|end| lines[..*end].iter().any(|line| is_own(line)));
    let mut own = lines[..end.unwrap_or(lines.len())].to_vec();
    while let Some(last) = own.last() {
        let bare = bare(last);
        let small = bare.trim_start_matches(['<', '[', '(']).to_lowercase();
        let is_added = bare.chars().count() <= SENT_FROM_CHARS_MAX
            && SENT_FROM.iter().any(|begin| small.starts_with(begin))
            && !small.ends_with(['?', '!']);
        if !bare.is_empty() && !is_added {
            break;
        }
        own.pop();
    }
    own.join("\n")
}

#[cfg(test)]
mod tests;
