//! What people of the sample data texted back: thanks, questions, opt-outs, and one false alarm. It
//! comes as pushes, as the vendor would send them.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::app::App;
use crate::db::conversations::{self, Filter};
use crate::domain::ids::{ProjectId, SubmissionId, UserId};
use crate::ops::suppressions::Actor;
use crate::ops::{push_inbox, replies};

/// So many of the newest conversations have not been read.
const UNREAD: usize = 7;
/// The words of somebody who means something else by them.
const FALSE_ALARM: &str = "N";

/// How people opt out.
const OPT_OUTS: [&str; 3] = ["T", "退订", "拒收请回复R"];

/// One reply to come.
pub struct Answer {
    phone: String,
    words: &'static str,
    at: OffsetDateTime,
    user_id: String,
}

impl Answer {
    /// Whether it opts `phone` out: nothing is sent there afterwards.
    pub fn opts_out(&self, phone: &str) -> bool {
        self.phone == phone && OPT_OUTS.contains(&self.words)
    }
}

/// What some of `phones` answer to a text of `template`, which they have had since `arrived`.
pub fn to(
    template: &str,
    submission: SubmissionId,
    phones: &[String],
    arrived: OffsetDateTime,
    dice: &mut StdRng,
) -> Vec<Answer> {
    let (one_in, said): (usize, &[&str]) = match template {
        "会员周新书" => (
            40,
            &[
                OPT_OUTS[0],
                OPT_OUTS[1],
                OPT_OUTS[2],
                "这周有儿童绘本吗？",
                "《海错图》有货吗",
                "会员价怎么算？",
                "周末营业到几点",
                "谢谢，周末去看看",
            ],
        ),
        "发货通知" => (
            35,
            &[
                "收到，谢谢",
                "地址写错了，能改成南门吗？",
                "什么时候到",
                "好的 👍",
                "谢谢，已收到货",
                "可以周末送吗？",
                "不在家，放门卫",
                "还没收到，麻烦查一下",
                "能开发票吗？",
                FALSE_ALARM,
            ],
        ),
        "取件提醒" => (30, &["我改天去取", "请放在驿站，明天下班来拿", "ok", "已取"]),
        _ => (60, &["这不是我要的验证码，你们是谁？"]),
    };
    let mut answers = Vec::new();
    for phone in phones {
        if dice.random_range(0..one_in) > 0 {
            continue;
        }
        let at = arrived + Duration::seconds(dice.random_range(40..3_000));
        let words = said[dice.random_range(0..said.len())];
        // Carriers give the UserId back as a rule, not always.
        let user_id =
            if dice.random_bool(0.8) { submission.vendor_user_id() } else { String::new() };
        answers.push(Answer { phone: phone.clone(), words, at, user_id: user_id.clone() });
        if words.ends_with('？') && dice.random_bool(0.5) {
            let at = at + Duration::minutes(3);
            answers.push(Answer { phone: phone.clone(), words: "在吗", at, user_id });
        }
    }
    answers
}

/// Takes each answer in at its time, up to `now`, and reads all but the newest.
pub async fn keep(
    app: &App,
    project: ProjectId,
    operator: UserId,
    answers: &[Answer],
    now: OffsetDateTime,
) -> anyhow::Result<()> {
    let mut come: Vec<&Answer> = answers.iter().filter(|answer| answer.at < now).collect();
    come.sort_by_key(|answer| answer.at);
    for one in come {
        app.clock.advance(one.at + Duration::seconds(4) - app.clock.now());
        let reply = json!({ "Phone": one.phone, "ReplyContent": one.words,
            "ReplyTime": one.at.unix_timestamp(), "UserId": one.user_id });
        let body = json!({ "MsgType": 0, "Data": [reply] }).to_string();
        push_inbox::store(app, project, body.as_bytes()).await?;
        push_inbox::process_next(app).await?;
    }
    let by = Actor { project, person: operator, address: "127.0.0.1" };
    let all = Filter { limit: 1_000, ..Filter::default() };
    let newest = conversations::list(&app.db, project, &all).await?.conversations;
    for (place, one) in newest.into_iter().enumerate() {
        if place >= UNREAD {
            replies::mark_read(app, by, one.id, one.newest_id).await?;
        }
        if one.opted_out && one.last_text == FALSE_ALARM {
            replies::take_back(app, by, one.id, one.newest_id).await?;
        }
    }
    Ok(())
}
