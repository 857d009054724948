//! Replies and their verdicts.

use super::*;
use proptest::prelude::*;

fn judge(reply: &str) -> Verdict {
    // The keywords of a new project.
    let typed = [
        "T",
        "TD",
        "R",
        "N",
        "QX",
        "退订",
        "退訂",
        "拒收",
        "取消订阅",
        "不再接收",
        "stop",
        "unsubscribe",
    ];
    OptOutKeywords::new(&typed.map(str::to_owned)).judge(reply)
}

fn assert_each(verdict: Verdict, replies: &[&str]) {
    let wrong: Vec<(&str, Verdict)> = replies
        .iter()
        .map(|reply| (*reply, judge(reply)))
        .filter(|(_, judged)| *judged != verdict)
        .collect();
    assert!(wrong.is_empty(), "not {verdict:?}: {wrong:?}");
}

#[test]
fn a_reply_that_wants_no_more_messages_is_an_opt_out() {
    assert_each(
        Verdict::OptOut,
        &[
            // The keywords of a project, however they are written.
            "T",
            "t",
            " T ",
            "Ｔ",
            "ｔｄ。",
            "T。",
            "T!!",
            "【R】",
            "“退订”",
            "'T'",
            "T T T",
            "TD",
            "td",
            "R",
            "N\n",
            "qx",
            "退订",
            "退訂",
            "退订！！",
            "\u{202e}退订\u{202c}",
            "退\u{200b}订",
            "退 订",
            "拒收",
            "T 👍",
            "退订🙏",
            "退订😡😡",
            "0000",
            "００００",
            "00000",
            // What is around them.
            "回复T",
            "回T",
            "退T",
            "退TD",
            "退订T",
            "T退订",
            "TD退订",
            "发送TD或T",
            "请退订",
            "請退訂",
            "我要退订",
            "我想退订！",
            "帮我退订，谢谢",
            "麻烦帮我退订一下",
            "退订谢谢",
            "谢谢，退订",
            "退订吧",
            "我要求立即退订",
            "马上给我退订",
            "全部退订",
            "退订所有短信",
            "退订退订退订",
            "您好，请退订，谢谢！",
            "不需要，退订",
            "不用了，退订谢谢",
            "不需要了退订",
            "不要，退订！",
            // Quotations of our own texts.
            "退订请回T",
            "退订回T",
            "退订回复TD",
            "拒收请回复R",
            "请回复 R 拒收",
            "回Ｔ退订",
            "退订请回复N",
            // Other words for it.
            "取消订阅",
            "我要取消訂閱",
            "取消订阅，谢谢",
            "取消短信订阅",
            "取消推送",
            "取消接收短信",
            "拒绝接收",
            "拒絕接收",
            "拒绝接受",
            "不再接收",
            "不接收",
            "不收短信",
            "停止发送",
            "停止發送",
            "请停止发送短信",
            "停止",
            "终止发送",
            "别再发了",
            "别发了",
            "別再發了！！",
            "不要再发了",
            "不要发了",
            "请不要再发短信",
            "不要再给我发短信了",
            "别给我发广告了",
            "请勿再发",
            "勿发",
            "勿扰",
            "请勿打扰",
            "不要打扰",
            "别再骚扰我",
            "不想再收到",
            "我不想收到短信",
            "不要短信",
            "别推送了",
            "以后别发了",
            "不要继续发了",
            "禁止推送",
            // English.
            "STOP",
            "Stop.",
            "stop",
            "sToP",
            "ＳＴＯＰ",
            "S.T.O.P",
            "STOP please",
            "Please stop",
            "please STOP!",
            "STOP STOP STOP",
            "STOPALL",
            "Stop all",
            "QUIT",
            "Quit!",
            "END",
            "end.",
            "CANCEL",
            "REVOKE",
            "OPT OUT",
            "opt-out",
            "OptOut",
            "I want to opt out",
            "unsubscribe",
            "UNSUBSCRIBE ME",
            "Please unsubscribe me, thanks",
            "unsub",
            "stop texting me",
            "Stop sending me messages",
            "stop spamming",
            "stop it now",
            "No, stop",
            "cancel subscription",
            "cancel my subscription please",
            "remove me from this list",
            "take me off your list",
            "Don’t text me",
            "do not send me any more messages",
            "Do not contact me again",
            "never text me again",
            "no more messages",
            "no more texts please",
            "don't send me ads",
            "Reply STOP to unsubscribe",
            "end all texts",
            "请STOP",
            "СТОП",
        ],
    );
}

#[test]
fn a_reply_that_denies_or_undoes_an_opt_out_or_is_about_something_else_is_none() {
    assert_each(
        Verdict::No,
        &[
            "取消退订",
            "退订取消",
            "取消T",
            "取消 T",
            "取消TD",
            "T取消",
            "不要退订",
            "不要退訂！",
            "请不要退订",
            "别退订",
            "不退订",
            "我不退订",
            "不想退订",
            "不用退订",
            "无需退订",
            "没退订",
            "我没有退订",
            "不是退订",
            "我不是要退订",
            "不要取消订阅",
            "撤销退订",
            "撤回退訂",
            "我要取消退订",
            "取消“退订”",
            "不要停止发送",
            "不要拒收",
            "继续发",
            "请继续发送",
            "恢复订阅",
            "重新订阅",
            "别取消订阅",
            "Don't stop",
            "don’t stop",
            "DONT STOP",
            "do not stop",
            "please don't stop",
            "Do not unsubscribe me",
            "never stop",
            "don't cancel",
            "not stop",
            "don't stop sending",
            "START",
            "unstop",
            "opt in",
            "",
            "。",
            "！！！",
            "👍",
            "😀😀",
            "TNT",
            "RT",
            "Tom",
            "请回复",
            "取消",
            "订阅",
            "T恤有货吗",
            "No",
            "no thanks",
            "N/A",
            "5",
            "123456",
            "000",
            "我",
            "好的",
            "收到",
            "收到，谢谢",
            "没收到",
            "还没收到短信",
            "没收到验证码",
            "请把书寄到TD大厦",
            "什么时候到",
            "怎么发货",
            "不要发货",
            "先别发货，地址错了",
            "我要退货",
            "退款",
            "什么时候退款？",
            "周末营业到几点",
            "会员价怎么算？",
            "取消订单",
            "帮我取消预约",
            "停车在哪里",
            "不停电吧",
            "特别好",
            "weekend",
            "The end is near",
            "please cancel my order",
            "I quit smoking",
            "Thanks!",
            "ok",
            "Y",
            "这不是我要的验证码，你们是谁？",
            "地址写错了，能改成南门吗？",
            "R u there",
            "where is the bus stop",
            "再发一遍",
            "请重新发送",
            "我能收到",
            "不好意思，打错了",
            "我要投诉",
            "发错了，不是退订",
            "不感兴趣",
        ],
    );
}

#[test]
fn a_reply_that_may_be_an_opt_out_is_put_before_a_person() {
    assert_each(
        Verdict::Perhaps,
        &[
            // Questions.
            "怎么退订？",
            "怎么退订",
            "怎麼退訂",
            "如何退订",
            "是否退订",
            "退订？",
            "退订吗",
            "退订了吗",
            "T？",
            "T?",
            "N?",
            "STOP?",
            "能退订吗",
            "可以取消订阅吗？",
            "为什么退订不了",
            "退订怎么弄",
            "要退订吗",
            "怎么取消订阅",
            "how to unsubscribe",
            "How do I stop these messages?",
            "can you stop texting me",
            "退订不",
            "不退订？",
            "取消退订？",
            "怎么取消退订",
            // It is mentioned among other words.
            "你们这个退订根本没有用，我上周就说过了",
            "退订之后还会收到订单的通知，对吧",
            "【云帆书店】新书上架，全场八折，拒收请回复R",
            "回复T没用",
            "已经回复T了怎么还发",
            "T没用，退订",
            "我朋友说你们的短信可以退订",
            "我说了别再发了，听不懂人话",
            "stop or I will report you",
            "I told you to stop",
            "unsubscribe link does not work",
            "退订订单里的第二本书",
            // Both are said, or it is uncertain.
            "不要取消退订",
            "取消退订，退订",
            "退订，取消",
            "已退订",
            "我已经退订了",
            "如果退订",
            "无法退订",
            "不能退订",
            "退订不了",
            "退订成功",
            "退订失败",
            "继续发，不要退订，退订",
            "我回复TD取消",
            "退",
            "拒绝",
            "屏蔽",
            "🛑",
            "no more",
            "unsubscribe, no, don't unsubscribe",
        ],
    );
    assert_eq!(judge(&"退订".repeat(500)), Verdict::Perhaps);
    assert_eq!(judge(&"不要退订。".repeat(500)), Verdict::No);
}

#[test]
fn the_keywords_of_a_project_decide_about_words_that_others_do_not_take_for_opt_outs() {
    let of = |keywords: &[&str], reply: &str| {
        let typed: Vec<String> = keywords.iter().map(|word| (*word).to_owned()).collect();
        OptOutKeywords::new(&typed).judge(reply)
    };
    for (keywords, reply, verdict) in [
        (vec![], "T", Verdict::No),
        (vec![], "退T", Verdict::No),
        (vec![], "N", Verdict::No),
        (vec![], "回复T", Verdict::No),
        (vec![], "退订", Verdict::OptOut),
        (vec![], "Stop", Verdict::OptOut),
        (vec!["不要了"], "不要了。", Verdict::OptOut),
        (vec!["不要了"], "我不要了", Verdict::OptOut),
        (vec!["不要了"], "书我不要了能退款吗", Verdict::Perhaps),
        (vec!["取消"], "取消", Verdict::OptOut),
        (vec!["取消"], "请取消", Verdict::OptOut),
        (vec!["取消"], "取消退订", Verdict::No),
        (vec!["拒绝"], "拒绝", Verdict::OptOut),
        (vec!["no more"], "No more", Verdict::OptOut),
        (vec!["好"], "好", Verdict::OptOut),
        (vec!["８８"], "88", Verdict::OptOut),
        (vec!["不要訂閱"], "不要订阅", Verdict::OptOut),
        (vec![" 。"], "。", Verdict::No),
    ] {
        assert_eq!(of(&keywords, reply), verdict, "{reply:?} with {keywords:?}");
    }
}

#[test]
fn a_bare_n_answers_a_question() {
    assert!(["N", "n", "Ｎ。", " N! "].into_iter().all(is_bare_no));
    assert!(!["NO", "N N", "不", "回N", ""].into_iter().any(is_bare_no));
    assert!(ends_with_question("您到了吗？ ") && ends_with_question("Done?"));
    assert!(!ends_with_question("您到了吗？回复Y。"));
}

#[test]
fn a_clean_text_has_line_breaks_and_no_other_control_characters() {
    assert_eq!(clean("a\r\nb\0\u{1b}[31m\u{7f}\tc"), "a\nb[31m\tc");
    assert_eq!(clean(&"字".repeat(20_000)).chars().count(), MAX_LENGTH);
    assert_eq!(clean("\u{202e}שלום😀"), "\u{202e}שלום😀");
}

proptest! {
    #[test]
    fn any_text_is_judged_and_cleaned_once(text in "(.|\r\n|\0|\u{85}){0,60}") {
        let _ = judge(&text);
        let cleaned = clean(&text);
        prop_assert!(!cleaned.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
        prop_assert_eq!(clean(&cleaned), cleaned);
    }

    #[test]
    fn a_keyword_is_one_however_it_is_written(
        word in proptest::sample::select(vec!["t", "td", "r", "qx", "退订", "退訂", "拒收", "stop"]),
        capital in any::<bool>(),
        wide in any::<bool>(),
        before in "[ \n\u{200b}\"“【']{0,3}",
        after in "[ \n\u{200b}\"”】。！!.]{0,3}",
    ) {
        let word = if capital { word.to_uppercase() } else { word.to_owned() };
        let widened = |letter: char| match letter {
            '!'..='~' => char::from_u32(u32::from(letter) + 0xFEE0).unwrap(),
            other => other,
        };
        let word: String = if wide { word.chars().map(widened).collect() } else { word };
        let reply = format!("{before}{word}{after}");
        prop_assert_eq!(judge(&reply), Verdict::OptOut, "{:?}", reply);
    }

    #[test]
    fn a_number_is_no_opt_out(reply in "[0-9]{1,12}[.。]?") {
        prop_assert_eq!(judge(&reply), Verdict::No, "{:?}", reply);
    }
}
