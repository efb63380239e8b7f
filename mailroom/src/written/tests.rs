//! Answers as mail programs write them, in the languages of the widget.

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(written(text), expected, "{text}");
    // What was read once is read the same when it comes through a server that ends lines its own way.
    assert_eq!(written(&text.replace('\n', "\r\n")), expected, "{text}");
}

const OURS: &str =
    "> --- Write your answer above this line; below it stands what you answer. ---\n>\n> Ann:\n> It comes.\n";

#[test]
fn what_is_written_stays_as_it_is() {
    check("Thank you!", "Thank you!");
    check("  indented\n\n\n\ncode\t x  \n", "  indented\n\ncode\t x");
    check("", "");
    check(" \n\n", "");
    check("a\u{feff}\u{0}\u{1b}[31mb\u{a0}c", "a[31mb c");
    check("1. one\n2. two\n- three\n--four", "1. one\n2. two\n- three\n--four");
    check("From: the shop\nI want nothing.", "From: the shop\nI want nothing.");
    check("On Monday I wrote:\nplease", "On Monday I wrote:\nplease");
    check(
        "On 3 March you wrote me that it comes. It did not.",
        "On 3 March you wrote me that it comes. It did not.",
    );
    check("The time is 10:30 and I am at home: ring.", "The time is 10:30 and I am at home: ring.");
    check("Sent from my phone? No, from my new laptop!", "Sent from my phone? No, from my new laptop!");
    check(
        "Hello\nSent from my old account you will find three mails that I wrote to you in March, and nothing came.",
        "Hello\nSent from my old account you will find three mails that I wrote to you in March, and nothing came.",
    );
    check("____\n|__|", "____\n|__|");
}

#[test]
fn what_stands_below_our_line_is_not_said_again() {
    check(&format!("It leaks.\n\n{OURS}"), "It leaks.");
    check(
        "It leaks.\n--- Write your answer above this line; below it stands what you answer. ---\nAnn:\nIt comes.",
        "It leaks.",
    );
    check(
        "Ça fuit.\n\nNimportequoi qui introduit\n>>> --- Write your answer above this line ---\n> Ann",
        "Ça fuit.\n\nNimportequoi qui introduit",
    );
    // Below it, as some do.
    check(&format!("{OURS}\nIt leaks."), "It leaks.");
}

#[test]
fn programs_introduce_what_they_quote() {
    for introduction in [
        // Gmail.
        "On Mon, Mar 3, 2025 at 10:00 AM The Shop <shop@shop.example> wrote:",
        "On Mon, Mar 3, 2025 at 10:00\u{202f}AM The Shop <\nreplies+0123456789@shop.example> wrote:",
        "On Mon, 3 Mar 2025, 10:00 The Shop, <shop@shop.example> wrote:",
        "Le lun. 3 mars 2025 à 10:00, The Shop <shop@shop.example> a écrit :",
        "Le lun. 3 mars 2025 à 10:00, The Shop <shop@shop.example> a écrit\u{a0}:",
        "Am Mo., 3. März 2025 um 10:00 Uhr schrieb The Shop <shop@shop.example>:",
        "Am Mo., 3. März 2025 um 10:00 Uhr schrieb The Shop <\nshop@shop.example>:",
        "El lun, 3 mar 2025 a las 10:00, The Shop (<shop@shop.example>) escribió:",
        "The Shop <shop@shop.example> 于2025年3月3日周一 10:00写道：",
        "في الاثنين، 3 مارس 2025 في 10:00 ص تمت كتابة ما يلي بواسطة The Shop <\u{200e}shop@shop.example\u{200e}> كتب:",
        "\u{202b}في الاثنين، 3 مارس 2025 في 10:00 ص \u{202a}The Shop\u{202c}\u{200f} <\u{202a}shop@shop.example\u{202c}\u{200f}> كتب:\u{202c}",
        // Apple Mail, on desks and phones.
        "On Mar 3, 2025, at 10:00, The Shop <shop@shop.example> wrote:",
        "On 3 Mar 2025, at 10:00 AM, The Shop <shop@shop.example>\nwrote:",
        "Le 3 mars 2025 à 10:00, The Shop <shop@shop.example> a écrit :",
        "Am 03.03.2025 um 10:00 schrieb The Shop <shop@shop.example>:",
        "El 3 mar 2025, a las 10:00, The Shop <shop@shop.example> escribió:",
        "在 2025年3月3日，10:00，The Shop <shop@shop.example> 写道：",
        "2025年3月3日 10:00，The Shop <shop@shop.example> 写道：",
        "\u{200f}في ٣ مارس ٢٠٢٥، الساعة ١٠:٠٠ ص، كتب/كتبت The Shop <shop@shop.example>:",
        // Thunderbird.
        "On 3/3/25 10:00, The Shop wrote:",
        "On 2025-03-03 10:00, The Shop via Watchfire wrote:",
        "Le 03/03/2025 à 10:00, The Shop a écrit :",
        "Am 03.03.25 um 10:00 schrieb The Shop:",
        "El 3/3/25 a las 10:00, The Shop escribió:",
        "在 2025/3/3 10:00, The Shop 写道:",
        "في 3/3/25 10:00، كتب The Shop كتب:",
        // K-9, Samsung, and others who turn it around.
        "The Shop <shop@shop.example> wrote (3 March 2025 10:00):",
        "The Shop <shop@shop.example> schrieb am Mo., 3. März 2025, 10:00:",
        "shop@shop.example wrote on 2025-03-03:",
        "\"The Shop\" <shop@shop.example> escribió el 3 de marzo de 2025:",
    ] {
        check(&format!("It leaks.\nAnn\n\n{introduction}\n\n> Ann:\n> It comes.\n"), "It leaks.\nAnn");
        // Not marked as a quote, as phones do.
        check(&format!("It leaks.\nAnn\n\n{introduction}\n\nAnn:\nIt comes."), "It leaks.\nAnn");
        // A quote of a quote.
        let quoted = introduction.replace('\n', "\n> ");
        check(&format!("It leaks.\n\n> {quoted}\n>> Ann\n"), "It leaks.");
    }
}

#[test]
fn answers_stand_between_what_is_quoted() {
    check(
        "Hello,\n\nOn 3/3/25 10:00, The Shop wrote:\n> Which one?\n\nThe red one.\n\n> When?\nOn Monday.\n-- \nAnn",
        "Hello,\n\nThe red one.\n\nOn Monday.",
    );
    check("> Which one?\nThe red one.", "The red one.");
}

#[test]
fn outlook_begins_what_is_answered_by_a_head() {
    for head in [
        "From: The Shop <shop@shop.example>\nSent: Monday, March 3, 2025 10:00 AM\nTo: Ann <ann@x.example>\nSubject: The Shop answered you",
        "*From:* The Shop <shop@shop.example>\n*Sent:* Monday, March 3, 2025 10:00 AM\n*To:* Ann\n*Subject:* x",
        "De : The Shop <shop@shop.example>\nEnvoyé : lundi 3 mars 2025 10:00\nÀ : Ann <ann@x.example>\nObjet : The Shop answered you",
        "De\u{a0}: The Shop\nDate\u{a0}: lundi, 3 mars 2025 à 10:00\nÀ\u{a0}: Ann\nObjet\u{a0}: x",
        "Von: The Shop <shop@shop.example>\nGesendet: Montag, 3. März 2025 10:00\nAn: Ann <ann@x.example>\nBetreff: The Shop answered you",
        "Von: The Shop\nDatum: Montag, 3. März 2025 um 10:00\nAn: Ann\nBetreff: x",
        "De: The Shop <shop@shop.example>\nEnviado: lunes, 3 de marzo de 2025 10:00\nPara: Ann <ann@x.example>\nAsunto: The Shop answered you",
        "发件人: The Shop <shop@shop.example>\n发送时间: 2025年3月3日 10:00\n收件人: Ann <ann@x.example>\n主题: The Shop answered you",
        "发件人： The Shop\n日期： 2025年3月3日 星期一 10:00\n收件人： Ann\n主题： x",
        "寄件者: The Shop\n傳送日期: 2025年3月3日\n收件者: Ann\n主旨: x",
        "من: The Shop <shop@shop.example>\nتاريخ الإرسال: 3 مارس 2025\nإلى: Ann\nالموضوع: x",
    ] {
        let body = "\n\nAnn:\nIt comes.";
        check(&format!("It leaks.\n\n________________________________\n{head}{body}"), "It leaks.");
        check(&format!("It leaks.\n\n{head}{body}"), "It leaks.");
        check(&format!("It leaks.\n\n-----Original Message-----\n{head}{body}"), "It leaks.");
    }
}

#[test]
fn other_programs_draw_a_line() {
    for line in [
        "-----Original Message-----",
        "---- Original message ----",
        "-------- Original Message --------",
        "-------- Message d'origine --------",
        "-----Message d’origine-----",
        "-----Ursprüngliche Nachricht-----",
        "-------- Ursprüngliche Nachricht --------",
        "-----Mensaje original-----",
        "-------- Mensaje original --------",
        "------------------ 原始邮件 ------------------",
        "------------------ Original ------------------\nFrom: a\nDate: b\nTo: c",
        "-----邮件原件-----",
        "-----الرسالة الأصلية-----",
        "---------- Forwarded message ---------",
        "________________________________",
    ] {
        let expected = if line.contains(" Original --") {
            "It leaks.\n\n------------------ Original ------------------"
        } else {
            "It leaks."
        };
        check(&format!("It leaks.\n\n{line}\nvon irgendwem\nIt comes."), expected);
    }
}

#[test]
fn signatures_are_not_said() {
    check("It leaks.\n\n-- \nAnn Lee\nHead of Tea\n+49 1", "It leaks.");
    check("It leaks.\n--\nAnn", "It leaks.");
    for phone in [
        "Sent from my iPhone",
        "Sent from my iPad",
        "Sent from my Galaxy",
        "Sent from Outlook for Android",
        "Sent from Mail for Windows",
        "Sent from Yahoo Mail on Android",
        "Sent from Proton Mail for iOS",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Envoyé de mon iPhone",
        "Envoyé depuis mon téléphone Samsung Galaxy.",
        "Von meinem iPhone gesendet",
        "Gesendet von Outlook für Android",
        "Diese Nachricht wurde von meinem Android-Mobiltelefon mit WEB.DE Mail gesendet.",
        "Enviado desde mi iPhone",
        "Enviado desde Outlook para Android",
        "发自我的 iPhone",
        "发自我的iPad",
        "从 Windows 版邮件发送",
        "أُرسلت من الـ iPhone",
        "تم الإرسال من هاتف Samsung Galaxy الذكي.",
    ] {
        check(&format!("It leaks.\n\n{phone}"), "It leaks.");
        check(
            &format!(
                "It leaks.\n\n{phone}\n\nOn Mar 3, 2025, at 10:00, The Shop <shop@shop.example> wrote:\n\n> It comes."
            ),
            "It leaks.",
        );
    }
}

#[test]
fn where_nothing_would_be_left_all_of_it_stays() {
    check("> It comes.", "> It comes.");
    check("-- \nAnn", "--\nAnn");
    check("Sent from my iPhone", "Sent from my iPhone");
    check("-----Original Message-----\nIt comes.", "-----Original Message-----\nIt comes.");
    check("On 3/3/25 10:00, The Shop wrote:\nIt comes.", "On 3/3/25 10:00, The Shop wrote:\nIt comes.");
}

#[test]
fn so_much_of_a_text_is_looked_at() {
    let long = |bytes: usize| "x".repeat(bytes);
    assert_eq!(written(&long(WRITTEN_BYTES_MAX)).len(), WRITTEN_BYTES_MAX);
    assert_eq!(written(&long(WRITTEN_BYTES_MAX + 1)).len(), WRITTEN_BYTES_MAX);
    assert_eq!(written(&"é".repeat(WRITTEN_BYTES_MAX)).len(), WRITTEN_BYTES_MAX);
    for part in [
        "> ",
        "On 1 ",
        "From: a\n",
        "-----Original Message-----\n",
        "a:\n",
        "_",
        "\u{200f}",
        "写道：\n1",
        "@ wrote 1:\n",
        "--\n",
    ] {
        assert!(written(&part.repeat(WRITTEN_BYTES_MAX)).len() <= WRITTEN_BYTES_MAX, "{part:?}");
    }
}
