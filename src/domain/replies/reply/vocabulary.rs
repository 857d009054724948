//! The words that replies to messages are made of, and what each does to an opt-out.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::words::{self, Words};

/// What a word does in a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Says by itself that no more is wanted, and is noticed among other words.
    OptOut,
    /// Says so only if nothing else is said: `END` or `0000` also mean other things.
    Command,
    /// Stops what follows, or everything: `停止`.
    Stop,
    /// Undoes the opt-out beside it, or stops the messages after it: `取消退订`, `取消订阅`.
    Cancel,
    /// The same, but opts out by itself: `CANCEL`.
    CancelCommand,
    /// Denies the opt-out after it, or forbids what follows: `不要退订`, `不要再发`.
    Not,
    /// The same, and says something by itself: `拒绝`.
    Refuse,
    /// Denies the opt-out after it, or declines messages: `不退订`, `不收`. A `不发` may be about parcels.
    NotNow,
    /// Denies only what was or is: `没退订`. `没收到` is no opt-out.
    NotYet,
    /// To send or disturb.
    Send,
    /// To receive.
    Receive,
    /// A message or a subscription.
    Message,
    /// What messages are about, or come with: `取消服务` may be about them.
    Topic,
    /// Asks for more: `继续`.
    Keep,
    /// Makes a question of it.
    Ask,
    /// Comes before a keyword in the texts that are answered: `回复T`.
    Reply,
    /// Ends what a word before it refers to: in `不需要了退订`, the opt-out is not denied.
    Break,
    /// May be meant as an opt-out if nothing else is said: `退`.
    Hint,
    /// Makes an opt-out uncertain: `已`, `无法`.
    Doubt,
    /// Politeness and the like, which changes nothing.
    Filler,
    /// Means something else although its letters do not: `发货`.
    Other,
}

const WORDS: [(Class, &str); 21] = [
    (Class::Topic, "业务 服务 功能 会员 通知 提醒 内容 营销 推广 推销 商业 促销"),
    (
        Class::OptOut,
        "退订 退定 退阅 拒收 拒接收 拒接受 勿扰 免打扰 停发 停推 退出订阅 解除订阅 取消关注 \
         删除我 移除我 删了我 把我删了 把我删除 把我移除 删除我的号码 删除号码 删除我的手机号 移出名单 \
         从名单中删除 stop stopp stopall|stop all|unsubscribe|unsubscribed|unsub|unsubcribe|unsubscribing|opt out\
         |optout|opting out|opt me out|remove me|remove my number|remove this number|take me off|delete me\
         |delete my number|tuiding|jushou|arret|arrêt|baja|parar|berhenti|стоп|수신거부|配信停止",
    ),
    (Class::Command, "0000 00000 quit end"),
    (Class::Stop, "停止 终止 中止 停"),
    (Class::Cancel, "取消 撤销 撤回 解除 关闭 关掉 undo"),
    (Class::CancelCommand, "cancel revoke"),
    (
        Class::Not,
        "不要 别 勿 请勿 不用 不必 不想 不需 不需要 不准 不许 不得 不可以 禁止 莫 甭 无需 无须 毋须 毋需 \
         唔好 唔要 唔想 不再 不愿 不愿意 不希望 dont|do not|never|not|please dont|no longer",
    ),
    (Class::Refuse, "拒绝 屏蔽 拉黑|no more|leave me alone"),
    (Class::NotNow, "不"),
    (
        Class::NotYet,
        "没 没有 未 从未 从没 并未 并没有 尚未 还没 不是 并不是 并非 非 cant cannot didnt havent wont doesnt",
    ),
    (
        Class::Send,
        "发 发送 发来 发给 群发 乱发 滥发 推送 推 打扰 骚扰 烦 联系 轰炸 传 传送 打电话 致电 send sending text \
         texting spam spamming contact contacting disturb bother bothering|message me|messaging",
    ),
    (Class::Receive, "收到 收 接收 接受 收取 receive receiving get getting"),
    (
        Class::Message,
        "短信 信息 消息 讯息 简讯 广告 订阅 垃圾短信 message messages texts msg msgs sms mms ads \
         subscription subscriptions subscribe promotions newsletter",
    ),
    (
        Class::Keep,
        "继续 恢复 重新 还想 还要 仍要 仍想 接着 start unstop resume continue keep|opt in",
    ),
    (
        Class::Ask,
        "吗 么 呢 怎么 怎样 怎么样 咋 如何 是否 是不是 能否 能不能 可不可以 可否 什么 为什么 为啥 为何 哪 \
         哪里 谁 多少 要不要 退不退 行不行 好不好 有没有 会不会 how what why where when who which can could \
         should does did|do i|do you",
    ),
    (Class::Reply, "回复 回 复 reply"),
    (
        Class::Break,
        "了 或 或者 谢谢 多谢 感谢 不感兴趣 没兴趣 不买 不认识 or thanks thank thx|not interested",
    ),
    (Class::Hint, "退 退出 推订 退丁 删除 删掉 删了 移除 🛑 🚫 ⛔"),
    (
        Class::Doubt,
        "已 已经 早已 如果 要是 假如 除非 否则 不然 无法 不能 没法 不了 不会 成功 失败 过 误 \
         发错 打错 点错 按错 手滑 发错人 if already unless",
    ),
    (
        Class::Filler,
        "请 请求 要求 强烈 申请 办理 处理 麻烦 拜托 劳驾 求 求求 千万 务必 帮 帮我 帮忙 给 给我 我 我的 我们 我要 \
         我想 本人 你 你们 您 你好 您好 的 地 吧 啊 呀 哦 喔 啦 呗 嘛 哈 哟 好 好的 行 是 对 嗯 要 想 想要 需要 需 \
         一下 下 这 这个 这些 那 那些 此 该 本 号 号码 手机 手机号 电话 所有 全部 任何 一切 一律 都 就 也 再 再次 又 \
         还 马上 立刻 立即 尽快 赶紧 快 快点 现在 以后 今后 永远 永久 彻底 直接 统一 老 老是 总 总是 一直 天天 每天 \
         整天 不停 辛苦 不好意思 抱歉 对不起 谢 编辑 确认 确定 同意 \
         类 垃圾 刚才 刚刚 意思 客户 用户 人 投诉 举报 神经病 有病 骗子 烦人 恶心 即可 可以 可 到 \
         至 向 往 从 把 将 为 与 和 跟 及 对我 亲 客服 老板 商家 平台 公司 系统 名单 列表 \
         里 中 来 去 条 在 些 滚 烦死 烦死人 妈的 他妈的 唔该 嘢 \
         please pls plz kindly just now immediately right away \
         me my i im id you your u ur us we want to would like wish need the these this those that it all any \
         from for of in on at with and number phone mobile list mailing database hi hello hey dear sir madam \
         team ok okay no yes yeah once asap today forever ever again anymore more marketing promotional \
         further future going everything so much very is be consent",
    ),
    (
        Class::Other,
        "发货 发票 发件 发快递 发现 发生 发烧 发音 出发 开发 收货 收件 收费 收钱 收据 收款 接收人 收件人 停车 停电 \
         停业 传真 退款 退货 退换 不错 不错的 不过 不同 没事 没问题 特别 别人 别的 区别 性别 莫非 复印 回来 回家 \
        |bus stop|next stop|full stop|non stop|nonstop|stop by|one stop|pit stop|not bad",
    ),
];

/// Returns the entries of a list: words between spaces, then phrases of several words, each behind a
/// `|`.
fn entries(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split('|').enumerate().flat_map(|(n, part)| {
        let phrase = (n > 0).then_some(part);
        let single = (n == 0).then(|| part.split_whitespace());
        phrase.into_iter().chain(single.into_iter().flatten())
    })
}

static VOCABULARY: LazyLock<HashMap<Words, Class>> = LazyLock::new(|| {
    let words = WORDS
        .into_iter()
        .flat_map(|(class, list)| entries(list).map(move |entry| (words::of(entry), class)));
    words.collect()
});

/// The most words of an entry: `删除我的手机号`.
pub(super) const MAX_ENTRY: usize = 7;

/// Returns what a word does; `None` if it is not known.
pub(super) fn class(words: &[String]) -> Option<Class> {
    VOCABULARY.get(words).copied()
}

/// Returns whether a text without its spaces and punctuation is a word that opts out: `S.T.O.P`.
pub(super) fn is_opt_out(letters: &str) -> bool {
    static SPELLED: LazyLock<std::collections::HashSet<String>> = LazyLock::new(|| {
        let opt_outs = VOCABULARY
            .iter()
            .filter(|(_, class)| matches!(class, Class::OptOut | Class::Command))
            .map(|(words, _)| words.concat());
        opt_outs.collect()
    });
    SPELLED.contains(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_does_one_thing() {
        let mut seen = HashMap::new();
        for (class, list) in WORDS {
            for entry in entries(list) {
                let words = words::of(entry);
                assert!(!words.is_empty() && words.len() <= MAX_ENTRY, "{entry}");
                assert_eq!(seen.insert(words, class), None, "{entry}");
            }
        }
    }
}
