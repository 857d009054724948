//! Sample replies: thanks, questions, opt-outs, and a false opt-out. They come as the vendor's
//! pushes.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::app::App;
use crate::db::replies::conversations::{self, Filter};
use crate::domain::ids::{ProjectId, SubmissionId, UserId};
use crate::ops::actor::Actor;
use crate::ops::receipts::push_inbox;
use crate::ops::replies;

/// How many of the newest conversations are unread.
const UNREAD: usize = 7;
/// An opt-out keyword that was not meant as one.
const FALSE_OPT_OUT: &str = "N";

/// Texts of opt-outs.
const OPT_OUTS: [&str; 3] = ["T", "退订", "拒收请回复R"];

/// A reply to be pushed.
pub struct SampleReply {
    phone: String,
    text: &'static str,
    at: OffsetDateTime,
    user_id: String,
}

impl SampleReply {
    /// Returns whether it opts `phone` out, so that nothing may be sent there afterwards.
    pub fn opts_out(&self, phone: &str) -> bool {
        self.phone == phone && OPT_OUTS.contains(&self.text)
    }
}

/// Returns the replies of some of `phones` to a text of `template` that they got at `arrived`.
pub fn to(
    template: &str,
    submission: SubmissionId,
    phones: &[String],
    arrived: OffsetDateTime,
    rng: &mut StdRng,
) -> Vec<SampleReply> {
    let (one_in, texts): (usize, &[&str]) = match template {
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
                FALSE_OPT_OUT,
            ],
        ),
        "取件提醒" => (30, &["我改天去取", "请放在驿站，明天下班来拿", "ok", "已取"]),
        _ => (60, &["这不是我要的验证码，你们是谁？"]),
    };
    let mut replies = Vec::new();
    for phone in phones {
        if rng.random_range(0..one_in) > 0 {
            continue;
        }
        let at = arrived + Duration::seconds(rng.random_range(40..3_000));
        let text = texts[rng.random_range(0..texts.len())];
        // Carriers usually return the UserId, but not always.
        let user_id =
            if rng.random_bool(0.8) { submission.vendor_user_id() } else { String::new() };
        replies.push(SampleReply { phone: phone.clone(), text, at, user_id: user_id.clone() });
        if text.ends_with('？') && rng.random_bool(0.5) {
            let at = at + Duration::minutes(3);
            replies.push(SampleReply { phone: phone.clone(), text: "在吗", at, user_id });
        }
    }
    replies
}

/// Pushes each reply at its time, up to `now`, and marks all conversations but the newest as read.
pub async fn push_all(
    app: &App,
    project: ProjectId,
    operator: UserId,
    replies: &[SampleReply],
    now: OffsetDateTime,
) -> anyhow::Result<()> {
    let mut past: Vec<&SampleReply> = replies.iter().filter(|reply| reply.at < now).collect();
    past.sort_by_key(|reply| reply.at);
    for reply in past {
        app.clock.advance(reply.at + Duration::seconds(4) - app.clock.now());
        let item = json!({ "Phone": reply.phone, "ReplyContent": reply.text,
            "ReplyTime": reply.at.unix_timestamp(), "UserId": reply.user_id });
        let body = json!({ "MsgType": 0, "Data": [item] }).to_string();
        push_inbox::store(app, project, body.as_bytes()).await?;
        push_inbox::process_next(app).await?;
    }
    let by = Actor { project, user: operator, ip: "127.0.0.1" };
    let all = Filter { limit: 1_000, ..Filter::default() };
    let newest = conversations::list(&app.db, project, &all).await?.conversations;
    for (index, conversation) in newest.into_iter().enumerate() {
        if index >= UNREAD {
            replies::mark_read(app, by, conversation.id, conversation.newest_id).await?;
        }
        if conversation.opted_out && conversation.last_text == FALSE_OPT_OUT {
            replies::undo_opt_out(app, by, conversation.id, conversation.newest_id).await?;
        }
    }
    Ok(())
}
