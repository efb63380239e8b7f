//! Which lines of a message a machine wrote: code, logs, traces that customers paste. What stands in them is counted as words,
//! but a log's many links, numbers and capitals are no signs.

/// Symbols that make a line code: at least so many, and one in `SYMBOLS_PART` of its characters.
const SYMBOLS_MIN: usize = 5;
const SYMBOLS_PART: usize = 8;
const BEGINNINGS: [&str; 21] = [
    "at ",
    "caused by:",
    "traceback",
    "exception",
    "error:",
    "error[",
    "warn",
    "info ",
    "info:",
    "[info",
    "[error",
    "[warn",
    "debug",
    "trace",
    "fatal",
    "panic",
    "curl ",
    "npm ",
    "get /",
    "post /",
    "$ ",
];

/// Tells line by line, as it has to know where fences begin and end.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    in_fence: bool,
}

impl Machine {
    /// Of the next line, in lower case.
    pub(crate) fn wrote(&mut self, line: &str) -> bool {
        let bare = line.trim_start();
        if bare.starts_with("```") {
            // A fence that ends on its own line opens nothing.
            self.in_fence ^= bare.matches("```").count() % 2 == 1;
            return true;
        }
        self.in_fence
            || is_stamped(bare)
            || BEGINNINGS.iter().any(|begin| is_begun(bare, begin))
            || is_code(bare)
    }
}

/// `at` begins a line of a trace only where a call follows, as people begin lines with it, too.
fn is_begun(line: &str, begin: &str) -> bool {
    line.starts_with(begin) && (begin.len() > 5 || line.contains(['(', '/', '[', '=']))
}

/// Begins with a day or a time of a log.
fn is_stamped(line: &str) -> bool {
    let digits = line.trim_start_matches(['[', '(', '<']);
    let shape = |shape: &str| {
        digits.len() > shape.len()
            && digits
                .bytes()
                .zip(shape.bytes())
                .all(|(byte, like)| if like == b'0' { byte.is_ascii_digit() } else { byte == like })
    };
    shape("0000-00-00") || shape("00:00:00") || shape("0000/00/00")
}

/// Symbols beside those of links.
fn is_code(line: &str) -> bool {
    if line.bytes().filter(is_symbol).count() < SYMBOLS_MIN {
        return false;
    }
    let pieces = line.split_whitespace().filter(|piece| !piece.contains("://") && !piece.contains("www."));
    let (mut symbols, mut all) = (0, 0);
    for piece in pieces {
        all += piece.chars().count();
        symbols += piece.bytes().filter(is_symbol).count();
    }
    symbols >= SYMBOLS_MIN && symbols * SYMBOLS_PART >= all
}

fn is_symbol(byte: &u8) -> bool {
    matches!(
        byte,
        b'{' | b'}'
            | b'<'
            | b'>'
            | b'('
            | b')'
            | b'['
            | b']'
            | b'='
            | b';'
            | b'|'
            | b'\\'
            | b'"'
            | b'#'
            | b'/'
            | b'_'
            | b':'
            | b'&'
            | b'+'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[bool]) {
        let mut machine = Machine::default();
        let told: Vec<bool> = text.lines().map(|line| machine.wrote(line)).collect();
        assert_eq!(told, expected, "{text}");
    }

    #[test]
    fn code_and_logs_are_told_from_what_people_write() {
        check("it says:\n```\nanything\n```\nwhy?", &[false, true, true, true, false]);
        check("a ```one``` two\n```x```\nthree", &[false, true, false]);
        check("2024-05-01 12:00:01 started", &[true]);
        check("[12:00:01] started", &[true]);
        check("  at com.shop.Basket.add(Basket.java:12)", &[true]);
        check("at 12 i was at home", &[false]);
        check("error: cannot find http://localhost/x", &[true]);
        check("let basket = shop.get(\"basket\")[0];", &[true]);
        check("<a class=\"x\" href=\"y\">", &[true]);
        check("hello (again), my order #12: where is it?", &[false]);
        check("see https://example.com/?a=b&c=d&e=[f]", &[false]);
        check("", &[]);
    }
}
