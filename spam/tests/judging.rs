//! What is held and what is not by a site that learned nothing, in many languages and however it is written.

use model::limits::MESSAGE_BYTES_MAX;
use spam::limits::{BECAUSE_MAX, BECAUSE_WORDS_MAX};
use spam::{Because, HELD_FROM, Judge, Learned, Opinion, Sign, Verdict};

fn opinion(text: &str) -> Opinion {
    Judge::new().opinion(text, &[], &Learned::new())
}

#[track_caller]
fn held(text: &str) {
    let opinion = opinion(text);
    assert!(opinion.held && !opinion.because.is_empty(), "let through: {text} {opinion:?}");
}

#[track_caller]
fn let_through(text: &str) {
    let opinion = opinion(text);
    assert!(!opinion.held, "held: {text} {opinion:?}");
}

#[track_caller]
fn shows(text: &str, sign: Sign) {
    let opinion = opinion(text);
    assert!(opinion.because.contains(&Because::Sign(sign)), "{text}: {opinion:?}");
}

#[test]
fn customers_are_let_through() {
    for text in [
        "",
        " ",
        "hi",
        "Hello?",
        "ok thanks!!!",
        "👍",
        "Is anybody there",
        "I WANT MY MONEY BACK NOW",
        "WHERE IS MY ORDER??? I HAVE BEEN WAITING FOR THREE WEEKS!!!",
        "Can I pay with bitcoin or only by card?",
        "Do you have this lamp in black? https://www.example.com/lamps/12",
        "The discount code FREE20 does not work at the checkout",
        "I won a voucher in your competition, how do I redeem it?",
        "Could somebody call me on +44 20 7946 0018 please, it is urgent",
        "You charged me £49.99 twice, please refund one of them",
        "How do I unsubscribe from the newsletter?",
        "Do you offer free shipping to Ireland? And is there a guarantee?",
        "I got a mail that says I won an iPhone and should click a link. Is that from you?",
        "My loan application was refused, can you tell me why?",
        "What is the interest on a personal loan of 5,000 euros?",
        "Does your plugin do SEO, and where do I set the page's title?",
        "Are there adult sizes of the blue jacket?",
        "I never received the text with the verification code",
        "I was promised a bonus of $50 when I sign up, but it is not in my account",
        "My subscription renewed although I cancelled it, please send my 120 euros back",
        "You can reach me at ada@example.com or 0171 5550123",
        "Hi, is the part time job at your shop in Leeds still open?",
        "My password reset link https://app.example.com/reset?token=9f8e7d leads to a 404",
        "Screenshots are here: https://imgur.com/a/abc123 and https://imgur.com/a/def456",
        "I compared yours with https://example.org/a, https://example.net/b and https://example.edu/c, what is the difference?",
        "Our WhatsApp integration stopped working this morning",
        "Can I change the delivery address to 12 Casino Street?",
        "My girlfriend wants to exchange the dress, is that possible with the voucher?",
        "Good morning, the invoice 2024-0815 has the wrong VAT number. Could you send a new one until 2024-06-30?",
    ] {
        let_through(text);
    }
}

#[test]
fn customers_of_all_languages_are_let_through() {
    for text in [
        "Guten Tag, wo bleibt meine Bestellung? Ich warte seit drei Wochen auf den gratis Versand.",
        "Bonjour, je n'ai pas reçu mon remboursement de 35 €. Pouvez-vous m'aider ?",
        "Hola, mi pedido no ha llegado. ¿Cuánto dinero me devuelven?",
        "Olá, meu pedido ainda não chegou, podem verificar?",
        "Buongiorno, ho vinto uno sconto ma non funziona",
        "Здравствуйте, не приходит SMS с кодом. Мой заказ 12345, бесплатно ли доставка?",
        "你好，我的订单什么时候发货？可以用微信付款吗？",
        "注文した商品がまだ届きません。いつ発送されますか？",
        "주문한 상품이 아직 안 왔어요. 언제 배송되나요?",
        "สวัสดีค่ะ สินค้าจะส่งเมื่อไหร่",
        "مرحبا، أين طلبي؟ رقم الطلب ١٢٣٤٥",
        "नमस्ते, मेरा ऑर्डर कहाँ है?",
        "Merhaba, siparişim nerede? Ücretsiz kargo var mı?",
        "Xin chào, đơn hàng của tôi đâu rồi?",
        "Γεια σας, πού είναι η παραγγελία μου;",
        "שלום, איפה ההזמנה שלי?",
    ] {
        let_through(text);
    }
}

#[test]
fn code_and_logs_are_let_through() {
    for text in [
        "It fails with\n```\nfetch('https://api.example.com/v1').then(r => free(r))\nfetch('https://b.example.com')\nfetch('https://c.example.com')\n```\nany idea?",
        "2024-05-01 12:00:01 GET http://a.example.org/free 200\n2024-05-01 12:00:02 GET http://b.example.org/win 500\n\
         2024-05-01 12:00:03 GET http://c.example.org/prize 500\nWhy is that?",
        "Exception in thread main\n  at com.shop.Casino.bet(Casino.java:12)\n  at com.shop.Main.main(Main.java:7)",
        "<a href=\"https://example.com/\" class=\"btn\">Buy</a> does not open",
        "192.168.0.12 - - [12/May/2024:06:25:24 +0000] \"GET /offers HTTP/1.1\" 200 512\n203.0.113.9 - - [12/May/2024:06:25:25 +0000] \"GET / HTTP/1.1\" 500 12",
        "curl -v https://api.example.com/charge -d amount=$1000 returns 402, see http://localhost:3000/ and http://192.168.0.5/",
    ] {
        let_through(text);
    }
}

#[test]
fn spam_is_held() {
    for text in [
        "Rank your website on the first page of Google! Our SEO agency offers link building and guest posts. https://seo.example.top",
        "Hello dear, I am interested in your site. Do you accept guest posts with dofollow links?",
        "Make money online! Earn $5000 a week from home: https://bit.ly/xyz",
        "Congratulations! You have been selected as the winner of a £1000 cash prize. Call 09011234567 now to claim",
        "Hot girls in your area want to chat tonight https://t.me/somebody",
        "Best online casino, 100 free spins, no deposit bonus 🎰🎰",
        "Buy viagra and cialis, no prescription, cheap pills",
        "Crypto trading signals, guaranteed profit, join our Telegram channel t.me/pump",
        "I lost my bitcoin, but a recovery expert got it all back, contact whatsapp +1 202 555 0147",
        "[url=http://pills.example.xyz]cheap pills[/url] [url=http://a.example.xyz]more[/url]",
        "We offer personal loans and business loans at low interest, bad credit welcome. Apply now!",
        "Text WIN to 80123 to get free ringtones. T&Cs apply, 150p per msg",
        "Geld verdienen von zu Hause! Jetzt klicken Sie hier: https://geld.example.top",
        "Онлайн казино Вулкан, бонус за регистрацию! Переходи по ссылке https://kazino.example.ru",
        "Заработок в интернете без вложений, пишите в телеграм t.me/rabota",
        "正规博彩网站，送彩金，加微信 abc123",
        "贷款秒批，无需抵押，加我微信：dk8888",
        "高収入の副業で誰でも稼げる！今すぐ登録 https://line.me/abc",
        "온라인 카지노 바카라 가입 즉시 보너스",
        "Gana dinero desde casa, ingresos extra, haz clic aquí https://bit.ly/abc",
        "Canlı bahis ve casino bonusu https://bahis.example.bet",
    ] {
        held(text);
    }
}

#[test]
fn disguises_do_not_help() {
    held("Best online casino, free spins");
    for text in [
        "Best оnline саsinо, free sрins",
        "Best online c\u{200b}asi\u{200b}no, fr\u{200b}ee spins",
        "𝐁𝐞𝐬𝐭 𝐨𝐧𝐥𝐢𝐧𝐞 𝐜𝐚𝐬𝐢𝐧𝐨, 𝐟𝐫𝐞𝐞 𝐬𝐩𝐢𝐧𝐬",
        "Ｂｅｓｔ ｏｎｌｉｎｅ ｃａｓｉｎｏ, ｆｒｅｅ ｓｐｉｎｓ",
        "Best online c@s1no, free spins",
        "B\u{336}e\u{336}s\u{336}t\u{336} online c\u{336}a\u{336}s\u{336}i\u{336}n\u{336}o, free spins",
        "BEST ONLINE CASIIIIINO, FREEEEE SPINS",
        "Best online c.a.s.i.n.o, free spins",
        "Best online c a s i n o, free spins",
    ] {
        held(text);
    }
}

#[test]
fn reasons_are_what_a_person_sees() {
    shows("see http://a.com", Sign::Link);
    shows("see http://a.com and b.com", Sign::TwoLinks);
    shows("http://a.com http://b.com www.c.com", Sign::ManyLinks);
    shows("bit.ly/abc", Sign::Shortener);
    shows("write to t.me/abc", Sign::Messenger);
    shows("http://abc.xyz", Sign::CheapHost);
    shows("http://203.0.113.9/x", Sign::AddressHost);
    shows("[url=http://a.com]x[/url]", Sign::Markup);
    shows("it is 020 7946 0018", Sign::Number);
    shows("call 020 7946 0018", Sign::NumberToCall);
    shows("it is 0901 123 4567", Sign::PremiumNumber);
    shows("text it to 80123", Sign::NumberToText);
    shows("that is $5", Sign::Money);
    shows("that is $$$", Sign::MoneyDrawn);
    shows("THAT HAS BEEN SAID", Sign::Shouting);
    shows("that! is! said!", Sign::Exclaiming);
    shows("😀 😀 😀 😀", Sign::Emoji);
    shows("a cаble", Sign::Masked);
    shows("a ca\u{200b}ble", Sign::Unseen);
    shows("c@sino", Sign::Disguised);

    let opinion = opinion(
        "Earn money with our casino https://bit.ly/abc and https://b.com http://c.com, call 0901 123 4567!!!",
    );
    assert_eq!(opinion.because.len(), BECAUSE_MAX);
    let told: Vec<String> = opinion.because.iter().map(Because::to_string).collect();
    assert!(told[0].starts_with("words that spam has: earn money, casino"), "{told:?}");
    assert!(told.contains(&"a number that costs".to_owned()), "{told:?}");
    for because in opinion.because {
        assert!(!matches!(because, Because::Words(words) if words.len() > BECAUSE_WORDS_MAX));
    }
}

#[test]
fn the_site_s_own_hosts_are_no_sign() {
    let (judge, learned) = (Judge::new(), Learned::new());
    let text = "https://shop.example.com/a https://example.com/b www.example.com/c http://EXAMPLE.com:8080/d";
    let own = ["example.com".to_owned()];
    let signs = |hostnames: &[String]| judge.opinion(text, hostnames, &learned).because;
    assert_eq!(signs(&[]), [Because::Sign(Sign::ManyLinks)]);
    assert_eq!(signs(&own), []);
    let nothing = judge.opinion("", &[], &learned).score;
    assert_eq!(judge.opinion(text, &own, &learned).score, nothing);
    // What is learned of such a message is not of its hosts either.
    assert_eq!(judge.learn(text, &own, Verdict::Ham), judge.learn("", &[], Verdict::Ham));
}

#[test]
fn a_long_text_around_it_hides_no_spam() {
    let spam = "Best online casino, 100 free spins, no deposit bonus: https://bit.ly/abc";
    let customer = "Thanks for the help, my order has arrived and the lamp works. I need an invoice with my address, please. ".repeat(20);
    let_through(&customer);
    held(&format!("{spam} {customer}"));
    held(&format!("{customer} {spam}"));
    held(&format!("{customer} {spam} {customer}"));
}

#[test]
fn words_of_a_long_report_do_not_add_up() {
    let report = "We had a meeting about the new release and the offer of the supplier, and nobody could say what is the reason for it. \
                  The page was slow on Monday, so we looked at the logs of both machines and at the traffic of the day before that day. ";
    let_through(&report.repeat(MESSAGE_BYTES_MAX / report.len()));
}

#[test]
fn no_more_than_the_longest_message_is_looked_at() {
    let spam = "casino viagra xxx ";
    let around = |spaces: usize| format!("{}{spam}", " ".repeat(spaces));
    assert!(opinion(&around(MESSAGE_BYTES_MAX - spam.len())).held);
    assert_eq!(opinion(&around(MESSAGE_BYTES_MAX)), opinion(""));
}

#[test]
fn a_score_is_a_share_and_decides() {
    for text in [
        "",
        "hi",
        "viagra",
        "viagra casino",
        "viagra casino porn xxx lottery http://a.xyz",
        "refund my order please",
    ] {
        let opinion = opinion(text);
        assert!((0.0..=1.0).contains(&opinion.score), "{text}");
        assert_eq!(opinion.held, opinion.score >= HELD_FROM, "{text}");
    }
    assert!(opinion("").score < 0.2);
    // No word alone, however plain.
    assert!(!opinion("viagra").held && opinion("viagra casino").held);
}

#[test]
fn anything_can_be_written() {
    let (judge, learned) = (Judge::new(), Learned::new());
    let parts = [
        "http://",
        "www.",
        "://",
        "@",
        "a@b.c",
        "t.me/",
        "```",
        "[url",
        "£",
        "$$$",
        "0",
        "09011234567",
        "+44 ",
        "c@s1n0",
        " ",
        "\n",
        "\u{200b}",
        "\u{301}",
        "é",
        "Ж",
        "а",
        "a",
        "博彩",
        "한",
        "カ",
        "😀",
        "\u{fdfa}",
        "\u{e0041}",
        "'",
        "’",
        "!",
        "?",
        ".",
        "/",
        "İ",
        "ß",
        "ǅ",
        "\u{1f1e6}",
        "की",
        "\0",
        "free",
        "A",
    ];
    for seed in 0..2_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let text: String = (0..rng.usize(0..60)).map(|_| parts[rng.usize(0..parts.len())]).collect();
        let opinion = judge.opinion(&text, &["a.com".to_owned()], &learned);
        assert!(opinion.score.is_finite() && opinion.because.len() <= BECAUSE_MAX, "seed {seed}: {text:?}");
        let any: String = (0..rng.usize(0..200)).map(|_| rng.char(..)).collect();
        assert!(judge.opinion(&any, &[], &learned).score.is_finite(), "seed {seed}");
    }
}
