//! Text from files and stores, made fit for a terminal.

use crate::secret;

/// `text` without what looks like a secret, and with everything that a terminal would act upon, or that would show it in another order
/// than it is stored in, written out as `\u{…}`. Line breaks and tabs too: the result is one line.
#[must_use]
pub fn visible(text: &str) -> String {
    let text = secret::mask(text);
    if !text.contains(is_treacherous) {
        return text.into_owned();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_treacherous(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Control characters, and those that change the direction of text or cannot be seen at all.
fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn what_a_terminal_would_act_upon_is_written_out() {
        assert_eq!(visible("plain ünïcödé 旗"), "plain ünïcödé 旗");
        assert_eq!(visible("\u{1b}[2Jgone"), "\\u{1b}[2Jgone");
        assert_eq!(visible("redis://:pw@h"), "redis://:**@h");
        assert_eq!(visible("a\nb\u{202e}c\u{9b}"), "a\\u{a}b\\u{202e}c\\u{9b}");
    }
}
